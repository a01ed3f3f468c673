/**
 * integrityCore: one kernel's integrity subsystem: what its parts share. `state` is all that changes; the rest follows from options.
 *
 * The functions of `ima/`, `evm/` and `kexec/` take it as their first argument, as Linux's use globals.
 */
import { type Core, type Dentry, DiskStore, type Inode, type OpenFile } from "@kernelkit/core";
import { HASH_ALGO_SHA1, hashAlgoByName } from "./abi/hashAlgo.js";
import type { CryptoProvider } from "./crypto/provider.js";
import { evmHmac } from "./evm/evmDigest.js";
import { Iint } from "./ima/iint.js";
import { ImaState } from "./ima/imaState.js";
import { MeasurementList } from "./list/measurementList.js";
import type { ResolvedOptions } from "./options.js";
import { CompiledPolicy } from "./policy/compiledPolicy.js";
import { type PolicyEvent, type PolicyMatch, policyEvent, policyMatch } from "./policy/matchPolicy.js";
import { PcrBanks } from "./tpm/pcrs.js";

const PAGE = 4096;

export class Integrity {
  readonly k: Core;
  readonly o: ResolvedOptions;
  readonly crypto: CryptoProvider;
  readonly state: ImaState;
  /** Hash numbers files can be hashed with, and banks extended with. */
  readonly hashes: ReadonlySet<number>;
  readonly bankHashes: ReadonlySet<number>;
  /** True while files are edited from outside: no hook looks. */
  asleep: boolean = false;
  /** Told when the last close of a written file takes the inode's lock: for whoever draws lock orders. */
  onInodeLock: ((inode: Inode) => void) | null = null;
  /** Reused by every check. */
  readonly event: PolicyEvent = policyEvent();
  readonly match: PolicyMatch = policyMatch();
  private readonly slot: number;
  /** The rules in force, arranged; made anew when they are others. */
  private compiled: CompiledPolicy = new CompiledPolicy([]);
  /** The keyed HMAC of the key in state, made anew when that is another one (after a restore). */
  private hmacKey: Uint8Array | null = null;
  private hmacFn: ((data: Uint8Array) => Uint8Array) | null = null;

  constructor(k: Core, o: ResolvedOptions) {
    this.k = k;
    this.o = o;
    this.crypto = o.crypto;
    const numbers = (names: readonly string[]): Set<number> =>
      new Set(names.map(hashAlgoByName).filter((algo) => algo >= 0 && this.crypto.has(algo)));
    this.hashes = numbers(o.profile.hashes);
    this.bankHashes = numbers(o.profile.bankHashes);
    const tpm = o.tpm === null ? null : new PcrBanks(o.tpm.banks);
    const columns = [HASH_ALGO_SHA1];
    if (tpm !== null) for (const b of tpm.banks) if (b.algo !== HASH_ALGO_SHA1) columns.push(b.algo);
    this.state = new ImaState(new MeasurementList(columns), tpm);
    this.slot = k.vfs.inodeSlots.add("integrity", () => null);
  }

  /** The policy in force. */
  policy(): CompiledPolicy {
    const rules = this.state.customActive ? this.state.customRules : this.state.defaultRules;
    if (!this.compiled.isOf(rules)) this.compiled = new CompiledPolicy(rules);
    return this.compiled;
  }

  /** What is remembered about an inode, or null. */
  iint(inode: Inode): Iint | null {
    const i = inode.slots === null ? null : (inode.slots[this.slot] as Iint | null | undefined);
    return i === null || i === undefined || i.epoch !== this.state.epoch ? null : i;
  }

  /** The same, made if need be. */
  iintGet(inode: Inode): Iint {
    const there = this.iint(inode);
    if (there !== null) return there;
    const made = new Iint();
    made.epoch = this.state.epoch;
    inode.slots ??= [];
    inode.slots[this.slot] = made;
    return made;
  }

  /** Absolute path from the real root, whatever root the task has; of a removed file, where it was. */
  path(file: OpenFile): string {
    return this.k.vfs.dPath(file.mnt, file.dentry, null).replace(/ \(deleted\)$/, "");
  }

  /** Path inside its file system. */
  fsPath(dentry: Dentry): string {
    let text = "";
    for (let d = dentry; !d.isRoot; d = d.parent) text = `/${d.name}${text}`;
    return text === "" ? "/" : text;
  }

  /**
   * The contents of a regular file, as hashing reads them: by the size its inode says (pseudo files say 0). Pages that are not cached are
   * taken from the medium; holes are zeros.
   */
  contents(inode: Inode): Uint8Array {
    const out = new Uint8Array(inode.size);
    const { mapping } = inode;
    if (mapping === null) return out;
    const store = inode.data instanceof DiskStore ? inode.data.pages : null;
    for (let i = 0; i * PAGE < out.length; i++) {
      const cached = mapping.lookup(i) !== 0;
      const data = cached ? mapping.data(i) : (store?.get(i) ?? null);
      const n = Math.min(PAGE, out.length - i * PAGE);
      if (typeof data === "number") out.fill(data, i * PAGE, i * PAGE + n);
      else if (data !== null) out.set(n === PAGE ? data : data.subarray(0, n), i * PAGE);
    }
    return out;
  }

  /** The HMAC of the loaded key, or null without one. */
  hmac(): ((data: Uint8Array) => Uint8Array) | null {
    const { key } = this.state.evm;
    if (key !== this.hmacKey) {
      this.hmacKey = key;
      this.hmacFn = key === null ? null : evmHmac(key, this.crypto);
    }
    return this.hmacFn;
  }
}

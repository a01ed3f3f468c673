/**
 * replay: what the registers of a TPM must hold if a measurement list is true.
 *
 *     const r = imaReplay(bytes, { banks: [HASH_ALGO_SHA1, HASH_ALGO_SHA256] });
 *     toHex(r.read(HASH_ALGO_SHA256, 10))
 *
 * Per entry and bank: PCR = H(PCR || d). d is the bank's hash of the template data; for a bank whose hash the kernel could not
 * compute, the SHA-1 padded with zeros to the bank's size; for a violation, all ones. Template hashes in the list are never
 * trusted: they are recomputed and compared. `Replay` is fed entry by entry, so a list need not lie in memory.
 */
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256, hashDigestSize } from "../abi/hashAlgo.js";
import { u32be, u32le } from "../bytes.js";
import { nobleCrypto } from "../crypto/nobleCrypto.js";
import type { CryptoProvider } from "../crypto/provider.js";
import { type EntryView, IMA_MAX_PCR } from "./entry.js";
import { type ListFormat, ListReader } from "./listReader.js";
import { IMA_EVENT_NAME_LEN_MAX } from "./templateData.js";

/** One bank under replay. */
class BankReplay {
  readonly algo: number;
  readonly size: number;
  /** True if the kernel lacked the hash and padded SHA-1. */
  readonly padded: boolean;
  /** By register; null for one that no entry has extended. */
  readonly regs: (Uint8Array | null)[] = new Array<Uint8Array | null>(IMA_MAX_PCR).fill(null);
  /** PCR || d. */
  readonly block: Uint8Array;

  constructor(algo: number, padded: boolean) {
    this.algo = algo;
    this.size = hashDigestSize[algo];
    this.padded = padded;
    this.block = new Uint8Array(2 * this.size);
  }
}

export interface ReplayOptions extends ListFormat {
  readonly crypto?: CryptoProvider;
  /** Kernel hash numbers. Default SHA-1 and SHA-256. */
  readonly banks?: readonly number[];
  /** Hashes the measuring kernel could compute when it measured; other banks get padded SHA-1. Default: those of `banks`. */
  readonly kernelHashes?: readonly number[];
}

export class Replay {
  private readonly crypto: CryptoProvider;
  private readonly banks: BankReplay[];
  private readonly listHash: number;
  /** By register: 1 once an entry has extended it. */
  private readonly touched: Uint8Array = new Uint8Array(IMA_MAX_PCR);
  private readonly scratch: Uint8Array = new Uint8Array(20 + IMA_EVENT_NAME_LEN_MAX + 1);
  entries: number = 0;
  violations: number = 0;
  badTemplateHashes: number = 0;

  constructor(o: ReplayOptions) {
    this.crypto = o.crypto ?? nobleCrypto;
    this.listHash = o.listHash ?? HASH_ALGO_SHA1;
    const banks = o.banks ?? [HASH_ALGO_SHA1, HASH_ALGO_SHA256];
    this.banks = banks.map((algo) => {
      if (hashDigestSize[algo] === undefined) throw new RangeError(`banks: ${algo} is no hash number`);
      if (!this.crypto.has(algo)) throw new RangeError(`banks: ${this.crypto.name} cannot compute hash ${algo}`);
      return new BankReplay(algo, algo !== HASH_ALGO_SHA1 && o.kernelHashes?.includes(algo) === false);
    });
  }

  /** Extends by an entry. Returns false if its template hash is not the hash of its data. */
  push(view: EntryView): boolean {
    this.entries++;
    this.touched[view.pcr] = 1;
    if (view.isViolation()) {
      this.violations++;
      for (const bank of this.banks) this.extend(bank, view.pcr, null);
      return true;
    }
    const data = this.hashed(view);
    const listed = this.crypto.digest(this.listHash, data);
    let good = listed.length === view.digestSize;
    for (let i = 0; good && i < listed.length; i++) good = listed[i] === view.bytes[view.digest + i];
    if (!good) this.badTemplateHashes++;
    for (const bank of this.banks) {
      const algo = bank.padded ? HASH_ALGO_SHA1 : bank.algo;
      this.extend(bank, view.pcr, algo === this.listHash ? listed : this.crypto.digest(algo, data));
    }
    return good;
  }

  /** A register after the entries so far: null if none has extended it. The bytes are the replay's: they never change. */
  read(algo: number, pcr: number): Uint8Array | null {
    for (const bank of this.banks) if (bank.algo === algo) return bank.regs[pcr];
    return null;
  }

  /** The registers that entries have extended, ascending. */
  extended(): number[] {
    const out: number[] = [];
    for (let i = 0; i < IMA_MAX_PCR; i++) if (this.touched[i] === 1) out.push(i);
    return out;
  }

  private extend(bank: BankReplay, pcr: number, digest: Uint8Array | null): void {
    const { block, size, regs } = bank;
    const old = regs[pcr];
    if (old === null) block.fill(0, 0, size);
    else block.set(old);
    if (digest === null) {
      block.fill(0xff, size);
    } else {
      block.set(digest, size);
      if (digest.length < size) block.fill(0, size + digest.length);
    }
    regs[pcr] = this.crypto.digest(bank.algo, block);
  }

  /** The bytes that the template hash covers: data with little-endian lengths, or the padded form of the template "ima". */
  private hashed(view: EntryView): Uint8Array {
    if (view.template?.legacy === true) {
      const s = this.scratch;
      s.fill(0);
      s.set(view.bytes.subarray(view.data, view.data + 20));
      s.set(view.bytes.subarray(view.data + 24, view.end), 20);
      return s;
    }
    const data = view.bytes.subarray(view.data, view.end);
    return view.bigEndian && view.template !== null ? littleLengths(data, view.template.fields.length) : data;
  }
}

/** Field lengths turned to little endian, as they are hashed on any machine. Stops at the first length that does not hold. */
function littleLengths(data: Uint8Array, fields: number): Uint8Array {
  const out = data.slice();
  let at = 0;
  for (let i = 0; i < fields && at + 4 <= out.length; i++) {
    const n = u32be(out, at);
    out.subarray(at, at + 4).reverse();
    if (n > out.length - at - 4 || u32le(out, at) !== n) break;
    at += 4 + n;
  }
  return out;
}

/** Replays a whole list. FormatError (EINVAL, offset) if it does not parse; RangeError for banks that cannot be computed. */
export function imaReplay(bytes: Uint8Array, o: ReplayOptions = {}): Replay {
  const replay = new Replay(o);
  const reader = new ListReader(o);
  reader.push(bytes, (view) => {
    replay.push(view);
  });
  reader.end();
  return replay;
}

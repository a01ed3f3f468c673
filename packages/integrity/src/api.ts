/**
 * api: `kernel.integrity`: what a program outside the simulated machine does with it: read the list, quote, load keys, edit the disk offline.
 *
 *     kernel.integrity.asciiMeasurements()                     // the file's text
 *     const q = kernel.integrity.quote("sha256:10", nonce);     // { attest, signature }, for verifyMeasurementList
 *     kernel.integrity.offline((edit) => edit.write(inode, bytes));
 */
import { type Core, DiskStore, type Inode, truncatePages } from "@kernelkit/core";
import { hashAlgoByName, hashAlgoName } from "./abi/hashAlgo.js";
import { fromHex, text, toHex, utf8 } from "./bytes.js";
import { ecKeyFromSeed } from "./crypto/makeCertificate.js";
import { publicKeyOf } from "./crypto/nobleCrypto.js";
import { pemToDer } from "./crypto/parsePublicKey.js";
import type { PrivateKey, PublicKey } from "./crypto/provider.js";
import type { AsymmetricKey } from "./digsig/keyring.js";
import { addEvmKey } from "./evm/evmKey.js";
import { imaMeasureCriticalData } from "./ima/buffer.js";
import type { Iint } from "./ima/iint.js";
import type { ImaState } from "./ima/imaState.js";
import { showPolicy } from "./ima/policyFile.js";
import { releasePolicy, writePolicy } from "./ima/policyLoad.js";
import type { Integrity } from "./integrityCore.js";
import { kernelKexec } from "./kexec/kexecBoot.js";
import type { KexecImage } from "./kexec/kexecImage.js";
import { addX509, keyring } from "./keyrings.js";
import type { MeasurementEntry } from "./list/entry.js";
import { parseMeasurementList } from "./list/listReader.js";
import { asciiList } from "./securityfsFiles.js";
import { storeRawXattr } from "./securityXattr.js";
import type { PcrValues } from "./tpm/pcrs.js";
import { type Quote, tpmQuote } from "./tpm/quote.js";
import { parsePcrSelection } from "./tpm/tpmsAttest.js";

/** Edits of a disk while its machine is off: no hook sees them, and nothing is remembered about its files afterwards. */
export interface OfflineEdit {
  /** Replaces a file's content. RangeError for what is no regular file with contents. */
  write(inode: Inode, data: Uint8Array): void;
  /** Sets or (null) removes an attribute, whatever its name. */
  xattr(inode: Inode, name: string, value: Uint8Array | null): void;
  /** Changes owner, group, mode, inode number or generation. */
  attr(inode: Inode, a: { uid?: number; gid?: number; mode?: number; ino?: number; generation?: number }): void;
}

const PAGE = 4096;

function rewrite(k: Core, inode: Inode, data: Uint8Array): void {
  const { mapping } = inode;
  if (mapping === null) throw new RangeError("offline.write: the inode is no regular file with contents");
  truncatePages(k, mapping, 0);
  const store = new DiskStore();
  for (let i = 0; i * PAGE < data.length; i++) {
    const page = new Uint8Array(PAGE);
    page.set(data.subarray(i * PAGE, (i + 1) * PAGE));
    store.pages.set(i, page);
  }
  inode.data = store;
  inode.size = data.length;
  inode.sizeLow = 0;
}

export class IntegrityApi {
  private readonly g: Integrity;

  constructor(g: Integrity) {
    this.g = g;
  }

  /** The live state: to be read. */
  get state(): ImaState {
    return this.g.state;
  }

  /** /sys/kernel/security/ima/ascii_runtime_measurements; names that are no UTF-8 show U+FFFD. */
  asciiMeasurements(bank: string = "sha1"): string {
    return text(asciiList(this.g, this.column(bank)));
  }

  /** /sys/kernel/security/ima/binary_runtime_measurements. */
  binaryMeasurements(bank: string = "sha1"): Uint8Array {
    return this.g.state.list.toBinary(0, this.column(bank));
  }

  /** The entries, parsed. */
  measurements(): MeasurementEntry[] {
    return parseMeasurementList(this.binaryMeasurements());
  }

  private column(bank: string): number {
    const c = this.g.state.list.column(hashAlgoByName(bank));
    if (c < 0)
      throw new RangeError(
        `bank: '${bank}'; there are ${this.g.state.list.digests.map((d) => hashAlgoName[d.algo]).join(", ")}`,
      );
    return c;
  }

  /** A register in lower-case hexadecimal. RangeError without that bank or register. */
  pcrRead(bank: string, index: number): string {
    const { tpm } = this.g.state;
    const b = tpm?.bank(hashAlgoByName(bank)) ?? null;
    if (tpm === null || b === null) throw new RangeError(`bank: '${bank}' does not exist`);
    return toHex(tpm.read(b, index));
  }

  /** All registers, by bank and index. Empty without a TPM. */
  pcrs(): PcrValues {
    return this.g.state.tpm?.toValues() ?? {};
  }

  /** Extends a register, as firmware or a boot loader does. RangeError without that bank. */
  pcrExtend(bank: string, index: number, digestHex: string): void {
    const { tpm } = this.g.state;
    const b = tpm?.bank(hashAlgoByName(bank)) ?? null;
    if (tpm === null || b === null) throw new RangeError(`bank: '${bank}' does not exist`);
    tpm.extend(b, index, fromHex(digestHex), this.g.crypto);
  }

  private ak(): PrivateKey {
    return this.g.o.tpm?.ak ?? ecKeyFromSeed(`ak ${this.g.k.options.seed}`, this.g.crypto);
  }

  /** The public half of the attestation key. */
  get attestationKey(): PublicKey {
    return publicKeyOf(this.ak());
  }

  /** tpm2_quote: registers by a selection like "sha1:10+sha256:0,10". RangeError without a TPM or bank. */
  quote(selection: string, nonce: Uint8Array | string): Quote {
    const { tpm } = this.g.state;
    if (tpm === null) throw new RangeError("quote: there is no TPM");
    const bytes = typeof nonce === "string" ? fromHex(nonce) : nonce;
    const clock = BigInt(Math.floor(this.g.k.now / 1e6));
    return tpmQuote(this.ak(), tpm, { select: parsePcrSelection(selection), nonce: bytes, clock }, this.g.crypto);
  }

  /**
   * Loads a policy as one session of writes to the policy file would: each line a write. True if it is in force; nothing of it is
   * otherwise. RangeError where the file is gone or busy.
   */
  loadPolicy(...lines: string[]): boolean {
    const { g } = this;
    if (g.state.policyBusy) throw new RangeError("loadPolicy: somebody has the policy file open");
    if (g.state.customActive && !g.o.profile.writePolicy)
      throw new RangeError("loadPolicy: this kernel takes one policy only");
    g.state.policyBusy = true;
    for (const line of lines) writePolicy(g, utf8(line), 0, () => -2);
    return releasePolicy(g);
  }

  /** The policy in force, a rule a line. */
  policy(): string {
    return showPolicy(this.g);
  }

  /**
   * Adds a certificate (DER or PEM) to a keyring (".ima", ".evm", ".builtin_trusted_keys", ".platform"...): 0 or -errno. `bypass` as the
   * kernel loads its own keys, past the restriction of trusted keyrings.
   */
  addKey(keyringTo: string, certificate: Uint8Array | string, bypass: boolean = false): number {
    const der = pemToDer(typeof certificate === "string" ? certificate : text(certificate));
    const bytes = der ?? (typeof certificate === "string" ? utf8(certificate) : certificate);
    return addX509(this.g, keyringTo, bytes, bypass);
  }

  /** The keys of .ima, .evm or .platform. */
  keys(role: "ima" | "evm" | "platform"): readonly AsymmetricKey[] {
    return keyring(this.g, role);
  }

  /** `keyctl add encrypted evm-key`: the HMAC key waits in root's keyring for a 1 in the file evm. */
  addEvmKey(payload: Uint8Array): void {
    addEvmKey(this.g, payload);
  }

  /** ima_measure_critical_data(). 0, -EEXIST or -ENOENT (no rule asks for it). */
  measureCriticalData(label: string, name: string, data: Uint8Array, hash: boolean = false): number {
    return imaMeasureCriticalData(this.g, label, name, data, hash);
  }

  /** What is remembered about an inode, or null. */
  iint(inode: Inode): Iint | null {
    return this.g.iint(inode);
  }

  /** From now on `fn` is told when the end of a written file takes the inode's lock. null: nobody. */
  watchInodeLock(fn: ((inode: Inode) => void) | null): void {
    this.g.onInodeLock = fn;
  }

  /** The kernels that are loaded. */
  get kexecImage(): KexecImage | null {
    return this.g.state.kexec.image;
  }
  get kexecCrashImage(): KexecImage | null {
    return this.g.state.kexec.crashImage;
  }

  /** `kexec -e`: "kexec", or "halt" if purgatory found a changed segment. KernelError EINVAL without an image. */
  kexecExecute(): string {
    kernelKexec(this.g);
    return this.g.state.kexec.jumped;
  }

  /** The disk is edited from outside. Everything that was cached about files is forgotten, as after a reboot. */
  offline(edit: (e: OfflineEdit) => void): void {
    const { g } = this;
    g.asleep = true;
    try {
      edit({
        write: (inode, data) => rewrite(g.k, inode, data),
        xattr: (inode, name, value) => storeRawXattr(inode, name, value),
        attr(inode, a) {
          if (a.uid !== undefined) inode.uid = a.uid;
          if (a.gid !== undefined) inode.gid = a.gid;
          if (a.mode !== undefined) inode.mode = (inode.mode & ~0o7777) | (a.mode & 0o7777);
          if (a.generation !== undefined) inode.generation = a.generation;
          if (a.ino !== undefined) (inode as { ino: number }).ino = a.ino;
        },
      });
    } finally {
      g.asleep = false;
      g.state.epoch++;
    }
  }
}

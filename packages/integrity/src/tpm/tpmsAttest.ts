/**
 * tpmsAttest: the structures of a TPM 2.0 quote: TPMS_ATTEST with TPMS_QUOTE_INFO, and TPMT_SIGNATURE.
 *
 *     const attest = parseAttest(bytes);          // FormatError (EINVAL, offset) for anything else than a whole quote
 *     const wire = writeAttest(attest);           // the same bytes again
 *
 * All numbers are big endian. Source: TPM 2.0 Library, Part 2, 10.12 (attestation), 10.6 (PCR selections), 11.3 (signatures).
 */
import { hashAlgoName, hashDigestSize, hashOfTpmAlg, tpmAlgOfHash } from "../abi/hashAlgo.js";
import { concatBytes, FormatError, putU16be, putU32be, u16be, u32be } from "../bytes.js";
import { ecdsaDer } from "../crypto/ecdsa.js";

/** TPM_GENERATED_VALUE: what a TPM signs begins with it, what it signs for others does not. */
export const TPM_GENERATED = 0xff544347;
export const TPM_ST_ATTEST_QUOTE = 0x8018;
export const TPM_ALG_RSASSA = 0x0014;
export const TPM_ALG_ECDSA = 0x0018;

/** One bank's part of a selection. */
export interface PcrSelection {
  /** Kernel hash number. */
  readonly algo: number;
  /** Ascending. */
  readonly pcrs: readonly number[];
}

export interface TpmsAttest {
  readonly magic: number;
  readonly type: number;
  /** The signing key's qualified name: TPM_ALG_ID of the name hash, then the hash. */
  readonly qualifiedSigner: Uint8Array;
  /** What the asker gave: the nonce. */
  readonly extraData: Uint8Array;
  /** Milliseconds the TPM has been powered. */
  readonly clock: bigint;
  readonly resetCount: number;
  readonly restartCount: number;
  /** False if the clock may be behind. */
  readonly safe: boolean;
  readonly firmwareVersion: bigint;
  readonly select: readonly PcrSelection[];
  /** Hash (of the signature's algorithm) over the selected registers, bank after bank. */
  readonly pcrDigest: Uint8Array;
}

/** A bounds-checked cursor over big-endian TPM structures. */
class Cursor {
  readonly b: Uint8Array;
  at: number = 0;
  constructor(b: Uint8Array) {
    this.b = b;
  }
  take(n: number, what: string): number {
    if (n > this.b.length - this.at)
      throw new FormatError(`${what} needs ${n} bytes, ${this.b.length - this.at} left`, this.at);
    const at = this.at;
    this.at += n;
    return at;
  }
  u8(what: string): number {
    return this.b[this.take(1, what)];
  }
  u16(what: string): number {
    return u16be(this.b, this.take(2, what));
  }
  u32(what: string): number {
    return u32be(this.b, this.take(4, what));
  }
  u64(what: string): bigint {
    const at = this.take(8, what);
    return (BigInt(u32be(this.b, at)) << 32n) | BigInt(u32be(this.b, at + 4));
  }
  /** A TPM2B: a 16-bit size, then that many bytes. */
  sized(what: string): Uint8Array {
    const n = this.u16(what);
    const at = this.take(n, what);
    return this.b.slice(at, at + n);
  }
  end(what: string): void {
    if (this.at !== this.b.length)
      throw new FormatError(`${this.b.length - this.at} bytes behind the ${what}`, this.at);
  }
}

function readSelection(c: Cursor): PcrSelection[] {
  const count = c.u32("PCR selection count");
  // A TPM has at most 16 banks; a count beyond is no quote, and must not make us loop.
  if (count > 16) throw new FormatError(`${count} PCR selections; at most 16 are allowed`, c.at - 4);
  const out: PcrSelection[] = [];
  for (let i = 0; i < count; i++) {
    const alg = c.u16("PCR bank algorithm");
    const algo = hashOfTpmAlg(alg);
    if (algo < 0) throw new FormatError(`PCR bank algorithm 0x${alg.toString(16)} is unknown`, c.at - 2);
    const size = c.u8("PCR selection size");
    if (size > 4) throw new FormatError(`PCR selection of ${size} bytes; at most 4 are allowed`, c.at - 1);
    const at = c.take(size, "PCR selection");
    const pcrs: number[] = [];
    for (let n = 0; n < size * 8; n++) if (c.b[at + (n >> 3)] & (1 << (n & 7))) pcrs.push(n);
    out.push({ algo, pcrs });
  }
  return out;
}

/** A TPMS_ATTEST of a quote. FormatError (EINVAL) with the offset for a wrong magic, another type, cut or trailing bytes. */
export function parseAttest(bytes: Uint8Array): TpmsAttest {
  const c = new Cursor(bytes);
  const magic = c.u32("magic");
  if (magic !== TPM_GENERATED) throw new FormatError(`magic 0x${magic.toString(16)} is not TPM_GENERATED`, 0);
  const type = c.u16("type");
  if (type !== TPM_ST_ATTEST_QUOTE) throw new FormatError(`attestation 0x${type.toString(16)} is no quote`, 4);
  const qualifiedSigner = c.sized("qualifiedSigner");
  const extraData = c.sized("extraData");
  const clock = c.u64("clock");
  const resetCount = c.u32("resetCount");
  const restartCount = c.u32("restartCount");
  const safe = c.u8("safe") !== 0;
  const firmwareVersion = c.u64("firmwareVersion");
  const select = readSelection(c);
  const pcrDigest = c.sized("pcrDigest");
  c.end("quote");
  return {
    magic,
    type,
    qualifiedSigner,
    extraData,
    clock,
    resetCount,
    restartCount,
    safe,
    firmwareVersion,
    select,
    pcrDigest,
  };
}

function u16(v: number): Uint8Array {
  const b = new Uint8Array(2);
  putU16be(b, 0, v);
  return b;
}

function u32(v: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32be(b, 0, v);
  return b;
}

function u64(v: bigint): Uint8Array {
  return concatBytes([u32(Number((v >> 32n) & 0xffffffffn)), u32(Number(v & 0xffffffffn))]);
}

function sized(b: Uint8Array): Uint8Array {
  return concatBytes([u16(b.length), b]);
}

/** TPML_PCR_SELECTION, bitmaps of three bytes (24 registers). */
export function writeSelection(select: readonly PcrSelection[]): Uint8Array {
  const parts = [u32(select.length)];
  for (const s of select) {
    const bits = new Uint8Array(3);
    for (const n of s.pcrs) bits[n >> 3] |= 1 << (n & 7);
    parts.push(u16(tpmAlgOfHash(s.algo)), Uint8Array.of(3), bits);
  }
  return concatBytes(parts);
}

/** The bytes a TPM would sign. */
export function writeAttest(a: TpmsAttest): Uint8Array {
  return concatBytes([
    u32(a.magic),
    u16(a.type),
    sized(a.qualifiedSigner),
    sized(a.extraData),
    u64(a.clock),
    u32(a.resetCount),
    u32(a.restartCount),
    Uint8Array.of(a.safe ? 1 : 0),
    u64(a.firmwareVersion),
    writeSelection(a.select),
    sized(a.pcrDigest),
  ]);
}

export interface TpmtSignature {
  /** TPM_ALG_RSASSA or TPM_ALG_ECDSA. */
  readonly sigAlg: number;
  /** Kernel hash number of what was signed. */
  readonly algo: number;
  /** PKCS#1 v1.5 signature, or DER of (r, s). */
  readonly signature: Uint8Array;
}

/** A TPMT_SIGNATURE as `tpm2_quote -s` writes it. FormatError (EINVAL) for cut bytes and for schemes we do not have. */
export function parseTpmSignature(bytes: Uint8Array): TpmtSignature {
  const c = new Cursor(bytes);
  const sigAlg = c.u16("signature algorithm");
  const hashAlg = c.u16("signature hash");
  const algo = hashOfTpmAlg(hashAlg);
  if (algo < 0) throw new FormatError(`signature hash 0x${hashAlg.toString(16)} is unknown`, 2);
  let signature: Uint8Array;
  if (sigAlg === TPM_ALG_RSASSA) {
    signature = c.sized("signature");
  } else if (sigAlg === TPM_ALG_ECDSA) {
    const r = c.sized("r");
    const s = c.sized("s");
    const size = Math.max(r.length, s.length);
    if (size === 0 || size > 66) throw new FormatError(`scalars of ${size} bytes`, 4);
    const both = new Uint8Array(2 * size);
    both.set(r, size - r.length);
    both.set(s, 2 * size - s.length);
    signature = ecdsaDer(both);
  } else {
    throw new FormatError(`signature algorithm 0x${sigAlg.toString(16)} is neither RSASSA nor ECDSA`, 0);
  }
  c.end("signature");
  return { sigAlg, algo, signature };
}

/** TPMT_SIGNATURE of an RSASSA signature, or of an ECDSA one given as r and s one behind the other. */
export function writeTpmSignature(sigAlg: number, algo: number, signature: Uint8Array): Uint8Array {
  const head = [u16(sigAlg), u16(tpmAlgOfHash(algo))];
  if (sigAlg === TPM_ALG_RSASSA) return concatBytes([...head, sized(signature)]);
  const half = signature.length >> 1;
  return concatBytes([...head, sized(signature.subarray(0, half)), sized(signature.subarray(half))]);
}

/** `sha1:0,1,2+sha256:10`, as tpm2-tools write a selection, read. FormatError for anything else. */
export function parsePcrSelection(spec: string): PcrSelection[] {
  return spec.split("+").map((part) => {
    const [name, list] = part.split(":");
    const algo = hashAlgoName.indexOf(name);
    if (algo < 0 || hashDigestSize[algo] === undefined || list === undefined) {
      throw new FormatError(`'${part}' is no PCR selection like sha256:0,1,10`);
    }
    const pcrs = list.split(",").map((n) => {
      if (!/^\d{1,2}$/.test(n) || Number(n) > 23) throw new FormatError(`'${n}' is no PCR number 0..23`);
      return Number(n);
    });
    return { algo, pcrs: [...new Set(pcrs)].sort((a, b) => a - b) };
  });
}

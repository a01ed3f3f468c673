/**
 * pcrs: the platform configuration registers of a TPM 2.0, one bank per hash algorithm, 24 registers a bank.
 *
 *     const tpm = new PcrBanks([HASH_ALGO_SHA1, HASH_ALGO_SHA256]);
 *     tpm.extend(bank, 10, digest, crypto);               // PCR = H(PCR || digest)
 *
 * Registers start as zeros, 17..22 (dynamic root of trust) as ones (TPM 2.0 Library, Part 1, "PCR", and the PC Client profile).
 * Plain data: banks lie in one array, values in one `Uint8Array` a bank.
 */
import { hashAlgoByName, hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { concatBytes, FormatError, fromHex, toHex } from "../bytes.js";
import type { CryptoProvider } from "../crypto/provider.js";

/** Registers of a bank. */
export const IMPLEMENTATION_PCR = 24;

/** PCR values as tools print them: by bank name, by index, in hexadecimal (any case) or as bytes. */
export type PcrValues = Readonly<Record<string, Readonly<Record<string, string | Uint8Array>>>>;

export class PcrBank {
  /** Kernel hash number. */
  readonly algo: number;
  /** 24 registers of `hashDigestSize[algo]` bytes. */
  readonly values: Uint8Array;

  constructor(algo: number) {
    this.algo = algo;
    const size = hashDigestSize[algo];
    this.values = new Uint8Array(IMPLEMENTATION_PCR * size);
    this.values.fill(0xff, 17 * size, 23 * size);
  }
}

export class PcrBanks {
  readonly banks: PcrBank[] = [];

  /** @param algos kernel hash numbers, one bank each, in this order */
  constructor(algos: readonly number[]) {
    for (const algo of algos) this.banks.push(new PcrBank(algo));
  }

  /** The bank of an algorithm, or null. */
  bank(algo: number): PcrBank | null {
    for (const b of this.banks) if (b.algo === algo) return b;
    return null;
  }

  /** A copy of a register. RangeError for a register that does not exist. */
  read(bank: PcrBank, index: number): Uint8Array {
    checkIndex(index);
    const size = hashDigestSize[bank.algo];
    return bank.values.slice(index * size, (index + 1) * size);
  }

  /** PCR = H(PCR || digest); the digest has the bank's size. */
  extend(bank: PcrBank, index: number, digest: Uint8Array, crypto: CryptoProvider): void {
    checkIndex(index);
    const size = hashDigestSize[bank.algo];
    const next = crypto.digest(bank.algo, concatBytes([this.read(bank, index), digest]));
    bank.values.set(next, index * size);
  }

  /** Sets a register, as a firmware that measured the boot leaves it. RangeError if the value has not the bank's size. */
  write(bank: PcrBank, index: number, value: Uint8Array): void {
    checkIndex(index);
    const size = hashDigestSize[bank.algo];
    if (value.length !== size) {
      throw new RangeError(`PCR ${hashAlgoName[bank.algo]}:${index}: ${value.length} bytes given, ${size} needed`);
    }
    bank.values.set(value, index * size);
  }

  /** Values to start from. RangeError for a bank that does not exist or a value of the wrong size. */
  load(pcrs: PcrValues): void {
    for (const name of Object.keys(pcrs)) {
      const bank = this.bank(hashAlgoByName(name));
      if (bank === null) throw new RangeError(`pcrs: no bank '${name}'`);
      for (const index of Object.keys(pcrs[name])) this.write(bank, Number(index), pcrBytes(pcrs[name][index]));
    }
  }

  /** All registers in hexadecimal, by bank name and index. */
  toValues(): Record<string, Record<string, string>> {
    const out: Record<string, Record<string, string>> = {};
    for (const bank of this.banks) {
      const regs: Record<string, string> = {};
      for (let i = 0; i < IMPLEMENTATION_PCR; i++) regs[i] = toHex(this.read(bank, i));
      out[hashAlgoName[bank.algo]] = regs;
    }
    return out;
  }
}

function checkIndex(index: number): void {
  if (!Number.isInteger(index) || index < 0 || index >= IMPLEMENTATION_PCR) {
    throw new RangeError(`PCR ${index}: 0..${IMPLEMENTATION_PCR - 1} is allowed`);
  }
}

function pcrBytes(v: string | Uint8Array): Uint8Array {
  return typeof v === "string" ? fromHex(v) : v;
}

/** A register of given values; null if it is not among them. FormatError if it has not the size of its bank. */
export function pcrValue(pcrs: PcrValues, algo: number, index: number): Uint8Array | null {
  const v = pcrs[hashAlgoName[algo]]?.[String(index)];
  if (v === undefined) return null;
  const b = pcrBytes(v);
  if (b.length !== hashDigestSize[algo]) {
    throw new FormatError(`PCR ${hashAlgoName[algo]}:${index} has ${b.length} bytes, not ${hashDigestSize[algo]}`);
  }
  return b;
}

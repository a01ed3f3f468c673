/**
 * bootAggregate: the digest of the first measurement: one hash over the registers that firmware and boot loader extended.
 *
 * SHA-1 covers PCR 0 to 7, every other algorithm PCR 0 to 9 (since 5.8; `evmctl ima_boot_aggregate` agrees). The algorithm
 * is `ima_hash`'s if the TPM has that bank, else SHA-256, else SHA-1.
 */
import { HASH_ALGO_SHA1, HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { concatBytes } from "../bytes.js";
import type { CryptoProvider } from "../crypto/provider.js";
import type { PcrBanks } from "./pcrs.js";

/** The bank `boot_aggregate` is taken from: kernel hash number, or -1 if the TPM has none of the three. */
export function bootAggregateAlgo(pcrs: PcrBanks, imaHash: number): number {
  for (const algo of [imaHash, HASH_ALGO_SHA256, HASH_ALGO_SHA1]) if (pcrs.bank(algo) !== null) return algo;
  return -1;
}

/** Hash over the boot registers of that algorithm's bank; null if there is no such bank. */
export function bootAggregate(pcrs: PcrBanks, algo: number, crypto: CryptoProvider): Uint8Array | null {
  const bank = pcrs.bank(algo);
  if (bank === null) return null;
  const parts: Uint8Array[] = [];
  const count = algo === HASH_ALGO_SHA1 ? 8 : 10;
  for (let i = 0; i < count; i++) parts.push(pcrs.read(bank, i));
  return crypto.digest(algo, concatBytes(parts));
}

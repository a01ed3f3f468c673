/**
 * hashAlgo: the kernel's numbering of hash algorithms (`enum hash_algo`, include/uapi/linux/hash_info.h).
 *
 * The number stands in `security.ima` of type 0x04 and in the header of every signature; the name stands in the `d-ng`
 * field of a measurement, in `ima_hash=` and in `appraise_algos=`. Everything inside this package passes the number.
 *
 *     hashAlgoByName("sha256")        // 4, or -1
 *     hashAlgoName[4]                 // "sha256"
 *     hashDigestSize[4]               // 32 bytes
 */

export const HASH_ALGO_MD4 = 0;
export const HASH_ALGO_MD5 = 1;
export const HASH_ALGO_SHA1 = 2;
export const HASH_ALGO_RIPE_MD_160 = 3;
export const HASH_ALGO_SHA256 = 4;
export const HASH_ALGO_SHA384 = 5;
export const HASH_ALGO_SHA512 = 6;
export const HASH_ALGO_SHA224 = 7;
export const HASH_ALGO_SM3_256 = 17;
export const HASH_ALGO_SHA3_256 = 20;
export const HASH_ALGO_SHA3_384 = 21;
export const HASH_ALGO_SHA3_512 = 22;
/** One more than the last number of Linux 6.18; 6.1 ended before the three SHA-3 entries, at 20. */
export const HASH_ALGO__LAST = 23;

/** Name by number, as the kernel's crypto API spells it. */
export const hashAlgoName: readonly string[] = [
  "md4",
  "md5",
  "sha1",
  "rmd160",
  "sha256",
  "sha384",
  "sha512",
  "sha224",
  "rmd128",
  "rmd256",
  "rmd320",
  "wp256",
  "wp384",
  "wp512",
  "tgr128",
  "tgr160",
  "tgr192",
  "sm3",
  "streebog256",
  "streebog512",
  "sha3-256",
  "sha3-384",
  "sha3-512",
];

/** Digest size in bytes by number. */
export const hashDigestSize: readonly number[] = [
  16, 16, 20, 20, 32, 48, 64, 28, 16, 32, 40, 32, 48, 64, 16, 20, 24, 32, 32, 64, 32, 48, 64,
];

/** The largest digest of the table, in bytes. */
export const IMA_MAX_DIGEST_SIZE = 64;

/** Number of an algorithm by its name; -1 if there is none. */
export function hashAlgoByName(name: string): number {
  return hashAlgoName.indexOf(name);
}

/** TPM 2.0's algorithm ids (TPM 2.0 Library, Part 2, table of TPM_ALG_ID) by the kernel's number; 0 where TPMs have none. */
const tpmAlg: readonly number[] = [
  0, 0, 0x0004, 0, 0x000b, 0x000c, 0x000d, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x0012, 0, 0, 0x0027, 0x0028, 0x0029,
];

/** TPM_ALG_ID of a kernel hash number; 0 if TPMs have none. */
export function tpmAlgOfHash(algo: number): number {
  return tpmAlg[algo] ?? 0;
}

/** Kernel hash number of a TPM_ALG_ID; -1 if the kernel has none. */
export function hashOfTpmAlg(alg: number): number {
  return alg === 0 ? -1 : tpmAlg.indexOf(alg);
}

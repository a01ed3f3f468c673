/**
 * pkcs1: the padding of RSASSA-PKCS1-v1_5 (RFC 8017, 9.2): what the modular power of a good signature must equal.
 *
 * Verification compares the whole encoding with the one expected, so that no parser of padding exists that could be fooled.
 */
import {
  HASH_ALGO_MD5,
  HASH_ALGO_RIPE_MD_160,
  HASH_ALGO_SHA1,
  HASH_ALGO_SHA3_256,
  HASH_ALGO_SHA3_384,
  HASH_ALGO_SHA3_512,
  HASH_ALGO_SHA224,
  HASH_ALGO_SHA256,
  HASH_ALGO_SHA384,
  HASH_ALGO_SHA512,
  HASH_ALGO_SM3_256,
  hashDigestSize,
} from "../abi/hashAlgo.js";
import { concatBytes, fromHex } from "../bytes.js";

/** The object identifiers of the hash algorithms, DER content octets. */
const digestOid: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [HASH_ALGO_MD5, "2a864886f70d0205"],
  [HASH_ALGO_SHA1, "2b0e03021a"],
  [HASH_ALGO_RIPE_MD_160, "2b24030201"],
  [HASH_ALGO_SHA224, "608648016503040204"],
  [HASH_ALGO_SHA256, "608648016503040201"],
  [HASH_ALGO_SHA384, "608648016503040202"],
  [HASH_ALGO_SHA512, "608648016503040203"],
  [HASH_ALGO_SHA3_256, "608648016503040208"],
  [HASH_ALGO_SHA3_384, "608648016503040209"],
  [HASH_ALGO_SHA3_512, "60864801650304020a"],
  [HASH_ALGO_SM3_256, "2a811ccf55018311"],
]);

/** Kernel hash number of an OID's content octets in hexadecimal; -1 if it names none. */
export function hashOfOid(oidHex: string): number {
  for (const [algo, hex] of digestOid) if (hex === oidHex) return algo;
  return -1;
}

/** OID content octets of a hash algorithm in hexadecimal; undefined if it has none here. */
export function oidOfHash(algo: number): string | undefined {
  return digestOid.get(algo);
}

/** DigestInfo (algorithm identifier with NULL parameters, then the digest), or null for an algorithm without an OID. */
export function digestInfo(algo: number, digest: Uint8Array): Uint8Array | null {
  const oid = digestOid.get(algo);
  if (oid === undefined || digest.length !== hashDigestSize[algo]) return null;
  const o = fromHex(oid);
  const alg = [0x30, o.length + 4, 0x06, o.length, ...o, 0x05, 0x00];
  return concatBytes([Uint8Array.of(0x30, alg.length + 2 + digest.length, ...alg, 0x04, digest.length), digest]);
}

/** EMSA-PKCS1-v1_5: 00 01 ff.. 00 DigestInfo, `size` bytes; null if it does not fit or the algorithm has no OID. */
export function emsaPkcs1(algo: number, digest: Uint8Array, size: number): Uint8Array | null {
  const t = digestInfo(algo, digest);
  if (t === null || size < t.length + 11) return null;
  const em = new Uint8Array(size).fill(0xff);
  em[0] = 0;
  em[1] = 1;
  em[size - t.length - 1] = 0;
  em.set(t, size - t.length);
  return em;
}

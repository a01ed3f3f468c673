/**
 * imaXattr: which hash a `security.ima` value means: a file is hashed with the algorithm its label was made with.
 */
import { HASH_ALGO_MD5, HASH_ALGO_SHA1 } from "../abi/hashAlgo.js";
import {
  EVM_IMA_XATTR_DIGSIG,
  IMA_VERITY_DIGSIG,
  IMA_XATTR_DIGEST,
  IMA_XATTR_DIGEST_NG,
  SIGNATURE_V2_HDR_SIZE,
} from "../abi/xattr.js";
import { isZero } from "../bytes.js";

/**
 * Hash number a label asks for; `fallback` (ima_hash) for no label, one that says nothing, and algorithms at or above `last`.
 * A label of type 01 with 21 bytes is SHA-1, or MD5 if its last four bytes are zero.
 */
export function imaGetHashAlgo(xattr: Uint8Array | null, fallback: number, last: number): number {
  if (xattr === null || xattr.length < 2) return fallback;
  switch (xattr[0]) {
    case EVM_IMA_XATTR_DIGSIG:
    case IMA_VERITY_DIGSIG: {
      const version = xattr[0] === IMA_VERITY_DIGSIG ? 3 : 2;
      const bad = xattr[1] !== version || xattr.length <= SIGNATURE_V2_HDR_SIZE || xattr[2] >= last;
      return bad ? fallback : xattr[2];
    }
    case IMA_XATTR_DIGEST_NG:
      return xattr[1] < last ? xattr[1] : fallback;
    case IMA_XATTR_DIGEST:
      if (xattr.length === 21) return isZero(xattr, 17, 21) ? HASH_ALGO_MD5 : HASH_ALGO_SHA1;
      return xattr.length === 17 ? HASH_ALGO_MD5 : fallback;
    default:
      return fallback;
  }
}

/** The label for a digest: type 01 for MD5 and SHA-1, type 04 with the algorithm for all others. */
export function digestXattr(algo: number, digest: Uint8Array): Uint8Array {
  const head = algo <= HASH_ALGO_SHA1 ? [IMA_XATTR_DIGEST] : [IMA_XATTR_DIGEST_NG, algo];
  const out = new Uint8Array(head.length + digest.length);
  out.set(head);
  out.set(digest, head.length);
  return out;
}

/**
 * digsigVerify: is this signature a good one over this digest, by a key of this keyring?
 *
 *     const r = integrityDigsigVerify(ring, xattr, digest, crypto);      // 0, or -errno as the kernel returns it
 *     verifyImaSignature(xattr, { algo, digest }, { keys: [certDer] })   // the same for outside use, in words
 *
 * Version 2 signs the digest of the file with the DigestInfo of the header's algorithm (RSA) or as it is (ECDSA). Version 3 signs
 * the hash over a small structure: type, algorithm, digest (`struct ima_file_id`), used with fs-verity digests.
 */
import { EBADMSG, EINVAL, EKEYREJECTED, ENOKEY, ENOPKG, EOPNOTSUPP, errnoName } from "@kernelkit/core";
import { HASH_ALGO__LAST, hashDigestSize } from "../abi/hashAlgo.js";
import {
  EVM_IMA_XATTR_DIGSIG,
  EVM_XATTR_PORTABLE_DIGSIG,
  IMA_VERITY_DIGSIG,
  SIGNATURE_V2_HDR_SIZE,
} from "../abi/xattr.js";
import { concatBytes } from "../bytes.js";
import { nobleCrypto, publicKeyOf, signDigest } from "../crypto/nobleCrypto.js";
import type { CryptoProvider, PrivateKey } from "../crypto/provider.js";
import { keyId } from "../crypto/publicKey.js";
import { type AsymmetricKey, findKey, keyringOf } from "./keyring.js";
import { readSignatureHeader, writeSignature } from "./signatureHeader.js";

/**
 * 0 if the signature is good, else the kernel's answer: -EINVAL below two bytes, -EOPNOTSUPP for version 1 and unknown versions,
 * -EBADMSG for a length that does not fit the header, -ENOPKG for an unknown hash, -ENOKEY without the key, -EKEYREJECTED.
 */
export function integrityDigsigVerify(
  ring: readonly AsymmetricKey[],
  sig: Uint8Array,
  digest: Uint8Array,
  crypto: CryptoProvider,
): number {
  if (sig.length < 2) return -EINVAL;
  // Version 1 was the format of the first patches, with its own key type: Linux answers for it as for a key it cannot find.
  if (sig[1] === 1) return -ENOKEY;
  if (sig[1] !== 2 && sig[1] !== 3) return -EOPNOTSUPP;
  const hdr = readSignatureHeader(sig);
  if (hdr === null || sig.length <= SIGNATURE_V2_HDR_SIZE || hdr.signature.length !== hdr.sigSize) return -EBADMSG;
  if (hdr.algo >= HASH_ALGO__LAST) return -ENOPKG;
  const key = findKey(ring, hdr.keyId);
  if (key === null) return -ENOKEY;
  if (digest.length !== hashDigestSize[hdr.algo]) return -EKEYREJECTED;
  return crypto.verifyDigest(key.publicKey, hdr.algo, digest, hdr.signature) ? 0 : -EKEYREJECTED;
}

/** What a version 3 signature signs: the hash over type, algorithm and digest. RangeError if the hash cannot be computed. */
export function fileIdDigest(type: number, algo: number, digest: Uint8Array, crypto: CryptoProvider): Uint8Array {
  return crypto.digest(algo, concatBytes([Uint8Array.of(type, algo), digest]));
}

export interface FileDigest {
  /** Kernel hash number. */
  readonly algo: number;
  readonly digest: Uint8Array;
}

export interface SignatureCheck {
  readonly ok: boolean;
  /** The errno in words ("EKEYREJECTED"), "" if good. */
  readonly error: string;
  readonly reason: string;
  /** -1 if the signature has no whole header. */
  readonly keyId: number;
  /** The key it was checked with, or null. */
  readonly key: AsymmetricKey | null;
}

export interface VerifySignatureOptions {
  /** Certificates and public keys, DER or PEM, or a ready keyring. */
  readonly keys: readonly (Uint8Array | string | AsymmetricKey)[];
  readonly crypto?: CryptoProvider;
}

const reasons: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [EINVAL, "no signature"],
  [EOPNOTSUPP, "signature version is not supported"],
  [EBADMSG, "length and header do not fit"],
  [ENOPKG, "unknown hash algorithm"],
  [ENOKEY, "no key with this id"],
  [EKEYREJECTED, "the signature does not verify"],
]);

/** A keyring of ready keys and of certificates and keys that are still to be parsed. */
export function toKeyring(keys: VerifySignatureOptions["keys"], crypto: CryptoProvider): AsymmetricKey[] {
  return keys.map((k) => (typeof k === "string" || k instanceof Uint8Array ? keyringOf(crypto, k)[0] : k));
}

/**
 * Checks the signature in a `security.ima` value (types 03 and 06) against a file's digest, or against the file itself.
 * Never throws for a foreign xattr; FormatError for malformed keys.
 *
 *     verifyImaSignature(xattr, fileBytes, { keys: [await readFile("x509_ima.der")] })
 */
export function verifyImaSignature(
  xattr: Uint8Array,
  file: Uint8Array | FileDigest,
  o: VerifySignatureOptions,
): SignatureCheck {
  const crypto = o.crypto ?? nobleCrypto;
  const ring = toKeyring(o.keys, crypto);
  const hdr = readSignatureHeader(xattr);
  const result = (nr: number): SignatureCheck => ({
    ok: nr === 0,
    error: nr === 0 ? "" : errnoName(nr),
    reason: nr === 0 ? "" : (reasons.get(-nr) ?? ""),
    keyId: hdr === null ? -1 : hdr.keyId,
    key: hdr === null ? null : findKey(ring, hdr.keyId),
  });
  if (hdr === null) return result(-EBADMSG);
  if (hdr.type !== EVM_IMA_XATTR_DIGSIG && hdr.type !== IMA_VERITY_DIGSIG) return result(-EINVAL);
  // Type 03 with version 3 is refused by the kernel, and so is an fs-verity signature of version 2.
  if ((hdr.type === EVM_IMA_XATTR_DIGSIG) !== hdr.version < 3) return result(-EOPNOTSUPP);
  if (hdr.algo >= HASH_ALGO__LAST || !crypto.has(hdr.algo)) return result(-ENOPKG);
  let digest: Uint8Array;
  if (file instanceof Uint8Array) {
    if (hdr.type === IMA_VERITY_DIGSIG) return result(-EINVAL);
    digest = crypto.digest(hdr.algo, file);
  } else if (file.algo !== hdr.algo) {
    return result(-EKEYREJECTED);
  } else {
    digest = hdr.type === IMA_VERITY_DIGSIG ? fileIdDigest(hdr.type, hdr.algo, file.digest, crypto) : file.digest;
  }
  return result(integrityDigsigVerify(ring, xattr, digest, crypto));
}

/** A version 2 signature over a digest, with its header: what `evmctl ima_sign` and `evmctl sign` store. */
export function signV2(
  key: PrivateKey,
  algo: number,
  digest: Uint8Array,
  crypto: CryptoProvider,
  type?: number,
): Uint8Array {
  const t = type ?? EVM_IMA_XATTR_DIGSIG;
  if (t !== EVM_IMA_XATTR_DIGSIG && t !== EVM_XATTR_PORTABLE_DIGSIG) {
    throw new RangeError(`type: 0x${t.toString(16)}; 0x03 and 0x05 are allowed`);
  }
  return writeSignature(t, 2, algo, keyId(publicKeyOf(key), crypto), signDigest(key, algo, digest));
}

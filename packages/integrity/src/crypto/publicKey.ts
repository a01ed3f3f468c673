/**
 * publicKey: public keys in their DER forms, and the key id by which a signature names its key.
 *
 *     keyId(key, crypto)                         // 0x33e471b9: the last four bytes of the SubjectKeyIdentifier
 *
 * RSA of 1024 to 8192 bits with an exponent of at most 64 bits; EC on P-256, P-384, P-521 (uncompressed points).
 * Sources: RFC 5280 (SubjectPublicKeyInfo, 4.2.1.2 method 1), RFC 8017 A.1.1, RFC 5480, evmctl(1).
 */
import { EBADMSG, ENOPKG } from "@kernelkit/core";
import { HASH_ALGO_SHA1 } from "../abi/hashAlgo.js";
import { FormatError, u32be } from "../bytes.js";
import {
  DER_SEQUENCE,
  type DerElement,
  derBits,
  derChildren,
  derEncode,
  derEncodeOid,
  derEncodeUnsigned,
  derExpect,
  derOid,
  derRead,
  derUnsigned,
} from "./der.js";
import type { CryptoProvider, EcPublicKey, PublicKey, RsaPublicKey } from "./provider.js";

const OID_RSA = "2a864886f70d010101";
const OID_EC = "2a8648ce3d0201";
const curveOid: Readonly<Record<EcPublicKey["curve"], string>> = {
  "P-256": "2a8648ce3d030107",
  "P-384": "2b81040022",
  "P-521": "2b81040023",
};
const pointSize: Readonly<Record<EcPublicKey["curve"], number>> = { "P-256": 65, "P-384": 97, "P-521": 133 };

/** PKCS#1 RSAPublicKey: a SEQUENCE of modulus and exponent. FormatError (EBADMSG) if malformed or out of the limits above. */
export function rsaPublicKeyFromDer(e: DerElement): RsaPublicKey {
  const kids = derChildren(derExpect(e, DER_SEQUENCE, "RSAPublicKey"), 2);
  const n = derUnsigned(kids[0], "modulus");
  const exponent = derUnsigned(kids[1], "exponent");
  if (n.length < 128 || n.length > 1024 || (n[n.length - 1] & 1) === 0) {
    throw new FormatError(`RSA modulus of ${n.length} bytes: 128 to 1024 and odd is allowed`, e.start, EBADMSG);
  }
  if (exponent.length > 8 || (exponent[exponent.length - 1] & 1) === 0) {
    throw new FormatError("RSA exponent must be odd and below 2^64", e.start, EBADMSG);
  }
  return { type: "rsa", n: n.slice(), e: exponent.slice() };
}

/** SubjectPublicKeyInfo. FormatError: EBADMSG if malformed, ENOPKG for an algorithm or curve we do not have. */
export function publicKeyFromSpki(e: DerElement): PublicKey {
  const [alg, bits] = derChildren(derExpect(e, DER_SEQUENCE, "SubjectPublicKeyInfo"), 2);
  const [oid, params] = derChildren(derExpect(alg, DER_SEQUENCE, "AlgorithmIdentifier"), 2);
  const which = derOid(oid, "key algorithm");
  const key = derBits(bits, "public key");
  if (which === OID_RSA) {
    const inner = derRead(key, 0, key.length);
    if (inner.end !== key.length) throw new FormatError("bytes behind the RSA key", e.start, EBADMSG);
    return rsaPublicKeyFromDer(inner);
  }
  if (which !== OID_EC) throw new FormatError(`key algorithm ${which} is not supported`, e.start, ENOPKG);
  const named = derOid(params, "curve");
  for (const curve of ["P-256", "P-384", "P-521"] as const) {
    if (curveOid[curve] !== named) continue;
    if (key.length !== pointSize[curve] || key[0] !== 4) {
      throw new FormatError(`point of ${key.length} bytes is no uncompressed ${curve} point`, e.start, EBADMSG);
    }
    return { type: "ec", curve, point: key.slice() };
  }
  throw new FormatError(`curve ${named} is not supported`, e.start, ENOPKG);
}

/** The BIT STRING content of a key's SubjectPublicKeyInfo: PKCS#1 for RSA, the point for EC. */
export function publicKeyBits(key: PublicKey): Uint8Array {
  return key.type === "ec" ? key.point : derEncode(DER_SEQUENCE, derEncodeUnsigned(key.n), derEncodeUnsigned(key.e));
}

/** SubjectPublicKeyInfo of a key, DER. */
export function encodeSpki(key: PublicKey): Uint8Array {
  const alg =
    key.type === "rsa"
      ? derEncode(DER_SEQUENCE, derEncodeOid(OID_RSA), Uint8Array.of(5, 0))
      : derEncode(DER_SEQUENCE, derEncodeOid(OID_EC), derEncodeOid(curveOid[key.curve]));
  return derEncode(DER_SEQUENCE, alg, derEncode(3, Uint8Array.of(0), publicKeyBits(key)));
}

/** SubjectKeyIdentifier as RFC 5280 method 1 makes it: SHA-1 of the key bits, 20 bytes. */
export function subjectKeyIdentifier(key: PublicKey, crypto: CryptoProvider): Uint8Array {
  return crypto.digest(HASH_ALGO_SHA1, publicKeyBits(key));
}

/** The key id of version 2 signatures: the last four bytes of the SubjectKeyIdentifier, as a number. */
export function keyId(key: PublicKey, crypto: CryptoProvider): number {
  return u32be(subjectKeyIdentifier(key, crypto), 16);
}

/**
 * makeCertificate: a small X.509 v3 certificate for test keys, stories and simulated machines.
 *
 *     const key = ecKeyFromSeed("vendor", nobleCrypto);
 *     const der = makeCertificate({ key, commonName: "vendor", crypto: nobleCrypto });
 *
 * Deterministic: the serial number and the times are fixed or given, ECDSA is that of RFC 6979. The validity is 2020 to 2120.
 */
import { HASH_ALGO_SHA256, HASH_ALGO_SHA512 } from "../abi/hashAlgo.js";
import { utf8 } from "../bytes.js";
import {
  DER_BIT_STRING,
  DER_BOOLEAN,
  DER_OCTET_STRING,
  DER_SEQUENCE,
  DER_SET,
  derEncode,
  derEncodeOid,
  derEncodeUnsigned,
} from "./der.js";
import { publicKeyOf, signDigest } from "./nobleCrypto.js";
import type { CryptoProvider, EcPrivateKey, PrivateKey } from "./provider.js";
import { encodeSpki, subjectKeyIdentifier } from "./publicKey.js";

export interface CertificateOptions {
  readonly key: PrivateKey;
  readonly commonName: string;
  readonly crypto: CryptoProvider;
  /** Who signs; the key itself by default. */
  readonly issuer?: { readonly key: PrivateKey; readonly commonName: string };
  /** A certificate that may sign others. Default false: digitalSignature only. */
  readonly ca?: boolean;
  /** 1..2^31-1, default 1. */
  readonly serial?: number;
  /** Leave out the SubjectKeyIdentifier. Default false. */
  readonly noSkid?: boolean;
}

function name(commonName: string): Uint8Array {
  const value = derEncode(0x0c, utf8(commonName));
  return derEncode(DER_SEQUENCE, derEncode(DER_SET, derEncode(DER_SEQUENCE, derEncodeOid("550403"), value)));
}

function extension(oid: string, critical: boolean, value: Uint8Array): Uint8Array {
  const flag = critical ? [derEncode(DER_BOOLEAN, Uint8Array.of(0xff))] : [];
  return derEncode(DER_SEQUENCE, derEncodeOid(oid), ...flag, derEncode(DER_OCTET_STRING, value));
}

/** DER of a certificate signed with SHA-256. */
export function makeCertificate(o: CertificateOptions): Uint8Array {
  const signer = o.issuer ?? o;
  const publicKey = publicKeyOf(o.key);
  const serial = o.serial ?? 1;
  const algorithm = derEncode(
    DER_SEQUENCE,
    ...(signer.key.type === "rsa"
      ? [derEncodeOid("2a864886f70d01010b"), Uint8Array.of(5, 0)]
      : [derEncodeOid("2a8648ce3d040302")]),
  );
  const skid = derEncode(DER_OCTET_STRING, subjectKeyIdentifier(publicKey, o.crypto));
  const akid = derEncode(0x80, subjectKeyIdentifier(publicKeyOf(signer.key), o.crypto));
  const usage = o.ca === true ? Uint8Array.of(1, 0x86) : Uint8Array.of(7, 0x80);
  const extensions = [
    extension("551d13", true, derEncode(DER_SEQUENCE, ...(o.ca === true ? [Uint8Array.of(1, 1, 0xff)] : []))),
    extension("551d0f", true, derEncode(DER_BIT_STRING, usage)),
    ...(o.noSkid === true ? [] : [extension("551d0e", false, skid)]),
    extension("551d23", false, derEncode(DER_SEQUENCE, akid)),
  ];
  const tbs = derEncode(
    DER_SEQUENCE,
    derEncode(0xa0, Uint8Array.of(2, 1, 2)),
    derEncodeUnsigned(Uint8Array.of(serial >>> 24, serial >>> 16, serial >>> 8, serial)),
    algorithm,
    name(signer.commonName),
    derEncode(DER_SEQUENCE, derEncode(0x17, utf8("200101000000Z")), derEncode(0x18, utf8("21200101000000Z"))),
    name(o.commonName),
    encodeSpki(publicKey),
    derEncode(0xa3, derEncode(DER_SEQUENCE, ...extensions)),
  );
  const signature = signDigest(signer.key, HASH_ALGO_SHA256, o.crypto.digest(HASH_ALGO_SHA256, tbs));
  return derEncode(DER_SEQUENCE, tbs, algorithm, derEncode(DER_BIT_STRING, Uint8Array.of(0), signature));
}

/** A P-256 key that follows from a text: the same text, the same key. Not a secret: for test data and simulated machines. */
export function ecKeyFromSeed(seed: string, crypto: CryptoProvider): EcPrivateKey {
  const d = crypto.digest(HASH_ALGO_SHA512, utf8(`kernelkit ${seed}`)).subarray(0, 32);
  // Below the order of P-256, whose first word is 0xffffffff: clearing the top bit is enough; the low bit keeps it above zero.
  d[0] &= 0x7f;
  d[31] |= 1;
  return { type: "ec", curve: "P-256", d };
}

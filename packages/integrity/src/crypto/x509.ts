/**
 * x509: certificates (RFC 5280) as far as the kernel's keyrings look at them: key, names, key identifiers, usage, signature.
 *
 *     const cert = parseX509(der);
 *     verifyCertificate(cert, issuerKey, crypto)
 *
 * Times are kept as text and not judged: the kernel does not refuse an expired key either.
 */
import { EBADMSG, ENOPKG } from "@kernelkit/core";
import {
  HASH_ALGO_SHA1,
  HASH_ALGO_SHA224,
  HASH_ALGO_SHA256,
  HASH_ALGO_SHA384,
  HASH_ALGO_SHA512,
} from "../abi/hashAlgo.js";
import { FormatError, text, toHex } from "../bytes.js";
import {
  DER_BIT_STRING,
  DER_BOOLEAN,
  DER_INTEGER,
  DER_OCTET_STRING,
  DER_SEQUENCE,
  DER_SET,
  type DerElement,
  derBits,
  derBody,
  derChildren,
  derExpect,
  derOid,
  derRead,
  derWhole,
} from "./der.js";
import type { CryptoProvider, PublicKey } from "./provider.js";
import { publicKeyFromSpki } from "./publicKey.js";

/** Kernel hash number by the OID of a signature algorithm. */
const signatureHash: ReadonlyMap<string, number> = /* @__PURE__ */ new Map([
  ["2a864886f70d010105", HASH_ALGO_SHA1],
  ["2a864886f70d01010e", HASH_ALGO_SHA224],
  ["2a864886f70d01010b", HASH_ALGO_SHA256],
  ["2a864886f70d01010c", HASH_ALGO_SHA384],
  ["2a864886f70d01010d", HASH_ALGO_SHA512],
  ["2a8648ce3d0401", HASH_ALGO_SHA1],
  ["2a8648ce3d040301", HASH_ALGO_SHA224],
  ["2a8648ce3d040302", HASH_ALGO_SHA256],
  ["2a8648ce3d040303", HASH_ALGO_SHA384],
  ["2a8648ce3d040304", HASH_ALGO_SHA512],
]);

const OID_COMMON_NAME = "550403";
const OID_SKID = "551d0e";
const OID_KEY_USAGE = "551d0f";
const OID_BASIC_CONSTRAINTS = "551d13";
const OID_AKID = "551d23";

export interface X509 {
  /** The whole certificate. */
  readonly der: Uint8Array;
  /** What the signature covers. */
  readonly tbs: Uint8Array;
  /** Content octets of the serial number. */
  readonly serial: Uint8Array;
  /** The Name structures, whole. */
  readonly issuer: Uint8Array;
  readonly subject: Uint8Array;
  /** The subject's common name, "" without one. */
  readonly commonName: string;
  readonly publicKey: PublicKey;
  /** SubjectKeyIdentifier; null without one. */
  readonly skid: Uint8Array | null;
  /** The key identifier of the AuthorityKeyIdentifier; null without one. */
  readonly akid: Uint8Array | null;
  readonly isCa: boolean;
  /** Bits of KeyUsage, bit 0 = digitalSignature, bit 5 = keyCertSign; -1 without the extension. */
  readonly keyUsage: number;
  /** Kernel hash number of the signature. */
  readonly signatureHash: number;
  readonly signature: Uint8Array;
}

/** Kernel hash number of a signature algorithm's OID; -1 if unknown. */
export function hashOfSignatureOid(oid: string): number {
  return signatureHash.get(oid) ?? -1;
}

function commonNameOf(name: DerElement): string {
  for (const rdn of derChildren(name)) {
    for (const pair of derChildren(derExpect(rdn, DER_SET, "relative name"))) {
      const [oid, value] = derChildren(derExpect(pair, DER_SEQUENCE, "attribute"), 2);
      if (derOid(oid, "attribute type") === OID_COMMON_NAME && value !== undefined) {
        return text(derBody(value));
      }
    }
  }
  return "";
}

interface Extensions {
  skid: Uint8Array | null;
  akid: Uint8Array | null;
  isCa: boolean;
  keyUsage: number;
}

function readExtension(oid: string, value: Uint8Array, into: Extensions): void {
  const e = derRead(value, 0, value.length);
  if (oid === OID_SKID) {
    into.skid = derBody(derExpect(e, DER_OCTET_STRING, "SubjectKeyIdentifier"));
  } else if (oid === OID_AKID) {
    for (const part of derChildren(derExpect(e, DER_SEQUENCE, "AuthorityKeyIdentifier"), 3)) {
      if (part.tag === 0x80) into.akid = derBody(part);
    }
  } else if (oid === OID_BASIC_CONSTRAINTS) {
    const [ca] = derChildren(derExpect(e, DER_SEQUENCE, "BasicConstraints"), 2);
    into.isCa = ca !== undefined && ca.tag === DER_BOOLEAN && derBody(ca)[0] !== 0;
  } else if (oid === OID_KEY_USAGE) {
    const b = derBody(derExpect(e, DER_BIT_STRING, "KeyUsage"));
    into.keyUsage = 0;
    for (let i = 0; i < 8 && b.length > 1; i++) if (b[1] & (0x80 >> i)) into.keyUsage |= 1 << i;
  }
}

/** A certificate from DER. FormatError: EBADMSG if malformed, ENOPKG for keys and signature algorithms we do not have. */
export function parseX509(der: Uint8Array): X509 {
  const cert = derRead(der, 0, der.length);
  if (cert.end !== der.length) throw new FormatError("bytes behind the certificate", cert.end, EBADMSG);
  const [tbs, alg, sig] = derChildren(derExpect(cert, DER_SEQUENCE, "certificate"), 3);
  const fields = derChildren(derExpect(tbs, DER_SEQUENCE, "TBSCertificate"), 16);
  let i = fields[0]?.tag === 0xa0 ? 1 : 0;
  const serial = derBody(derExpect(fields[i++], DER_INTEGER, "serial number"));
  const inner = derExpect(fields[i++], DER_SEQUENCE, "signature algorithm");
  const issuer = derExpect(fields[i++], DER_SEQUENCE, "issuer");
  derExpect(fields[i++], DER_SEQUENCE, "validity");
  const subject = derExpect(fields[i++], DER_SEQUENCE, "subject");
  const publicKey = publicKeyFromSpki(derExpect(fields[i++], DER_SEQUENCE, "public key"));
  const ext: Extensions = { skid: null, akid: null, isCa: false, keyUsage: -1 };
  for (; i < fields.length; i++) {
    if (fields[i].tag !== 0xa3) continue;
    const [list] = derChildren(fields[i], 1);
    for (const e of derChildren(derExpect(list, DER_SEQUENCE, "extensions"))) {
      const parts = derChildren(derExpect(e, DER_SEQUENCE, "extension"), 3);
      const value = derExpect(parts[parts.length - 1], DER_OCTET_STRING, "extension value");
      readExtension(derOid(parts[0], "extension id"), derBody(value), ext);
    }
  }
  const outer = derExpect(alg, DER_SEQUENCE, "signature algorithm");
  if (toHex(derWhole(inner)) !== toHex(derWhole(outer))) {
    throw new FormatError("the two signature algorithms differ", outer.start, EBADMSG);
  }
  const hash = hashOfSignatureOid(derOid(derChildren(outer, 2)[0], "signature algorithm"));
  if (hash < 0) throw new FormatError("signature algorithm is not supported", outer.start, ENOPKG);
  return {
    der,
    tbs: derWhole(tbs),
    serial,
    issuer: derWhole(issuer),
    subject: derWhole(subject),
    commonName: commonNameOf(subject),
    publicKey,
    ...ext,
    signatureHash: hash,
    signature: derBits(sig, "signature"),
  };
}

/** True if the certificate's signature verifies with a key. Says nothing about names, times or usage. */
export function verifyCertificate(cert: X509, issuerKey: PublicKey, crypto: CryptoProvider): boolean {
  if (!crypto.has(cert.signatureHash)) return false;
  const digest = crypto.digest(cert.signatureHash, cert.tbs);
  return crypto.verifyDigest(issuerKey, cert.signatureHash, digest, cert.signature);
}

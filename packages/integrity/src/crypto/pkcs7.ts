/**
 * pkcs7: signed messages (PKCS #7 SignedData, RFC 2315 and 5652) as the kernel accepts them on kernel images and modules.
 *
 *     const msg = parsePkcs7(der);
 *     pkcs7Verify(msg, trusted, crypto)         // 0 or -errno: -EKEYREJECTED, -ENOKEY, -EBADMSG, -ENOPKG
 *
 * A signer's certificate comes with the message. It is trusted if its key is in the keyring, or if a chain of certificates in the
 * message leads to a key of the keyring.
 */
import { EBADMSG, EKEYREJECTED, ENOKEY, ENOPKG } from "@kernelkit/core";
import { equalBytes, FormatError, toHex } from "../bytes.js";
import type { AsymmetricKey } from "../digsig/keyring.js";
import {
  DER_OCTET_STRING,
  DER_SEQUENCE,
  DER_SET,
  type DerElement,
  derBody,
  derChildren,
  derEncode,
  derEncodeOid,
  derExpect,
  derOid,
  derRead,
  derWhole,
} from "./der.js";
import { signDigest } from "./nobleCrypto.js";
import { hashOfOid, oidOfHash } from "./pkcs1.js";
import type { CryptoProvider, PrivateKey } from "./provider.js";
import { hashOfSignatureOid, parseX509, verifyCertificate, type X509 } from "./x509.js";

const OID_SIGNED_DATA = "2a864886f70d010702";
const OID_CONTENT_TYPE = "2a864886f70d010903";
const OID_MESSAGE_DIGEST = "2a864886f70d010904";
/** rsaEncryption and the ECDSA algorithms: what may stand as signature algorithm beside those with a hash in them. */
const OID_RSA = "2a864886f70d010101";

interface Signer {
  readonly issuer: Uint8Array;
  readonly serial: Uint8Array;
  /** Kernel hash number. */
  readonly algo: number;
  /** The attributes as they are signed (tag SET), null without. */
  readonly attributes: Uint8Array | null;
  /** The messageDigest attribute, null without. */
  readonly messageDigest: Uint8Array | null;
  readonly contentType: string;
  readonly signature: Uint8Array;
}

export interface Pkcs7 {
  /** OID of the content in hexadecimal. */
  readonly contentType: string;
  /** The content without its outer identifier and length, which is what is hashed; null for a detached signature. */
  readonly content: Uint8Array | null;
  readonly certificates: readonly X509[];
  readonly signers: readonly Signer[];
}

function bad(what: string, at: number, nr: number = EBADMSG): FormatError {
  return new FormatError(what, at, nr);
}

function readAttributes(e: DerElement): { digest: Uint8Array | null; contentType: string } {
  let digest: Uint8Array | null = null;
  let contentType = "";
  for (const a of derChildren(e)) {
    const [oid, values] = derChildren(derExpect(a, DER_SEQUENCE, "attribute"), 2);
    const [value] = derChildren(derExpect(values, DER_SET, "attribute values"));
    const which = derOid(oid, "attribute type");
    if (which === OID_MESSAGE_DIGEST) digest = derBody(derExpect(value, DER_OCTET_STRING, "messageDigest"));
    else if (which === OID_CONTENT_TYPE) contentType = derOid(value, "contentType");
  }
  return { digest, contentType };
}

function readSigner(e: DerElement): Signer {
  const f = derChildren(derExpect(e, DER_SEQUENCE, "signerInfo"), 7);
  const [issuer, serial] = derChildren(derExpect(f[1], DER_SEQUENCE, "issuerAndSerialNumber"), 2);
  if (issuer === undefined || serial === undefined) throw bad("signer without issuer and serial number", e.start);
  const algo = hashOfOid(
    derOid(derChildren(derExpect(f[2], DER_SEQUENCE, "digest algorithm"), 2)[0], "digest algorithm"),
  );
  if (algo < 0) throw bad("unknown digest algorithm", e.start, ENOPKG);
  const hasAttributes = f[3]?.tag === 0xa0;
  const next = hasAttributes ? 4 : 3;
  const sigAlg = derOid(
    derChildren(derExpect(f[next], DER_SEQUENCE, "signature algorithm"), 2)[0],
    "signature algorithm",
  );
  if (sigAlg !== OID_RSA && hashOfSignatureOid(sigAlg) < 0) throw bad("unknown signature algorithm", e.start, ENOPKG);
  const signature = derBody(derExpect(f[next + 1], DER_OCTET_STRING, "signature"));
  let attributes: Uint8Array | null = null;
  let read: { digest: Uint8Array | null; contentType: string } = { digest: null, contentType: "" };
  if (hasAttributes) {
    // Signed is the set as such, not the implicit tag under which it travels.
    attributes = derWhole(f[3]).slice();
    attributes[0] = DER_SET;
    read = readAttributes(f[3]);
  }
  return {
    issuer: derWhole(issuer),
    serial: derBody(serial),
    algo,
    attributes,
    messageDigest: read.digest,
    contentType: read.contentType,
    signature,
  };
}

/** A message from DER. FormatError: EBADMSG if malformed, ENOPKG for algorithms we do not have. Bytes behind it are ignored. */
export function parsePkcs7(der: Uint8Array): Pkcs7 {
  const [type, wrapped] = derChildren(derExpect(derRead(der, 0, der.length), DER_SEQUENCE, "ContentInfo"), 2);
  if (derOid(type, "content type") !== OID_SIGNED_DATA) throw bad("not a signed message", 0);
  const [signed] = derChildren(derExpect(wrapped, 0xa0, "content"), 1);
  const f = derChildren(derExpect(signed, DER_SEQUENCE, "SignedData"), 6);
  derExpect(f[1], DER_SET, "digest algorithms");
  const [contentOid, explicit] = derChildren(derExpect(f[2], DER_SEQUENCE, "encapsulated content"), 2);
  let content: Uint8Array | null = null;
  if (explicit !== undefined) {
    const [inner] = derChildren(derExpect(explicit, 0xa0, "encapsulated content"), 1);
    if (inner === undefined) throw bad("content is missing", explicit.start);
    content = derBody(inner);
  }
  const certificates: X509[] = [];
  let signers: Signer[] = [];
  for (const e of f.slice(3)) {
    if (e.tag === 0xa0) for (const c of derChildren(e, 64)) certificates.push(parseX509(derWhole(c)));
    else if (e.tag === DER_SET) signers = derChildren(e, 16).map(readSigner);
  }
  if (signers.length === 0) throw bad("no signer", signed.start);
  return { contentType: derOid(contentOid, "content type"), content, certificates, signers };
}

function sameKey(cert: X509, key: AsymmetricKey): boolean {
  return equalBytes(cert.der, key.der) || (cert.skid !== null && equalBytes(cert.skid, key.id));
}

/** 0 if a chain of the message's certificates leads from `cert` to a key of the keyring, else -ENOKEY or -EKEYREJECTED. */
function trust(cert: X509, msg: Pkcs7, trusted: readonly AsymmetricKey[], crypto: CryptoProvider): number {
  let c = cert;
  for (let depth = 0; depth <= msg.certificates.length; depth++) {
    for (const key of trusted) {
      if (sameKey(c, key)) return toHex(publicBytes(c)) === toHex(publicBytes(key)) ? 0 : -EKEYREJECTED;
      if (c.akid !== null && equalBytes(c.akid, key.id)) {
        return verifyCertificate(c, key.publicKey, crypto) ? 0 : -EKEYREJECTED;
      }
    }
    const issuer = msg.certificates.find((x) => x !== c && equalBytes(x.subject, c.issuer));
    if (issuer === undefined || !verifyCertificate(c, issuer.publicKey, crypto)) return -ENOKEY;
    c = issuer;
  }
  return -ENOKEY;
}

function publicBytes(k: { readonly publicKey: X509["publicKey"] }): Uint8Array {
  return k.publicKey.type === "rsa" ? k.publicKey.n : k.publicKey.point;
}

/**
 * Verifies every signer of a message. 0, or the worst of: -EKEYREJECTED (a signature or digest is wrong), -ENOKEY (no trusted key),
 * -EBADMSG (no content, or no certificate of the signer), -ENOPKG (a hash we cannot compute).
 */
export function pkcs7Verify(msg: Pkcs7, trusted: readonly AsymmetricKey[], crypto: CryptoProvider): number {
  if (msg.content === null) return -EBADMSG;
  let result = -ENOKEY;
  for (const s of msg.signers) {
    if (!crypto.has(s.algo)) return -ENOPKG;
    const cert = msg.certificates.find((c) => equalBytes(c.serial, s.serial) && equalBytes(c.issuer, s.issuer));
    if (cert === undefined) return -EBADMSG;
    let digest = crypto.digest(s.algo, msg.content);
    if (s.attributes !== null) {
      if (s.messageDigest === null || s.contentType !== msg.contentType) return -EBADMSG;
      if (!equalBytes(s.messageDigest, digest)) return -EKEYREJECTED;
      digest = crypto.digest(s.algo, s.attributes);
    }
    if (!crypto.verifyDigest(cert.publicKey, s.algo, digest, s.signature)) return -EKEYREJECTED;
    const rc = trust(cert, msg, trusted, crypto);
    if (rc !== -ENOKEY) result = rc;
    if (rc === -EKEYREJECTED) return rc;
  }
  return result;
}

export interface SignPkcs7 {
  readonly key: PrivateKey;
  /** The signer's certificate. */
  readonly certificate: Uint8Array;
  /** Further certificates to carry. */
  readonly chain?: readonly Uint8Array[];
  /** Kernel hash number. */
  readonly algo: number;
  /** OID of the content in hexadecimal. */
  readonly contentType: string;
  /** The content, whole: an element with identifier and length. */
  readonly content: Uint8Array;
  readonly crypto: CryptoProvider;
}

/** A message with one signer and the attributes contentType and messageDigest, DER. */
export function signPkcs7(o: SignPkcs7): Uint8Array {
  const cert = parseX509(o.certificate);
  const oid = oidOfHash(o.algo);
  if (oid === undefined) throw new RangeError(`algo: hash ${o.algo} has no object identifier`);
  const digestAlg = derEncode(DER_SEQUENCE, derEncodeOid(oid), Uint8Array.of(5, 0));
  const content = derRead(o.content, 0, o.content.length);
  const attribute = (type: string, value: Uint8Array): Uint8Array =>
    derEncode(DER_SEQUENCE, derEncodeOid(type), derEncode(DER_SET, value));
  const attributes = [
    attribute(OID_CONTENT_TYPE, derEncodeOid(o.contentType)),
    attribute(OID_MESSAGE_DIGEST, derEncode(DER_OCTET_STRING, o.crypto.digest(o.algo, derBody(content)))),
  ];
  const signature = signDigest(o.key, o.algo, o.crypto.digest(o.algo, derEncode(DER_SET, ...attributes)));
  const sigAlg =
    o.key.type === "rsa"
      ? derEncode(DER_SEQUENCE, derEncodeOid(OID_RSA), Uint8Array.of(5, 0))
      : derEncode(DER_SEQUENCE, derEncodeOid("2a8648ce3d040302"));
  const signer = derEncode(
    DER_SEQUENCE,
    Uint8Array.of(2, 1, 1),
    derEncode(DER_SEQUENCE, cert.issuer, derEncode(2, cert.serial)),
    digestAlg,
    derEncode(0xa0, ...attributes),
    sigAlg,
    derEncode(DER_OCTET_STRING, signature),
  );
  const signed = derEncode(
    DER_SEQUENCE,
    Uint8Array.of(2, 1, 1),
    derEncode(DER_SET, digestAlg),
    derEncode(DER_SEQUENCE, derEncodeOid(o.contentType), derEncode(0xa0, o.content)),
    derEncode(0xa0, o.certificate, ...(o.chain ?? [])),
    derEncode(DER_SET, signer),
  );
  return derEncode(DER_SEQUENCE, derEncodeOid(OID_SIGNED_DATA), derEncode(0xa0, signed));
}

/**
 * parsePublicKey: a key from whatever file a person has: a public key or a certificate, PEM or DER.
 *
 *     const key = parsePublicKey(await readFile("/etc/keys/x509_ima.der"));
 *
 * Sources: RFC 7468 (PEM), evmctl(1).
 */
import { EBADMSG } from "@kernelkit/core";
import { FormatError, text, utf8 } from "../bytes.js";
import { DER_SEQUENCE, derChildren, derExpect, derRead } from "./der.js";
import type { PublicKey } from "./provider.js";
import { publicKeyFromSpki, rsaPublicKeyFromDer } from "./publicKey.js";
import { parseX509 } from "./x509.js";

/** The DER bytes inside the first PEM block of a text; null if there is none. FormatError if its base64 is broken. */
export function pemToDer(pem: string): Uint8Array | null {
  const m = /-----BEGIN ([A-Z0-9 ]+)-----([A-Za-z0-9+/=\s]*)-----END \1-----/.exec(pem);
  if (m === null) return null;
  let binary: string;
  try {
    binary = atob(m[2].replace(/\s+/g, ""));
  } catch {
    throw new FormatError("PEM block is not base64", m.index, EBADMSG);
  }
  return Uint8Array.from(binary, (c) => c.charCodeAt(0));
}

function derOf(input: Uint8Array | string): Uint8Array {
  const der = pemToDer(typeof input === "string" ? input : text(input));
  return der ?? (typeof input === "string" ? utf8(input) : input);
}

/**
 * A public key from PEM (text or bytes) or DER: SubjectPublicKeyInfo, PKCS#1 RSAPublicKey or an X.509 certificate.
 * FormatError: EBADMSG for malformed input, ENOPKG for algorithms we do not have.
 */
export function parsePublicKey(input: Uint8Array | string): PublicKey {
  const der = derOf(input);
  const e = derRead(der, 0, der.length);
  if (e.end !== der.length) throw new FormatError("bytes behind the key", e.end, EBADMSG);
  const kids = derChildren(derExpect(e, DER_SEQUENCE, "key"), 3);
  if (kids.length === 3) return parseX509(der).publicKey;
  return kids[0]?.tag === DER_SEQUENCE ? publicKeyFromSpki(e) : rsaPublicKeyFromDer(e);
}

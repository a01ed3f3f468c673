/**
 * keyring: the keys a signature is looked up among (`.ima`, `.evm`, `.builtin_trusted_keys`, `.platform`).
 *
 *     const ring = keyringOf(crypto, certificateDer, "-----BEGIN PUBLIC KEY-----...");
 *     findKey(ring, 0x33e471b9)
 *
 * A signature names its key by four bytes, compared with the end of the SubjectKeyIdentifier. For a certificate without one
 * the kernel falls back to serial number and issuer; for a bare public key the identifier is computed (RFC 5280, method 1).
 * Keys are plain data.
 */
import { concatBytes, text, toHex, u32be, utf8 } from "../bytes.js";
import { parsePublicKey, pemToDer } from "../crypto/parsePublicKey.js";
import type { CryptoProvider, PublicKey } from "../crypto/provider.js";
import { subjectKeyIdentifier } from "../crypto/publicKey.js";
import { parseX509, type X509 } from "../crypto/x509.js";

export interface AsymmetricKey {
  /** `CN: subjectKeyIdentifier`, as /proc/keys shows it. */
  readonly description: string;
  readonly publicKey: PublicKey;
  /** Its end is compared with key ids. */
  readonly id: Uint8Array;
  /** The certificate, or the SubjectPublicKeyInfo, that was added. */
  readonly der: Uint8Array;
}

/** The key of a parsed certificate. */
export function keyOfCertificate(cert: X509): AsymmetricKey {
  const id = cert.skid ?? concatBytes([cert.serial, cert.issuer]);
  return { description: `${cert.commonName}: ${toHex(id)}`, publicKey: cert.publicKey, id, der: cert.der };
}

/**
 * A key from a certificate or a public key, DER or PEM. FormatError: EBADMSG if malformed, ENOPKG for algorithms we do not have.
 */
export function parseKey(input: Uint8Array | string, crypto: CryptoProvider): AsymmetricKey {
  const der =
    pemToDer(typeof input === "string" ? input : text(input)) ?? (typeof input === "string" ? utf8(input) : input);
  let cert: X509 | null = null;
  try {
    cert = parseX509(der);
  } catch {
    // Not a certificate: it may still be a bare key, and if it is neither, the next line says what is wrong with it.
    cert = null;
  }
  if (cert !== null) return keyOfCertificate(cert);
  const publicKey = parsePublicKey(der);
  const id = subjectKeyIdentifier(publicKey, crypto);
  return { description: toHex(id), publicKey, id, der };
}

/** A keyring of the given certificates and keys, in this order. */
export function keyringOf(crypto: CryptoProvider, ...inputs: (Uint8Array | string)[]): AsymmetricKey[] {
  return inputs.map((i) => parseKey(i, crypto));
}

/** The first key whose identifier ends in `keyId`, or null. */
export function findKey(ring: readonly AsymmetricKey[], keyId: number): AsymmetricKey | null {
  for (const key of ring) if (key.id.length >= 4 && u32be(key.id, key.id.length - 4) === keyId) return key;
  return null;
}

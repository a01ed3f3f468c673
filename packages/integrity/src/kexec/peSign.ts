/**
 * peSign: signatures of kernel images: checked as kexec_file_load(2) checks them, and made as sbsign(1) makes them.
 *
 *     verifyPeSignature(image, secondaryKeyring, crypto)        // 0 or -errno: -ENODATA without signature, -EKEYREJECTED, -ENOKEY...
 *     signPe(image, { key, certificate, crypto })               // the image with a certificate table
 */
import { EBADMSG, EKEYREJECTED } from "@kernelkit/core";
import { HASH_ALGO_SHA256 } from "../abi/hashAlgo.js";
import { concatBytes, equalBytes, FormatError, putU16le, putU32le } from "../bytes.js";
import {
  DER_OCTET_STRING,
  DER_SEQUENCE,
  derBody,
  derChildren,
  derEncode,
  derEncodeOid,
  derExpect,
  derOid,
  derRead,
} from "../crypto/der.js";
import { hashOfOid, oidOfHash } from "../crypto/pkcs1.js";
import { parsePkcs7, pkcs7Verify, signPkcs7 } from "../crypto/pkcs7.js";
import type { CryptoProvider, PrivateKey } from "../crypto/provider.js";
import type { AsymmetricKey } from "../digsig/keyring.js";
import { parsePe, parsePeHeaders, peDigest, peSignature } from "./peFile.js";

/** SPC_INDIRECT_DATA_OBJID and SPC_PE_IMAGE_DATA_OBJID. */
const OID_INDIRECT_DATA = "2b060104018237020104";
const OID_PE_IMAGE_DATA = "2b06010401823702010f";

/** The digest that the signed content claims for the image. FormatError (EBADMSG) if it is none. */
function indirectDigest(content: Uint8Array): { algo: number; digest: Uint8Array } {
  // The content comes without its outer identifier: it is the row of the two parts.
  const first = derRead(content, 0, content.length);
  const second = derRead(content, first.end, content.length);
  const [type] = derChildren(derExpect(first, DER_SEQUENCE, "SpcAttributeTypeAndValue"), 2);
  if (derOid(type, "data type") !== OID_PE_IMAGE_DATA) throw new FormatError("signed data is no PE image", 0, EBADMSG);
  const [alg, digest] = derChildren(derExpect(second, DER_SEQUENCE, "DigestInfo"), 2);
  const algo = hashOfOid(derOid(derChildren(derExpect(alg, DER_SEQUENCE, "algorithm"), 2)[0], "algorithm"));
  return { algo, digest: derBody(derExpect(digest, DER_OCTET_STRING, "digest")) };
}

/**
 * 0 if the image carries a good signature by a key of the keyring, else -errno as the kernel answers: -ELIBBAD, -ENODATA (unsigned),
 * -EBADMSG, -ENOPKG, -EKEYREJECTED (image or signature changed), -ENOKEY (good, but nobody trusts the key).
 */
export function verifyPeSignature(
  image: Uint8Array,
  trusted: readonly AsymmetricKey[],
  crypto: CryptoProvider,
): number {
  try {
    const pe = parsePe(image);
    const msg = parsePkcs7(peSignature(image, pe));
    if (msg.contentType !== OID_INDIRECT_DATA || msg.content === null) return -EBADMSG;
    const claimed = indirectDigest(msg.content);
    if (claimed.algo < 0 || !crypto.has(claimed.algo)) return -EBADMSG;
    if (!equalBytes(peDigest(image, pe, claimed.algo, crypto), claimed.digest)) return -EKEYREJECTED;
    return pkcs7Verify(msg, trusted, crypto);
  } catch (e) {
    if (e instanceof FormatError) return e.errno;
    throw e;
  }
}

export interface SignPe {
  readonly key: PrivateKey;
  /** The signer's certificate, DER. */
  readonly certificate: Uint8Array;
  /** Further certificates to carry. */
  readonly chain?: readonly Uint8Array[];
  readonly crypto: CryptoProvider;
}

/** A copy of an unsigned PE file with a signature over SHA-256. FormatError (ELIBBAD) if it is no PE file; RangeError if it is signed. */
export function signPe(image: Uint8Array, o: SignPe): Uint8Array {
  const pe = parsePeHeaders(image);
  if (pe.certSize !== 0) throw new RangeError("signPe: the image is signed already");
  // The table begins at a multiple of eight; the padding is part of what is hashed.
  const start = Math.ceil(image.length / 8) * 8;
  const padded = new Uint8Array(start);
  padded.set(image);
  const oid = oidOfHash(HASH_ALGO_SHA256) as string;
  const algorithm = derEncode(DER_SEQUENCE, derEncodeOid(oid), Uint8Array.of(5, 0));
  const digest = peDigest(padded, pe, HASH_ALGO_SHA256, o.crypto);
  // SpcPeImageData: no flags, and a file name that everybody leaves obsolete and empty.
  const data = derEncode(
    DER_SEQUENCE,
    Uint8Array.of(3, 1, 0),
    derEncode(0xa0, derEncode(0xa2, Uint8Array.of(0x80, 0))),
  );
  const content = derEncode(
    DER_SEQUENCE,
    derEncode(DER_SEQUENCE, derEncodeOid(OID_PE_IMAGE_DATA), data),
    derEncode(DER_SEQUENCE, algorithm, derEncode(DER_OCTET_STRING, digest)),
  );
  const message = signPkcs7({ ...o, algo: HASH_ALGO_SHA256, contentType: OID_INDIRECT_DATA, content });
  const entry = new Uint8Array(Math.ceil((8 + message.length) / 8) * 8);
  putU32le(entry, 0, 8 + message.length);
  putU16le(entry, 4, 0x0200);
  putU16le(entry, 6, 0x0002);
  entry.set(message, 8);
  putU32le(padded, pe.certDirectory, start);
  putU32le(padded, pe.certDirectory + 4, entry.length);
  return concatBytes([padded, entry]);
}

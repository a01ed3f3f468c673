/**
 * signatureHeader: the nine bytes in front of every IMA and EVM signature (`struct signature_v2_hdr`).
 *
 * type 03, 05 or 06; version; hash algorithm; key id, 4 bytes big endian; signature size, 2 bytes big endian; the signature.
 * Source: evmctl(1) "ima_sign", the kernel's integrity documentation.
 */
import { SIGNATURE_V2_HDR_SIZE } from "../abi/xattr.js";
import { putU16be, putU32be, u16be, u32be } from "../bytes.js";

export interface SignatureHeader {
  /** EVM_IMA_XATTR_DIGSIG, EVM_XATTR_PORTABLE_DIGSIG or IMA_VERITY_DIGSIG, or whatever was there. */
  readonly type: number;
  readonly version: number;
  /** Kernel hash number as it stands there; may be none. */
  readonly algo: number;
  readonly keyId: number;
  /** What the header claims, in bytes. */
  readonly sigSize: number;
  /** All bytes behind the header. */
  readonly signature: Uint8Array;
}

/** Null if there is not even a whole header. Nothing else is checked. */
export function readSignatureHeader(b: Uint8Array): SignatureHeader | null {
  if (b.length < SIGNATURE_V2_HDR_SIZE) return null;
  return {
    type: b[0],
    version: b[1],
    algo: b[2],
    keyId: u32be(b, 3),
    sigSize: u16be(b, 7),
    signature: b.subarray(SIGNATURE_V2_HDR_SIZE),
  };
}

/** A signature with its header. */
export function writeSignature(
  type: number,
  version: number,
  algo: number,
  keyId: number,
  sig: Uint8Array,
): Uint8Array {
  const out = new Uint8Array(SIGNATURE_V2_HDR_SIZE + sig.length);
  out[0] = type;
  out[1] = version;
  out[2] = algo;
  putU32be(out, 3, keyId);
  putU16be(out, 7, sig.length);
  out.set(sig, SIGNATURE_V2_HDR_SIZE);
  return out;
}

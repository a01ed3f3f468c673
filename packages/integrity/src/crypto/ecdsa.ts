/**
 * ecdsa: the DER form of an ECDSA signature (X9.62: a SEQUENCE of r and s) and the fixed-size form libraries take.
 */
import { concatBytes } from "../bytes.js";
import { DER_SEQUENCE, derChildren, derEncode, derEncodeUnsigned, derRead, derUnsigned } from "./der.js";
import type { EcPublicKey } from "./provider.js";

/** Bytes of a scalar of the curve. */
export function scalarSize(curve: EcPublicKey["curve"]): number {
  return curve === "P-256" ? 32 : curve === "P-384" ? 48 : 66;
}

function padTo(b: Uint8Array, size: number): Uint8Array {
  const out = new Uint8Array(size);
  out.set(b, size - b.length);
  return out;
}

/** r and s, each `size` bytes, of a DER signature; null if it is malformed or does not fit. */
export function ecdsaCompact(der: Uint8Array, size: number): Uint8Array | null {
  try {
    const seq = derRead(der, 0, der.length);
    if (seq.tag !== DER_SEQUENCE || seq.end !== der.length) return null;
    const kids = derChildren(seq, 2);
    if (kids.length !== 2) return null;
    const r = derUnsigned(kids[0], "r");
    const s = derUnsigned(kids[1], "s");
    if (r.length > size || s.length > size) return null;
    return concatBytes([padTo(r, size), padTo(s, size)]);
  } catch {
    return null;
  }
}

/** The DER form of r and s lying one behind the other. */
export function ecdsaDer(compact: Uint8Array): Uint8Array {
  const half = compact.length >> 1;
  return derEncode(
    DER_SEQUENCE,
    derEncodeUnsigned(compact.subarray(0, half)),
    derEncodeUnsigned(compact.subarray(half)),
  );
}

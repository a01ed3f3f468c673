/**
 * A 128-bit rolling digest over numbers and text, in four 32-bit lanes: order-sensitive, integer operations only, a few ns per
 * number. Not cryptographic: it tells runs apart.
 */
export class Digest {
  /** The four lanes; typed, since numbers that leave 31 bits would be boxed. */
  readonly lanes: Int32Array = Int32Array.of(0x243f6a88, 0x85a308d3 | 0, 0x13198a2e, 0x03707344);

  /** Add a number: an integer of magnitude up to 2^53, or any double by its nearest integer parts. */
  add(a: number): void {
    const l = this.lanes;
    const lo = a | 0;
    const hi = a === lo ? 0 : Math.floor(a / 4294967296) | 0;
    const x = Math.imul(l[0] ^ lo, 0x9e3779b1 | 0);
    const y = Math.imul(l[2] ^ hi ^ (lo << 7), 0x85ebca77 | 0);
    l[0] = ((x << 13) | (x >>> 19)) + l[1];
    l[1] = l[1] ^ y ^ x;
    l[2] = ((y << 17) | (y >>> 15)) + l[3];
    l[3] = (l[3] ^ x) + Math.imul(y, 0xc2b2ae3d | 0);
  }

  addString(s: string): void {
    this.add(s.length);
    let i = 0;
    for (; i + 1 < s.length; i += 2) this.add((s.charCodeAt(i) << 16) | s.charCodeAt(i + 1));
    if (i < s.length) this.add(s.charCodeAt(i));
  }

  addBytes(b: Uint8Array): void {
    this.add(b.length);
    let i = 0;
    for (; i + 3 < b.length; i += 4) this.add(b[i] | (b[i + 1] << 8) | (b[i + 2] << 16) | (b[i + 3] << 24));
    for (; i < b.length; i++) this.add(b[i]);
  }

  /** 32 hex digits. */
  hex(): string {
    let out = "";
    for (const x of this.lanes) out += (x >>> 0).toString(16).padStart(8, "0");
    return out;
  }
}

/** A 32-bit hash of a string (FNV-1a). */
export function hashString(s: string): number {
  let h = 0x811c9dc5 | 0;
  for (let i = 0; i < s.length; i++) h = Math.imul(h ^ s.charCodeAt(i), 0x01000193);
  return h;
}

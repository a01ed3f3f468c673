/**
 * bitmap: sets of small numbers (CPUs, nodes, interrupts) as words of 32 bits, Linux's cpumask and nodemask (kernel document
 * core-api/kernel-api, "Bitmap Operations"). A bitmap is a plain Uint32Array, so it is state as it stands; how many bits count
 * (`nbits`) its owner knows. Bits at nbits and above are kept zero by every function here. Text forms: `bitmapText.ts`.
 */

/** A zeroed bitmap with room for nbits bits. */
export function bitmapAlloc(nbits: number): Uint32Array {
  return new Uint32Array((nbits + 31) >>> 5);
}

/** A bitmap with exactly the given bits set; each in 0..nbits-1, else RangeError. */
export function bitmapOf(nbits: number, bits: Iterable<number>): Uint32Array {
  const map = bitmapAlloc(nbits);
  for (const b of bits) {
    if (!(b >= 0 && b < nbits && Number.isInteger(b)))
      throw new RangeError(`bitmapOf: bit ${b} is not in 0..${nbits - 1}`);
    bitmapSet(map, b);
  }
  return map;
}

/** Is the bit set? Bits outside the array are not. */
export function bitmapTest(map: Uint32Array, bit: number): boolean {
  return ((map[bit >>> 5] >>> (bit & 31)) & 1) !== 0;
}

export function bitmapSet(map: Uint32Array, bit: number): void {
  map[bit >>> 5] |= 1 << (bit & 31);
}

export function bitmapClear(map: Uint32Array, bit: number): void {
  map[bit >>> 5] &= ~(1 << (bit & 31));
}

/** Sets `count` bits from `start` on. */
export function bitmapSetRange(map: Uint32Array, start: number, count: number): void {
  for (let b = start, end = start + count; b < end; ) {
    if ((b & 31) === 0 && end - b >= 32) {
      map[b >>> 5] = 0xffffffff;
      b += 32;
    } else bitmapSet(map, b++);
  }
}

/** How many bits are set in a word. */
export function hweight32(word: number): number {
  let w = word - ((word >>> 1) & 0x55555555);
  w = (w & 0x33333333) + ((w >>> 2) & 0x33333333);
  return Math.imul((w + (w >>> 4)) & 0x0f0f0f0f, 0x01010101) >>> 24;
}

/** How many bits are set. */
export function bitmapWeight(map: Uint32Array): number {
  let n = 0;
  for (let i = 0; i < map.length; i++) n += hweight32(map[i]);
  return n;
}

/** The first set bit >= from, or -1. */
export function bitmapNext(map: Uint32Array, from: number): number {
  let i = from >>> 5;
  if (i >= map.length) return -1;
  let w = map[i] & (-1 << (from & 31));
  while (w === 0) {
    if (++i === map.length) return -1;
    w = map[i];
  }
  return (i << 5) + 31 - Math.clz32(w & -w);
}

/** The first set bit, or -1. */
export function bitmapFirst(map: Uint32Array): number {
  return bitmapNext(map, 0);
}

/** The highest set bit, or -1. */
export function bitmapLast(map: Uint32Array): number {
  for (let i = map.length - 1; i >= 0; i--) if (map[i] !== 0) return (i << 5) + 31 - Math.clz32(map[i]);
  return -1;
}

export function bitmapEmpty(map: Uint32Array): boolean {
  for (let i = 0; i < map.length; i++) if (map[i] !== 0) return false;
  return true;
}

/** Same bits, whatever the two sizes are. */
export function bitmapEqual(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0, n = Math.max(a.length, b.length); i < n; i++) if (((a[i] ?? 0) ^ (b[i] ?? 0)) !== 0) return false;
  return true;
}

/** Every bit of a is in b. */
export function bitmapSubset(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0; i < a.length; i++) if ((a[i] & ~(b[i] ?? 0)) !== 0) return false;
  return true;
}

/** Some bit is in both. */
export function bitmapIntersects(a: Uint32Array, b: Uint32Array): boolean {
  for (let i = 0, n = Math.min(a.length, b.length); i < n; i++) if ((a[i] & b[i]) !== 0) return true;
  return false;
}

/** dst = a and b; true if something is left. All of one size; dst may be a or b. */
export function bitmapAnd(dst: Uint32Array, a: Uint32Array, b: Uint32Array): boolean {
  let any = 0;
  for (let i = 0; i < dst.length; i++) any |= dst[i] = a[i] & b[i];
  return any !== 0;
}

/** dst = a or b. All of one size; dst may be a or b. */
export function bitmapOr(dst: Uint32Array, a: Uint32Array, b: Uint32Array): void {
  for (let i = 0; i < dst.length; i++) dst[i] = a[i] | b[i];
}

/** dst = a without b; true if something is left. All of one size; dst may be a or b. */
export function bitmapAndnot(dst: Uint32Array, a: Uint32Array, b: Uint32Array): boolean {
  let any = 0;
  for (let i = 0; i < dst.length; i++) any |= dst[i] = a[i] & ~b[i];
  return any !== 0;
}

/** The set bits in ascending order. */
export function bitmapBits(map: Uint32Array): number[] {
  const out: number[] = [];
  for (let b = bitmapNext(map, 0); b >= 0; b = bitmapNext(map, b + 1)) out.push(b);
  return out;
}

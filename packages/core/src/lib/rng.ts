/**
 * rng: the kernel's only source of chance. Generator xoshiro128** (Blackman and Vigna), its state expanded from a seed by
 * splitmix32, so that a run is repeatable and no draw comes from the host.
 *
 *     const rng = new Rng(1);
 *     const scan = rng.fork("numa");         // a stream of its own
 *     scan.below(6);                         // 0..5
 *
 * `fork` depends on the seed and the label only, not on what was drawn before: a new consumer disturbs no other. Not for secrets.
 */
export class Rng {
  /** What the stream was made from; forks append "/label". */
  readonly seed: string;
  /** The four words of the generator; the whole position of the stream. */
  readonly state: Uint32Array;

  /** A number and its decimal text seed the same stream. */
  constructor(seed: number | string) {
    this.seed = String(seed);
    this.state = expand(this.seed);
  }

  /** An independent stream; the same seed and label give the same one. */
  fork(label: string): Rng {
    return new Rng(`${this.seed}/${label}`);
  }

  /** 32 random bits, 0..2^32-1. */
  uint32(): number {
    const s = this.state;
    const s1 = s[1];
    let r = Math.imul(s1, 5);
    r = Math.imul((r << 7) | (r >>> 25), 9);
    const s2 = s[2] ^ s[0];
    const s3 = s[3] ^ s1;
    s[1] = s1 ^ s2;
    s[0] ^= s3;
    s[2] = s2 ^ (s1 << 9);
    s[3] = (s3 << 11) | (s3 >>> 21);
    return r >>> 0;
  }

  /** A double with 53 random bits, 0 <= x < 1. */
  float(): number {
    const high = this.uint32() >>> 5;
    return (high * 0x4000000 + (this.uint32() >>> 6)) / 0x20000000000000;
  }

  /** A whole number 0..n-1, each as likely; n in 1..2^53, else RangeError. */
  below(n: number): number {
    if (!(n >= 1 && n <= 0x20000000000000 && Number.isInteger(n))) {
      throw new RangeError(`below: ${n} is no whole number from 1 to 2^53`);
    }
    if (n < 0x100000000) {
      if ((n & (n - 1)) === 0) return (this.uint32() & (n - 1)) >>> 0;
      // A draw in the last, incomplete block of n numbers would favour small results.
      for (;;) {
        const r = this.uint32();
        const m = r % n;
        if (r - m + n <= 0x100000000) return m;
      }
    }
    if (n === 0x100000000) return this.uint32();
    const limit = 0x20000000000000 - (0x20000000000000 % n);
    for (;;) {
      const r = (this.uint32() >>> 11) * 0x100000000 + this.uint32();
      if (r < limit) return r % n;
    }
  }

  /** Fills the buffer with random bytes and returns it. */
  bytes<T extends Uint8Array>(buffer: T): T {
    let i = 0;
    for (const whole = buffer.length & ~3; i < whole; i += 4) {
      const r = this.uint32();
      buffer[i] = r;
      buffer[i + 1] = r >>> 8;
      buffer[i + 2] = r >>> 16;
      buffer[i + 3] = r >>> 24;
    }
    if (i < buffer.length) for (let r = this.uint32(); i < buffer.length; i++, r >>>= 8) buffer[i] = r;
    return buffer;
  }
}

/** Two 32-bit sums of the seed text, each run through splitmix32 for two words of the state. */
function expand(seed: string): Uint32Array {
  let a = 0x243f6a88;
  let b = 0x85a308d3;
  for (let i = 0; i < seed.length; i++) {
    const c = seed.charCodeAt(i);
    a = Math.imul(a ^ c, 0x9e3779b1);
    a ^= a >>> 15;
    b = Math.imul(b + c, 0x85ebca77);
    b ^= b >>> 13;
  }
  const state = new Uint32Array(4);
  for (let i = 0; i < 4; i++) {
    let z: number;
    if ((i & 1) === 0) z = a = (a + 0x9e3779b9) | 0;
    else z = b = (b + 0x9e3779b9) | 0;
    z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
    z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
    state[i] = z ^ (z >>> 15);
  }
  // All zero is the one state the generator never leaves.
  if ((state[0] | state[1] | state[2] | state[3]) === 0) state[0] = 1;
  return state;
}

/**
 * Random numbers of a kernel: xoshiro128** seeded from a number or a text. `fork(label)` gives a subsystem a stream of its own,
 * so that one more consumer disturbs no other.
 */
import { hashString } from "./hash.js";

export class Rng {
  /** The generator's state. */
  readonly s: Uint32Array = new Uint32Array(4);

  constructor(readonly seed: number | string) {
    let x = typeof seed === "string" ? hashString(seed) : seed | 0;
    for (let i = 0; i < 4; i++) {
      // splitmix32
      x = (x + 0x9e3779b9) | 0;
      let z = x ^ (x >>> 16);
      z = Math.imul(z, 0x21f0aaad);
      z ^= z >>> 15;
      z = Math.imul(z, 0x735a2d97);
      this.s[i] = z ^ (z >>> 15);
    }
  }

  /** A stream that depends on the seed and the label alone, not on what was drawn here. */
  fork(label: string): Rng {
    return new Rng(`${this.seed}/${label}`);
  }

  /** 0 .. 2^32 - 1 */
  uint32(): number {
    const s = this.s;
    const m = Math.imul(s[1], 5);
    const r = Math.imul((m << 7) | (m >>> 25), 9) >>> 0;
    const t = s[1] << 9;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = (s[3] << 11) | (s[3] >>> 21);
    return r;
  }

  /** 0 <= x < 1 */
  float(): number {
    return ((this.uint32() >>> 5) * 67108864 + (this.uint32() >>> 6)) / 9007199254740992;
  }

  /** 0 .. n - 1, all alike; n from 1 to 2^32 */
  below(n: number): number {
    const limit = 4294967296 - (4294967296 % n);
    for (;;) {
      const x = this.uint32();
      if (x < limit) return x % n;
    }
  }

  /** Fill with random bytes. */
  bytes(buf: Uint8Array): Uint8Array {
    for (let i = 0; i < buf.length; i += 4) {
      let x = this.uint32();
      for (let j = i; j < i + 4 && j < buf.length; j++) {
        buf[j] = x & 0xff;
        x >>>= 8;
      }
    }
    return buf;
  }
}

/**
 * hash: the rolling digest of a run. Every event adds a few numbers; two runs with equal digests did the same things in the same
 * order. 128 bits in two independent lanes of 2 x 32, integer arithmetic only, so that every engine agrees; fast rather than
 * secret-proof.
 *
 *     digest.add(now); digest.add(eventClass); digest.addString(line);
 *     digest.hex();                                    // 32 hex digits; adding may go on
 *
 * The order counts, and so do the limits between what was added: "ab" then "c" differs from "a" then "bc", a number from its two
 * halves.
 */

// A line of 120 characters is taken in at once.
const WORDS = 64;

/** A digest under way; see the top of the file. */
export class Digest {
  /** The lanes: [a, b] and [c, d]. All the state there is; an Int32Array since a field beyond 31 bits would be a boxed number. */
  readonly lanes: Int32Array = Int32Array.of(0x6a09e667, 0x3c6ef372, 0x510e527f, 0x1f83d9ab);
  /** Words on their way into the lanes: empty between calls. */
  private readonly words: Int32Array = new Int32Array(WORDS);

  /**
   * Takes the first n words in. Each step is a bijection of a lane for a given word, so no history is forgotten, and moves both
   * halves, so that the next word cannot take a difference back. Lanes stay in registers for all n: hand over many at once.
   */
  private absorb(n: number): void {
    const words = this.words;
    const h = this.lanes;
    let a = h[0];
    let b = h[1];
    let c = h[2];
    let d = h[3];
    for (let i = 0; i < n; i++) {
      const w = words[i];
      let m = Math.imul(a ^ w, 0x9e3779b1);
      m ^= m >>> 15;
      b = (b + m) | 0;
      a = m ^ ((b << 16) | (b >>> 16));
      m = Math.imul((c + w) | 0, 0x85ebca77);
      m ^= m >>> 13;
      d ^= m;
      c = (m + ((d << 19) | (d >>> 13))) | 0;
      d = Math.imul(d, 0xc2b2ae3d);
    }
    h[0] = a;
    h[1] = b;
    h[2] = c;
    h[3] = d;
  }

  /** Adds a number: a whole one up to 2^53 of either sign as one or two words; any other by its decimal text. */
  add(a: number): void {
    const words = this.words;
    if ((a | 0) === a) {
      words[0] = a;
      this.absorb(1);
    } else if (Number.isSafeInteger(a)) {
      words[0] = a | 0;
      // The constant keeps a long number apart from its two halves as short ones.
      words[1] = Math.floor(a / 0x100000000) ^ 0x5bd1e995;
      this.absorb(2);
    } else this.addString(String(a));
  }

  /**
   * Adds one event: its time (a whole number of ns below 2^53) and four 32-bit numbers, say class, task, call and result. Half
   * the cost of five `add`.
   */
  addEvent(timeNs: number, a: number, b: number, c: number, d: number): void {
    const words = this.words;
    words[0] = timeNs | 0;
    words[1] = timeNs / 0x100000000;
    words[2] = a;
    words[3] = b;
    words[4] = c;
    words[5] = d;
    this.absorb(6);
  }

  /** Adds a string: its length, then its UTF-16 code units two by two. */
  addString(s: string): void {
    const words = this.words;
    const n = s.length;
    words[0] = ~n;
    let used = 1;
    for (let i = 0; i < n; i += 2) {
      if (used === WORDS) {
        this.absorb(WORDS);
        used = 0;
      }
      words[used++] = s.charCodeAt(i) | (i + 1 < n ? s.charCodeAt(i + 1) << 16 : 0);
    }
    this.absorb(used);
  }

  /** Adds bytes: their number, then four by four. */
  addBytes(u8: Uint8Array): void {
    const words = this.words;
    const n = u8.length;
    words[0] = ~n;
    let used = 1;
    let i = 0;
    for (; i + 3 < n; i += 4) {
      if (used === WORDS) {
        this.absorb(WORDS);
        used = 0;
      }
      words[used++] = u8[i] | (u8[i + 1] << 8) | (u8[i + 2] << 16) | (u8[i + 3] << 24);
    }
    this.absorb(used);
    if (i < n) {
      words[0] = u8[i] | (i + 1 < n ? u8[i + 1] << 8 : 0) | (i + 2 < n ? u8[i + 2] << 16 : 0);
      this.absorb(1);
    }
  }

  /** Adds another digest as it stands, to combine the digests of subsystems. */
  addDigest(other: Digest): void {
    this.words.set(other.lanes);
    this.absorb(4);
  }

  /** 32 hex digits; changes nothing. */
  hex(): string {
    let [a, b, c, d] = this.lanes;
    // Last words would show nearly plain in a half otherwise.
    for (let round = 0; round < 3; round++) {
      a = finish(a ^ d);
      b = finish(b + a);
      c = finish(c ^ b);
      d = finish(d + c);
    }
    return hex32(a) + hex32(b) + hex32(c) + hex32(d);
  }
}

function finish(x: number): number {
  let h = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}

function hex32(x: number): string {
  return (x >>> 0).toString(16).padStart(8, "0");
}

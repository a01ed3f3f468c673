/** What blocks hold: contents by block number, 512 to a chunk, nothing kept for blocks that were never written. */
import type { PageData } from "@kernelkit/core";

const CHUNK = 512;
const ZEROS: Uint8Array = /* @__PURE__ */ new Uint8Array(4096);

/** Byte i of a page. */
export function byteAt(d: PageData, i: number): number {
  return d === null ? 0 : typeof d === "number" ? d : (d[i] ?? 0);
}

export const copyData = (d: PageData): PageData => (d !== null && typeof d === "object" ? d.slice() : d);

/** The bytes of a page, not to be changed. */
export function pageBytes(d: PageData): Uint8Array {
  if (d === null || d === 0) return ZEROS;
  const b = new Uint8Array(4096);
  if (typeof d === "number") b.fill(d);
  else b.set(d);
  return b;
}

/** `d` with its first n bytes as in `head`. */
export function withHead(d: PageData, head: PageData, n: number): PageData {
  if (n <= 0) return copyData(d);
  if (n >= 4096) return copyData(head);
  const b = new Uint8Array(4096);
  for (let i = 0; i < 4096; i++) b[i] = i < n ? byteAt(head, i) : byteAt(d, i);
  return b;
}

/** Pages by block number. `undefined`: never written. */
export class Contents {
  readonly chunks: Map<number, (PageData | undefined)[]> = new Map();

  get(block: number): PageData | undefined {
    return this.chunks.get(Math.floor(block / CHUNK))?.[block % CHUNK];
  }

  set(block: number, d: PageData): void {
    const no = Math.floor(block / CHUNK);
    let c = this.chunks.get(no);
    if (c === undefined) {
      c = new Array<PageData | undefined>(CHUNK).fill(undefined);
      this.chunks.set(no, c);
    }
    c[block % CHUNK] = d;
  }

  /** The blocks hold nothing any more (discard). */
  forget(block: number, n: number): void {
    for (let b = block; b < block + n; b++) {
      const c = this.chunks.get(Math.floor(b / CHUNK));
      if (c !== undefined) c[b % CHUNK] = undefined;
    }
  }

  /** Blocks that were written, in ascending order of chunk as they came. */
  *written(): Generator<number> {
    for (const [no, c] of this.chunks) for (let i = 0; i < CHUNK; i++) if (c[i] !== undefined) yield no * CHUNK + i;
  }
}

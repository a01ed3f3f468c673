/**
 * Which blocks a file has: by page nothing, a block whose contents are not valid (preallocated), a valid block, or a reservation that
 * gets its block when the page is written (delayed allocation). ext4's extent status tree, in 2 bits a page and the numbers of blocks
 * that do not follow each other.
 */

export const BLOCK_NONE = 0;
export const BLOCK_UNWRITTEN = 1;
export const BLOCK_WRITTEN = 2;
export const BLOCK_DELAYED = 3;

/** Pages of a chunk. */
export const MAP_CHUNK = 512;
const CHUNK: number = MAP_CHUNK;

export class MapChunk {
  /** 4 pages a byte. */
  readonly states: Uint8Array = new Uint8Array(CHUNK / 4);
  /** Pages that have anything. */
  used = 0;
  /** Block of page 0, if all blocks of the chunk follow each other; NaN: none yet, or see `blocks`. */
  base: number = Number.NaN;
  blocks: Int32Array | null = null;
}

export class BlockMap {
  readonly chunks: Map<number, MapChunk> = new Map();
  /** Pages with a block or a reservation; with a reservation. */
  count = 0;
  delayed = 0;

  state(index: number): number {
    const c = this.chunks.get(Math.floor(index / CHUNK));
    if (c === undefined) return BLOCK_NONE;
    const i = index % CHUNK;
    return (c.states[i >> 2] >> ((i & 3) * 2)) & 3;
  }

  /** Block of a page that has one. */
  block(index: number): number {
    const c = this.chunks.get(Math.floor(index / CHUNK)) as MapChunk;
    const i = index % CHUNK;
    return c.blocks === null ? c.base + i : c.blocks[i];
  }

  /** Give a page a state; `block` if it is to have one. */
  set(index: number, state: number, block = -1): void {
    const no = Math.floor(index / CHUNK);
    let c = this.chunks.get(no);
    if (c === undefined) {
      c = new MapChunk();
      this.chunks.set(no, c);
    }
    const i = index % CHUNK;
    const shift = (i & 3) * 2;
    const before = (c.states[i >> 2] >> shift) & 3;
    c.states[i >> 2] = (c.states[i >> 2] & ~(3 << shift)) | (state << shift);
    if (before === BLOCK_NONE) {
      c.used++;
      this.count++;
    }
    if (before === BLOCK_DELAYED) this.delayed--;
    if (state === BLOCK_DELAYED) this.delayed++;
    if (block >= 0) place(c, i, block);
  }

  /** A page has nothing any more: what it had; its block is `block(index)` until another is placed. */
  clear(index: number): number {
    const no = Math.floor(index / CHUNK);
    const c = this.chunks.get(no);
    if (c === undefined) return BLOCK_NONE;
    const i = index % CHUNK;
    const shift = (i & 3) * 2;
    const before = (c.states[i >> 2] >> shift) & 3;
    if (before === BLOCK_NONE) return before;
    c.states[i >> 2] &= ~(3 << shift);
    this.count--;
    if (before === BLOCK_DELAYED) this.delayed--;
    if (--c.used === 0) this.chunks.delete(no);
    return before;
  }

  /** Pages from first..last that have anything, in ascending order. */
  *used(first: number, last: number): Generator<number> {
    const nos = [...this.chunks.keys()].filter((no) => (no + 1) * CHUNK > first && no * CHUNK <= last);
    nos.sort((a, b) => a - b);
    for (const no of nos) {
      const c = this.chunks.get(no) as MapChunk;
      for (let i = Math.max(0, first - no * CHUNK); i < CHUNK && no * CHUNK + i <= last; i++)
        if (((c.states[i >> 2] >> ((i & 3) * 2)) & 3) !== BLOCK_NONE) yield no * CHUNK + i;
    }
  }

  /** Everything from page `from` on moves by `by` pages (negative: down). What it moves to must be empty. */
  shift(from: number, by: number): void {
    const moved = [...this.used(from, Number.POSITIVE_INFINITY)].map((i) => {
      const state = this.state(i);
      return { i, state, block: state === BLOCK_DELAYED ? -1 : this.block(i) };
    });
    for (const m of moved) this.clear(m.i);
    for (const m of moved) this.set(m.i + by, m.state, m.block);
  }
}

function place(c: MapChunk, i: number, block: number): void {
  if (c.blocks === null) {
    if (Number.isNaN(c.base) || c.used === 1) {
      c.base = block - i;
      return;
    }
    if (c.base === block - i) return;
    const all = new Int32Array(CHUNK);
    for (let j = 0; j < CHUNK; j++) all[j] = c.base + j;
    c.blocks = all;
    c.base = Number.NaN;
  }
  c.blocks[i] = block;
}

/** For the registry of state classes. */
export const blockMapClasses: readonly (new () => object)[] = [BlockMap, MapChunk];

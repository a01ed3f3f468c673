/** Many pages of a block map in a row: what `BlockMap.state` and `set`, page by page, would have said and left. */
import { BLOCK_DELAYED, BLOCK_NONE, type BlockMap, MAP_CHUNK, type MapChunk } from "./blockMap.js";

/** Two bits of each of 4 pages: a byte of a chunk all of whose pages have one state. */
const ALL = 0x55;

/** How many pages from `index` on have the state that it has, of one chunk: at most `max`. */
export function sameState(map: BlockMap, index: number, max: number): number {
  const c = map.chunks.get(Math.floor(index / MAP_CHUNK));
  const from = index % MAP_CHUNK;
  const end = Math.min(from + max, MAP_CHUNK);
  if (c === undefined) return end - from;
  const state = map.state(index);
  const byte = state * ALL;
  let i = from + 1;
  for (; i < end; ) {
    if ((i & 3) === 0 && i + 4 <= end && c.states[i >> 2] === byte) i += 4;
    else if (((c.states[i >> 2] >> ((i & 3) * 2)) & 3) === state) i++;
    else break;
  }
  return i - from;
}

/** Of `n` pages from `index` on that have blocks, how many have blocks that follow each other; of one chunk. */
export function sameExtent(map: BlockMap, index: number, n: number): number {
  const { blocks } = map.chunks.get(Math.floor(index / MAP_CHUNK)) as MapChunk;
  if (blocks === null) return n;
  const i = index % MAP_CHUNK;
  let k = 1;
  while (k < n && blocks[i + k] === blocks[i] + k) k++;
  return k;
}

/** Give n pages from `index` on a state, and blocks from `block` on (-1: as they are, or none). */
export function setRun(map: BlockMap, index: number, n: number, state: number, block = -1): void {
  for (let done = 0; done < n; ) {
    const at = index + done;
    const k = Math.min(n - done, MAP_CHUNK - (at % MAP_CHUNK));
    setInChunk(map, at, k, state, block < 0 ? -1 : block + done);
    done += k;
  }
}

function setInChunk(map: BlockMap, index: number, n: number, state: number, block: number): void {
  // all alike: the bytes are filled, and blocks are those of the chunk, or there were none
  const before = map.state(index);
  const c = map.chunks.get(Math.floor(index / MAP_CHUNK));
  const i = index % MAP_CHUNK;
  const fits = block < 0 || (c !== undefined && c.blocks === null && c.base === block - i);
  if (c === undefined || !fits || sameState(map, index, n) < n) {
    for (let k = 0; k < n; k++) map.set(index + k, state, block < 0 ? -1 : block + k);
    return;
  }
  if (before === BLOCK_NONE) {
    c.used += n;
    map.count += n;
  }
  if (before === BLOCK_DELAYED) map.delayed -= n;
  if (state === BLOCK_DELAYED) map.delayed += n;
  for (let k = i; k < i + n; ) {
    if ((k & 3) === 0 && k + 4 <= i + n) {
      c.states[k >> 2] = state * ALL;
      k += 4;
    } else {
      const shift = (k & 3) * 2;
      c.states[k >> 2] = (c.states[k >> 2] & ~(3 << shift)) | (state << shift);
      k++;
    }
  }
}

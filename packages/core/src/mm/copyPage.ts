/** Bytes into cached pages and out of them, as far as a mapping keeps them. */
import { type AddressSpace, CONTENTS_NONE, CONTENTS_PATTERN, type PageData } from "./addressSpace.js";

const PAGE = 4096;

/** n bytes of a page from `off` on, into out at `at`. `dirty`: out may hold something else than zeros. */
export function copyOut(d: PageData, off: number, n: number, out: Uint8Array, at: number, dirty: boolean): void {
  if (d === null || d === 0) {
    if (dirty) out.fill(0, at, at + n);
  } else if (typeof d === "number") out.fill(d, at, at + n);
  else {
    const have = Math.max(0, Math.min(n, d.length - off));
    if (have < 32) for (let i = 0; i < have; i++) out[at + i] = d[off + i];
    else out.set(have === d.length ? d : d.subarray(off, off + have), at);
    if (dirty && have < n) out.fill(0, at + have, at + n);
  }
}

/** Every byte of data[from..from+4096) is the same? Looks at a few first, so that it costs nothing on real data; then by words. */
function uniform(data: Uint8Array, from: number): boolean {
  const b = data[from];
  if (data[from + 1] !== b || data[from + 2047] !== b || data[from + 4095] !== b || data[from + 1023] !== b)
    return false;
  const at = data.byteOffset + from;
  if ((at & 3) !== 0) {
    for (let i = from; i < from + PAGE; i++) if (data[i] !== b) return false;
    return true;
  }
  const words = new Int32Array(data.buffer, at, PAGE / 4);
  const w = (b * 0x01010101) | 0;
  let diff = 0;
  for (let i = 0; i < PAGE / 4; i += 4)
    diff |= (words[i] ^ w) | (words[i + 1] ^ w) | (words[i + 2] ^ w) | (words[i + 3] ^ w);
  return diff === 0;
}

/** Put n bytes of `data` into a cached page. */
export function copyIn(
  mapping: AddressSpace,
  index: number,
  off: number,
  data: Uint8Array,
  from: number,
  n: number,
): void {
  const mode = mapping.contents;
  if (mode === CONTENTS_NONE) return;
  if (mode === CONTENTS_PATTERN) {
    mapping.setData(index, data[from + n - 1]);
    return;
  }
  if (n === PAGE) {
    const old = mapping.data(index);
    if (old === null || typeof old === "number" || old.length < PAGE) {
      mapping.setData(index, uniform(data, from) ? data[from] : data.slice(from, from + PAGE));
      return;
    }
    old.set(data.length === PAGE ? data : data.subarray(from, from + PAGE));
    return;
  }
  const page = mapping.bytes(index, off + n);
  if (n < 32) for (let i = 0; i < n; i++) page[off + i] = data[from + i];
  else page.set(from === 0 && n === data.length ? data : data.subarray(from, from + n), off);
}

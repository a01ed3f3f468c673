/**
 * lseek(2) for the kinds of files there are: `FileOps.llseek` tables take these. SEEK_DATA and SEEK_HOLE know holes where a file
 * has a page cache that is its contents.
 */
import { EINVAL, ENXIO } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { SEEK_CUR, SEEK_DATA, SEEK_END, SEEK_HOLE, SEEK_SET } from "../abi/fcntl.js";
import type { Ctx } from "../kernel/ctx.js";
import { PG_UPTODATE } from "../mm/frames.js";
import type { Loff } from "../sys/fileSys.js";
import type { OpenFile } from "./file.js";
import { LLONG_MAX, loffAdd, loffHigh, loffJoin, loffLow } from "./loff.js";

/** Set the offset: EINVAL if negative or beyond `max` (exact). Returns it. */
function setPos(file: OpenFile, v: Loff): Loff {
  if (v < 0 || (typeof v === "bigint" ? v > LLONG_MAX : v > file.inode.sb.maxBytes)) return fail(EINVAL);
  if (typeof v === "number" && v >= 2 ** 63) return fail(EINVAL);
  file.pos = loffHigh(v);
  file.posLow = loffLow(v);
  file.cursor = null;
  return v;
}

/** Regular files, and whatever has an inode size. */
export function genericLlseek(c: Ctx, file: OpenFile, offset: Loff, whence: number): Loff {
  const { inode } = file;
  switch (whence) {
    case SEEK_SET:
      return setPos(file, offset);
    case SEEK_CUR:
      // asking moves nothing
      if (offset === 0) return loffJoin(file.pos, file.posLow);
      return setPos(file, loffAdd(loffJoin(file.pos, file.posLow), offset));
    case SEEK_END:
      return setPos(file, loffAdd(loffJoin(inode.size, inode.sizeLow), offset));
    case SEEK_DATA:
    case SEEK_HOLE:
      return setPos(file, seekHoleData(c, file, offset, whence));
    default:
      return fail(EINVAL);
  }
}

/** The next byte from `offset` on that is data (SEEK_DATA) or not (SEEK_HOLE; the end of the file is a hole). */
function seekHoleData(c: Ctx, file: OpenFile, offset: Loff, whence: number): number {
  const { size, mapping } = file.inode;
  const at = loffHigh(offset);
  if (at < 0 || at >= size) return fail(ENXIO);
  const { seekHole } = file.inode.ops;
  if (seekHole !== null) {
    const pos = seekHole(c, file.inode, at, whence === SEEK_DATA);
    return pos < 0 ? fail(ENXIO) : pos;
  }
  if (mapping === null) return whence === SEEK_DATA ? at : size;
  const { flags } = c.k.mm.frames;
  const isData = (i: number): boolean => {
    const pfn = mapping.lookup(i);
    return pfn !== 0 && (flags[pfn] & PG_UPTODATE) !== 0;
  };
  let index = Math.floor(at / 4096);
  if (whence === SEEK_HOLE) {
    while (index * 4096 < size && isData(index)) index++;
    return Math.min(Math.max(at, index * 4096), size);
  }
  while (index >= 0 && index * 4096 < size && !isData(index)) index = mapping.nextPage(index + 1);
  const pos = Math.max(at, index * 4096);
  return index < 0 || pos >= size ? fail(ENXIO) : pos;
}

/** Directories whose positions are dentries' offsets: to a position, not from the end. */
export function dirLlseek(_c: Ctx, file: OpenFile, offset: Loff, whence: number): Loff {
  if (whence === SEEK_CUR) return setPos(file, loffAdd(loffJoin(file.pos, file.posLow), offset));
  if (whence === SEEK_SET) return setPos(file, offset);
  return fail(EINVAL);
}

/** Files without an end: SEEK_SET and SEEK_CUR only (seq files). */
export function noEndLlseek(_c: Ctx, file: OpenFile, offset: Loff, whence: number): Loff {
  if (whence === SEEK_CUR) return setPos(file, loffAdd(loffJoin(file.pos, file.posLow), offset));
  if (whence === SEEK_SET) return setPos(file, offset);
  return fail(EINVAL);
}

/** Seeking is accepted and does nothing: the offset stays (noop_llseek). */
export function noopLlseek(_c: Ctx, file: OpenFile): Loff {
  return loffJoin(file.pos, file.posLow);
}

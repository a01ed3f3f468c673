/** Advice about how a file will be used. posix_fadvise(2). */
import { EINVAL, ESPIPE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
} from "../abi/fcntl.js";
import { S_IFIFO, S_IFMT } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { TAG_DIRTY } from "../mm/addressSpace.js";
import { invalidateClean } from "../mm/filemap.js";
import type { OpenFile } from "./file.js";

const PAGE = 4096;
const ADVICE: readonly number[] = [
  POSIX_FADV_NORMAL,
  POSIX_FADV_RANDOM,
  POSIX_FADV_SEQUENTIAL,
  POSIX_FADV_WILLNEED,
  POSIX_FADV_DONTNEED,
  POSIX_FADV_NOREUSE,
];

/**
 * Only POSIX_FADV_DONTNEED does something: dirty pages of the range are sent to the disk, clean ones that nobody maps leave the
 * cache. Pages that are only partly in the range stay, but for the last of the file. `length` 0: to its end.
 */
export function doFadvise(c: Ctx, file: OpenFile, offset: number, length: number, advice: number): number {
  const { inode } = file;
  if ((inode.mode & S_IFMT) === S_IFIFO) return fail(ESPIPE);
  if (length < 0 || !ADVICE.includes(advice)) return fail(EINVAL);
  const { mapping } = inode;
  if (advice !== POSIX_FADV_DONTNEED || mapping === null) return 0;
  const end = length === 0 || offset + length >= inode.size ? Number.MAX_SAFE_INTEGER : offset + length;
  const first = Math.ceil(offset / PAGE);
  const last = end === Number.MAX_SAFE_INTEGER ? end : Math.floor(end / PAGE) - 1;
  if (last < first) return 0;
  const { writepage } = mapping.aOps;
  if (writepage !== undefined && mapping.nrDirty > 0)
    for (let i = mapping.nextTagged(TAG_DIRTY, first, last); i >= 0; i = mapping.nextTagged(TAG_DIRTY, i + 1, last))
      writepage(c, mapping, i, mapping.lookup(i));
  invalidateClean(c.k.mm, mapping, first, last);
  return 0;
}

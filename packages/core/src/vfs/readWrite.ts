/**
 * Reading and writing through descriptors. read(2), write(2), pread(2), readv(2), sendfile(2), copy_file_range(2), lseek(2).
 *
 * The checks here are the same for all files; then the file's own `read` or `write` gets a position and the bytes. While it sleeps
 * the call keeps the description (the number may be closed meanwhile) and the position it began at in its frame. The bytes of a write
 * stay the caller's memory, as in Linux: each is read when it is written.
 */
import { EBADF, EFAULT, EINVAL, EISDIR, EOVERFLOW, EPERM, ESPIPE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MAX_RW_COUNT, O_APPEND, SEEK_HOLE } from "../abi/fcntl.js";
import { S_IFDIR, S_IFIFO, S_IFMT, S_IFREG } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Bytes } from "../lib/text.js";
import type { Loff } from "../sys/fileSys.js";
import { WAIT, type Wait } from "../sys/types.js";
import {
  FMODE_LSEEK,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_STREAM,
  FMODE_WRITE,
  type OpenFile,
} from "./file.js";
import { fget, fputSync, getFile } from "./fileTable.js";
import { S_IMMUTABLE } from "./inode.js";
import { loffAdd, loffHigh, loffJoin, loffLow, MAX_EXACT } from "./loff.js";
import { writeChecks } from "./regularFile.js";

/** What a read or write that sleeps keeps. */
interface RwFrame {
  file?: OpenFile;
  pos?: number;
  data?: Uint8Array;
}

function heldFrame(c: Ctx): RwFrame | null {
  const f = c.task.frame as RwFrame | null;
  return f !== null && f.file !== undefined ? f : null;
}

/** The call goes to sleep for the first time: keep what it works on. */
function hold(c: Ctx, file: OpenFile, pos: number, data: Uint8Array | null): Wait {
  const f = c.frame<RwFrame>(() => ({}));
  if (f.file === undefined) {
    f.file = getFile(file);
    f.pos = pos;
    if (data !== null) f.data = data;
  }
  return WAIT;
}

/** It is over, well or not. */
function letGo(c: Ctx, f: RwFrame): void {
  const file = f.file as OpenFile;
  c.task.frame = null;
  fputSync(c.k, file);
}

/** Data argument as bytes. EFAULT (null). TypeError. */
export function dataArg(v: unknown): Uint8Array {
  if (v instanceof Uint8Array) return v;
  if (v === null) return fail(EFAULT);
  if (typeof v === "string") return utf8Bytes(v);
  throw new TypeError(`data: must be a Uint8Array, a string or null (bad address), not ${String(v)}`);
}

/** A size_t argument. TypeError for what is no whole number; a negative one is as huge as in C: no buffer is that long (EFAULT). */
export function countArg(v: unknown): number {
  if (typeof v === "number" && Number.isInteger(v) && !Object.is(v, -0)) {
    if (v < 0) return fail(EFAULT);
    return v > MAX_RW_COUNT ? MAX_RW_COUNT : v;
  }
  if (typeof v === "bigint") return v < 0n ? fail(EFAULT) : v > BigInt(MAX_RW_COUNT) ? MAX_RW_COUNT : Number(v);
  throw new TypeError(`count: must be a whole number, not ${String(v)}`);
}

// --- one read, one write ---

/** The file's own read at `pos`. EINVAL: it cannot be read. EISDIR. */
export function vfsRead(c: Ctx, file: OpenFile, count: number, pos: number, buf: Uint8Array | null): Uint8Array | Wait {
  const { read } = file.ops;
  if (read === null) return fail((file.inode.mode & S_IFMT) === S_IFDIR ? EISDIR : EINVAL);
  return read(c, file, count, pos, buf);
}

/** The file's own write at `pos`, with the hook. EINVAL: it cannot be written. */
export function vfsWrite(c: Ctx, file: OpenFile, data: Uint8Array, pos: number): number | Wait {
  const { write } = file.ops;
  if (write === null) return fail(EINVAL);
  const r = write(c, file, data, pos);
  const hook = c.k.hooks.fileWritten.on;
  if (hook !== null && r !== WAIT && (r as number) > 0) hook(file, r as number);
  return r;
}

/** Where a write begins: at the end with O_APPEND. */
function startOf(file: OpenFile): number {
  return (file.flags & O_APPEND) !== 0 && (file.inode.mode & S_IFMT) === S_IFREG ? file.inode.size : file.pos;
}

/** A range beyond 2^63-1. EINVAL. */
function checkRange(pos: number, low: number, count: number): void {
  if (pos > MAX_EXACT && BigInt(pos) + BigInt(low) + BigInt(count) > 0x7fffffffffffffffn) fail(EINVAL);
}

export function sysRead(c: Ctx, fd: number, count: number, buf: Uint8Array | null | undefined): Uint8Array | Wait {
  const held = c.task.frame === null ? null : heldFrame(c);
  const file = held !== null ? (held.file as OpenFile) : fget(c.task, fd);
  if ((file.mode & FMODE_READ) === 0) return fail(EBADF);
  if (buf === null && count > 0) return fail(EFAULT);
  const n = countArg(count);
  const pos = held !== null ? (held.pos as number) : file.pos;
  if (pos > MAX_EXACT) checkRange(pos, file.posLow, n);
  let r: Uint8Array | Wait;
  if (held === null) {
    r = vfsRead(c, file, buf !== undefined && buf !== null && buf.length < n ? buf.length : n, pos, buf ?? null);
    if (r === WAIT) return hold(c, file, pos, null);
  } else {
    try {
      r = vfsRead(c, file, buf !== undefined && buf !== null && buf.length < n ? buf.length : n, pos, buf ?? null);
    } catch (e) {
      letGo(c, held);
      throw e;
    }
    if (r === WAIT) return WAIT;
    letGo(c, held);
  }
  if ((file.mode & FMODE_STREAM) === 0 && (r as Uint8Array).length > 0) advance(file, pos, (r as Uint8Array).length);
  return r;
}

/** The offset after n bytes at `pos`: exact beyond 2^53, too. */
function advance(file: OpenFile, pos: number, n: number): void {
  const end = pos + n;
  if (end > MAX_EXACT) {
    const exact = loffAdd(loffJoin(pos, file.pos === pos ? file.posLow : 0), n);
    file.pos = loffHigh(exact);
    file.posLow = loffLow(exact);
  } else file.pos = end;
}

export function sysWrite(c: Ctx, fd: number, arg: unknown): number | Wait {
  const held = c.task.frame === null ? null : heldFrame(c);
  const file = held !== null ? (held.file as OpenFile) : fget(c.task, fd);
  if ((file.mode & FMODE_WRITE) === 0) return fail(EBADF);
  let data = held !== null ? (held.data as Uint8Array) : dataArg(arg);
  if (data.length > MAX_RW_COUNT) data = data.subarray(0, MAX_RW_COUNT);
  const pos = held !== null ? (held.pos as number) : startOf(file);
  if (pos > MAX_EXACT) checkRange(pos, file.posLow, data.length);
  let r: number | Wait;
  if (held === null) {
    r = vfsWrite(c, file, data, pos);
    if (r === WAIT) return hold(c, file, pos, data);
  } else {
    try {
      r = vfsWrite(c, file, data, pos);
    } catch (e) {
      letGo(c, held);
      throw e;
    }
    if (r === WAIT) return WAIT;
    letGo(c, held);
  }
  if ((file.mode & FMODE_STREAM) === 0 && (r as number) > 0) advance(file, pos, r as number);
  return r;
}

export function sysPread(
  c: Ctx,
  fd: number,
  count: number,
  offset: Loff,
  buf: Uint8Array | null | undefined,
): Uint8Array | Wait {
  if (offset < 0) return fail(EINVAL);
  const held = c.task.frame === null ? null : heldFrame(c);
  const file = held !== null ? (held.file as OpenFile) : fget(c.task, fd);
  if ((file.mode & FMODE_PREAD) === 0) return fail(ESPIPE);
  if ((file.mode & FMODE_READ) === 0) return fail(EBADF);
  if (buf === null && count > 0) return fail(EFAULT);
  let n = countArg(count);
  if (buf !== undefined && buf !== null && buf.length < n) n = buf.length;
  const pos = loffHigh(offset);
  if (pos > MAX_EXACT) checkRange(pos, loffLow(offset), n);
  let r: Uint8Array | Wait;
  try {
    r = vfsRead(c, file, n, pos, buf ?? null);
  } catch (e) {
    if (held !== null) letGo(c, held);
    throw e;
  }
  if (r === WAIT) return hold(c, file, pos, null);
  if (held !== null) letGo(c, held);
  return r;
}

export function sysPwrite(c: Ctx, fd: number, arg: unknown, offset: Loff): number | Wait {
  if (offset < 0) return fail(EINVAL);
  const held = c.task.frame === null ? null : heldFrame(c);
  const file = held !== null ? (held.file as OpenFile) : fget(c.task, fd);
  if ((file.mode & FMODE_PWRITE) === 0) return fail(ESPIPE);
  if ((file.mode & FMODE_WRITE) === 0) return fail(EBADF);
  const data = held !== null ? (held.data as Uint8Array) : dataArg(arg);
  const append = (file.flags & O_APPEND) !== 0 && (file.inode.mode & S_IFMT) === S_IFREG;
  const pos = held !== null ? (held.pos as number) : append ? file.inode.size : loffHigh(offset);
  if (pos > MAX_EXACT) checkRange(pos, loffLow(offset), data.length);
  let r: number | Wait;
  try {
    r = vfsWrite(c, file, data, pos);
  } catch (e) {
    if (held !== null) letGo(c, held);
    throw e;
  }
  if (r === WAIT) return hold(c, file, pos, data);
  if (held !== null) letGo(c, held);
  return r;
}

export function sysLseek(c: Ctx, fd: number, offset: Loff, whence: number): Loff {
  const file = fget(c.task, fd);
  if (whence < 0 || whence > SEEK_HOLE) return fail(EINVAL);
  if ((file.mode & FMODE_LSEEK) === 0 || file.ops.llseek === null) return fail(ESPIPE);
  return file.ops.llseek(c, file, offset, whence);
}

// --- from file to file ---

const CHUNK = 65536;

interface CopyFrame {
  copy?: { infile: OpenFile; outfile: OpenFile; inpos: number; outpos: number; count: number; done: number };
}

/**
 * Move bytes from one description to another, by pieces; sleeps where writing does. Returns the bytes moved. Positions that are
 * -1 are those of the descriptions, which move.
 */
function copyFiles(
  c: Ctx,
  infile: OpenFile,
  outfile: OpenFile,
  inoff: number,
  outoff: number,
  count: number,
): number | Wait {
  const fr = c.task.frame as CopyFrame | null;
  let st = fr === null ? undefined : fr.copy;
  if (st === undefined)
    st = {
      infile,
      outfile,
      inpos: inoff < 0 ? infile.pos : inoff,
      outpos: outoff < 0 ? startOf(outfile) : outoff,
      count,
      done: 0,
    };
  try {
    while (st.done < count) {
      const piece = vfsRead(c, st.infile, Math.min(CHUNK, count - st.done), st.inpos, null);
      if (piece === WAIT) return keepCopy(c, st);
      const bytes = piece as Uint8Array;
      if (bytes.length === 0) break;
      const n = vfsWrite(c, st.outfile, bytes, st.outpos);
      if (n === WAIT) return keepCopy(c, st);
      st.inpos += n as number;
      st.outpos += n as number;
      st.done += n as number;
      if ((n as number) < bytes.length) break;
    }
  } catch (e) {
    if (st.done === 0) {
      dropCopy(c, st);
      throw e;
    }
  }
  if (inoff < 0) st.infile.pos = st.inpos;
  if (outoff < 0 && (st.outfile.mode & FMODE_STREAM) === 0) st.outfile.pos = st.outpos;
  dropCopy(c, st);
  return st.done;
}

function keepCopy(c: Ctx, st: NonNullable<CopyFrame["copy"]>): Wait {
  const f = c.frame<CopyFrame>(() => ({}));
  if (f.copy === undefined) {
    f.copy = st;
    getFile(st.infile);
    getFile(st.outfile);
  }
  return WAIT;
}

function dropCopy(c: Ctx, st: NonNullable<CopyFrame["copy"]>): void {
  const f = c.task.frame as CopyFrame | null;
  if (f === null || f.copy === undefined) return;
  c.task.frame = null;
  fputSync(c.k, st.infile);
  fputSync(c.k, st.outfile);
}

/** The descriptions of a copy that has slept, or null. */
function sleptCopy(c: Ctx): NonNullable<CopyFrame["copy"]> | null {
  const fr = c.task.frame as CopyFrame | null;
  return fr === null ? null : (fr.copy ?? null);
}

export function sysSendfile(c: Ctx, outfd: number, infd: number, offset: Loff | null, count: number): number | Wait {
  const st = sleptCopy(c);
  const off = offset === null ? -1 : loffHigh(offset);
  if (st !== null) return copyFiles(c, st.infile, st.outfile, off, -1, countArg(count));
  const infile = fget(c.task, infd);
  if ((infile.mode & FMODE_READ) === 0) fail(EBADF);
  if (offset !== null && (infile.mode & FMODE_PREAD) === 0) fail(ESPIPE);
  if (offset !== null && offset < 0) fail(EINVAL);
  const n = countArg(count);
  const outfile = fget(c.task, outfd);
  if ((outfile.mode & FMODE_WRITE) === 0) fail(EBADF);
  const toPipe = (outfile.inode.mode & S_IFMT) === S_IFIFO;
  if (!toPipe && ((outfile.flags & O_APPEND) !== 0 || (infile.mode & FMODE_LSEEK) === 0)) fail(EINVAL);
  if (n === 0) return 0;
  const type = infile.inode.mode & S_IFMT;
  if (type === S_IFDIR || type === S_IFIFO || infile.ops.read === null) fail(EINVAL);
  return copyFiles(c, infile, outfile, off, -1, n);
}

export function sysCopyFileRange(
  c: Ctx,
  infd: number,
  inoff: Loff | null,
  outfd: number,
  outoff: Loff | null,
  length: Loff,
  flags: number,
): number | Wait {
  const st = sleptCopy(c);
  if (st !== null)
    return copyFiles(c, st.infile, st.outfile, inoff === null ? -1 : 0, outoff === null ? -1 : 0, st.count);
  const infile = fget(c.task, infd);
  const outfile = fget(c.task, outfd);
  const inpos = inoff === null ? infile.pos : loffHigh(inoff);
  const outpos = outoff === null ? outfile.pos : loffHigh(outoff);
  let n = Math.min(loffHigh(length), MAX_RW_COUNT);
  if (flags !== 0) fail(EINVAL);
  const inm = infile.inode.mode & S_IFMT;
  const outm = outfile.inode.mode & S_IFMT;
  if (inm === S_IFDIR || outm === S_IFDIR) fail(EISDIR);
  if (inm !== S_IFREG || outm !== S_IFREG) fail(EINVAL);
  if ((infile.mode & FMODE_READ) === 0 || (outfile.mode & FMODE_WRITE) === 0 || (outfile.flags & O_APPEND) !== 0)
    fail(EBADF);
  if ((outfile.inode.flags & S_IMMUTABLE) !== 0) fail(EPERM);
  if (length < 0 || inpos < 0 || outpos < 0) fail(EINVAL);
  if (loffAdd(inpos, n) > 0x7fffffffffffffffn || loffAdd(outpos, n) > 0x7fffffffffffffffn) fail(EOVERFLOW);
  n = Math.max(0, Math.min(n, infile.inode.size - inpos));
  if (n > 0) n = writeChecks(c, outfile.inode, outpos, n);
  if (infile.inode === outfile.inode && outpos + n > inpos && outpos < inpos + n) fail(EINVAL);
  return copyFiles(c, infile, outfile, inoff === null ? -1 : inpos, outoff === null ? -1 : outpos, n);
}

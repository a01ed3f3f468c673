/**
 * Pages of a process lent to a pipe: vmsplice(2). What the pipe has is the page itself, not a copy: bytes that are changed before they are
 * read arrive changed, and the page counts as used by somebody else until it has been read.
 */
import { EAGAIN, EBADF, EFAULT, EINVAL, EPIPE } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { O_NONBLOCK } from "../abi/fcntl.js";
import { SIGPIPE } from "../abi/signal.js";
import type { Ctx } from "../kernel/ctx.js";
import { followPage } from "../mm/followPage.js";
import { ZERO_PFN } from "../mm/frames.js";
import type { Mm } from "../mm/mm.js";
import { storeBytes, userFault } from "../mm/userAccess.js";
import { findVma } from "../mm/vma.js";
import { WAIT, type Wait } from "../sys/types.js";
import { FMODE_WRITE, type OpenFile } from "./file.js";
import { fget } from "./fileTable.js";
import { pipeOf } from "./pipe.js";
import { PIPE_PAGE, type Pipe } from "./pipeRing.js";
import { vfsRead } from "./readWrite.js";

/** A piece of memory. `struct iovec`. */
export interface Iovec {
  addr: number;
  length: number;
}

const SPLICE_F_NONBLOCK = 2;
const SPLICE_F_ALL = 15;
const IOV_MAX = 1024;

export function doVmsplice(c: Ctx, fd: number, iov: readonly Iovec[], flags: number): number | Wait {
  if ((flags & ~SPLICE_F_ALL) !== 0) return fail(EINVAL);
  const file = fget(c.task, fd);
  const pipe = pipeOf(file);
  if (pipe === null) return fail(EBADF);
  if (iov.length > IOV_MAX || iov.some((v) => v.length < 0)) return fail(EINVAL);
  const block = (flags & SPLICE_F_NONBLOCK) === 0 && (file.flags & O_NONBLOCK) === 0;
  return (file.mode & FMODE_WRITE) !== 0 ? lend(c, pipe, iov, block) : toUser(c, file, iov);
}

/** Each page, or part of one, takes a slot of the pipe. */
function lend(c: Ctx, p: Pipe, iov: readonly Iovec[], block: boolean): number | Wait {
  const m = c.k.mm;
  const mm = c.task.mm as Mm;
  let done = 0;
  for (const { addr, length } of iov)
    for (let at = addr; at < addr + length; ) {
      const n = Math.min(PIPE_PAGE - (at % PIPE_PAGE), addr + length - at);
      if (p.readers === 0) {
        if (done > 0) return done;
        c.k.signals.sendTask(c.task, SIGPIPE);
        return fail(EPIPE);
      }
      if (p.full) {
        if (done > 0) return done;
        return block ? c.sleep(p.wrWait) : fail(EAGAIN);
      }
      const page = at - (at % PIPE_PAGE);
      const v = findVma(mm, at);
      if (v === null) return done > 0 ? done : fail(EFAULT);
      if (followPage(m, mm, page) === 0 && userFault(m, c, null, mm, page, false) === WAIT)
        return done > 0 ? done : WAIT;
      const pfn = followPage(m, mm, page);
      if (pfn !== 0 && pfn !== ZERO_PFN) m.frames.refcount[pfn]++;
      p.lend(pfn === 0 ? ZERO_PFN : pfn, at % PIPE_PAGE, n);
      c.wake(p.rdWait, 1);
      done += n;
      at += n;
    }
  return done;
}

/** From the read end: the bytes are copied. */
function toUser(c: Ctx, file: OpenFile, iov: readonly Iovec[]): number | Wait {
  const m = c.k.mm;
  const mm = c.task.mm as Mm;
  const want = iov.find((v) => v.length > 0);
  if (want === undefined) return 0;
  if (findVma(mm, want.addr) === null) return fail(EFAULT);
  // the pages are made before anything is taken out of the pipe
  for (let at = want.addr - (want.addr % PIPE_PAGE); at < want.addr + want.length; at += PIPE_PAGE)
    if (followPage(m, mm, at) === 0 && userFault(m, c, null, mm, at, true) === WAIT) return WAIT;
  const data = vfsRead(c, file, want.length, 0, null);
  if (data === WAIT) return WAIT;
  storeBytes(m, c, mm, want.addr, data as Uint8Array);
  return (data as Uint8Array).length;
}

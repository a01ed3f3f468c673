/**
 * Pipes and FIFOs. pipe(7), pipe(2), fifo(7).
 *
 * A pipe is a ring of slots of one page. A write puts its bytes into new slots, after merging what is left of a page into the
 * last slot if that has room; a slot is free again only when it is read empty. So what fits goes by slots, not by bytes:
 * writes of up to a page are never split, and POLLOUT means a free slot. With O_DIRECT each write is a packet of its own.
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { EAGAIN, EINVAL, ENFILE, ENOMEM, ENOTTY, ENXIO, EPIPE } from "../abi/errno.js";
import { ERESTARTSYS, fail } from "../abi/errors.js";
import { O_DIRECT, O_NONBLOCK, O_RDONLY, O_WRONLY } from "../abi/fcntl.js";
import { FIONREAD } from "../abi/ioctl.js";
import { PIPEFS_MAGIC } from "../abi/magic.js";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDNORM, POLLWRNORM } from "../abi/poll.js";
import { SIGPIPE } from "../abi/signal.js";
import { S_IFIFO } from "../abi/stat.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { widened } from "../mm/addressSpace.js";
import { ZERO_PFN } from "../mm/frames.js";
import { putPage } from "../mm/pageAlloc.js";
import { dataOf } from "../mm/pageData.js";
import type { Wait } from "../sys/types.js";
import { capable } from "../task/capable.js";
import { TASK_INTERRUPTIBLE } from "../task/task.js";
import { internalMount } from "./anonInode.js";
import {
  FileOps,
  FMODE_LSEEK,
  FMODE_OPENED,
  FMODE_PREAD,
  FMODE_PWRITE,
  FMODE_READ,
  FMODE_STREAM,
  FMODE_WRITE,
  type OpenFile,
  readBuffer,
} from "./file.js";
import { Inode, InodeOps } from "./inode.js";
import { fileUpdateTime, touchAtime } from "./inodeTime.js";
import { allocFile } from "./open.js";
import { accountPipe, newPipe } from "./pipeLimits.js";
import { copyBytes, PIPE_PAGE as PAGE, Pipe } from "./pipeRing.js";
import { type FileSystemType, FS_INTERNAL, SuperBlock, type SuperOps } from "./superBlock.js";

const ALL = 0x7fffffff;

/** The pipe behind a file, or null if it is none. */
export function pipeOf(file: OpenFile): Pipe | null {
  return file.data instanceof Pipe ? file.data : null;
}

function read(c: Ctx, file: OpenFile, count: number, _pos: number, buf: Uint8Array | null): Uint8Array | Wait {
  if (count === 0) return readBuffer(buf, 0);
  const p = file.data as Pipe;
  if (p.empty) {
    if (p.writers === 0) return readBuffer(buf, 0);
    if ((file.flags & O_NONBLOCK) !== 0) return fail(EAGAIN);
    return c.sleep(p.rdWait, undefined, TASK_INTERRUPTIBLE, ERESTARTSYS, true);
  }
  const wasFull = p.full;
  // how much there is for this read
  let total = 0;
  for (let i = p.tail; i < p.head && total < count; i++) {
    const s = p.slot(i);
    total += s.len;
    if (s.packet) break;
  }
  const out = readBuffer(buf, Math.min(total, count));
  for (let done = 0; done < out.length; ) {
    const s = p.slot(p.tail);
    const n = Math.min(s.len, out.length - done);
    copyBytes(out, done, s.pfn === 0 ? s.page : widened(dataOf(c.k.mm, s.pfn), PAGE), s.offset, n);
    done += n;
    s.offset += n;
    s.len -= n;
    // the rest of a packet is lost
    if (s.packet || s.len === 0) dropSlot(c.k, p);
  }
  if (wasFull && !p.full) c.wake(p.wrWait, 1);
  if (!p.empty) c.wake(p.rdWait, 1);
  touchAtime(file.mnt, file.inode);
  return out;
}

/** A slot is read; a page that was lent is given back. */
function dropSlot(k: Core, p: Pipe): void {
  const pfn = p.drop();
  if (pfn > ZERO_PFN) putPage(k.mm, pfn);
}

function write(c: Ctx, file: OpenFile, data: Uint8Array): number | Wait {
  if (data.length === 0) return 0;
  const p = file.data as Pipe;
  const fr = c.task.frame === null ? undefined : (c.task.frame as { pipe?: { done: number } }).pipe;
  let done = fr === undefined ? 0 : fr.done;
  const packet = (file.flags & O_DIRECT) !== 0;
  if (p.readers === 0 && done === 0) {
    c.k.signals.sendTask(c.task, SIGPIPE);
    return fail(EPIPE);
  }
  const wasEmpty = p.empty;
  if (fr === undefined && !packet) {
    const n = data.length & (PAGE - 1);
    if (n !== 0 && p.merge(data, n)) done = n;
  }
  while (done < data.length) {
    if (p.readers === 0) {
      c.k.signals.sendTask(c.task, SIGPIPE);
      break;
    }
    if (!p.full) {
      done += p.put(data, done, packet);
      continue;
    }
    if ((file.flags & O_NONBLOCK) !== 0) {
      if (done === 0) fail(EAGAIN);
      break;
    }
    if (wasEmpty || done > (fr === undefined ? 0 : fr.done)) c.wake(p.rdWait, 1);
    if (c.signalPending) {
      if (done === 0) fail(ERESTARTSYS);
      break;
    }
    c.part("pipe", () => ({ done: 0 })).done = done;
    return c.sleep(p.wrWait, undefined, TASK_INTERRUPTIBLE, ERESTARTSYS, true);
  }
  if (c.task.frame !== null) c.endPart("pipe");
  c.wake(p.rdWait, 1);
  if (!p.full) c.wake(p.wrWait, 1);
  fileUpdateTime(file.inode);
  return done;
}

function release(k: Core, file: OpenFile): void {
  const p = file.data as Pipe;
  if ((file.mode & FMODE_READ) !== 0) p.readers--;
  if ((file.mode & FMODE_WRITE) !== 0) p.writers--;
  // one end gone: the other learns of it
  if ((p.readers === 0) !== (p.writers === 0)) {
    k.sched.wakeUp(p.rdWait, ALL);
    k.sched.wakeUp(p.wrWait, ALL);
  }
  putPipe(file.inode, p);
}

function putPipe(inode: Inode, p: Pipe): void {
  if (--p.files > 0) return;
  while (!p.empty) dropSlot(inode.sb.k, p);
  inode.data = null;
  const { vfs, hooks } = inode.sb.k;
  accountPipe(vfs, p.uid, -p.slots);
  if (hooks.pipeFree.on !== null) hooks.pipeFree.on(p, undefined);
}

/** open(2) of a FIFO: sleeps until the other end is opened, unless O_NONBLOCK or O_RDWR. */
function open(c: Ctx, inode: Inode, file: OpenFile): Wait | undefined {
  const mode = file.mode & (FMODE_READ | FMODE_WRITE);
  const isPipe = inode.sb.magic === PIPEFS_MAGIC;
  const fr = c.task.frame === null ? undefined : (c.task.frame as { fifo?: { seen: number } }).fifo;
  let p: Pipe;
  if (fr === undefined) {
    if (mode === 0) fail(EINVAL);
    const nonblock = (file.flags & O_NONBLOCK) !== 0;
    const there = inode.data instanceof Pipe ? inode.data : null;
    if (mode === FMODE_WRITE && !isPipe && nonblock && (there === null || there.readers === 0)) fail(ENXIO);
    p = there ?? newPipe(c, ENOMEM);
    inode.data = p;
    p.files++;
    file.data = p;
    file.mode = (file.mode & ~(FMODE_LSEEK | FMODE_PREAD | FMODE_PWRITE)) | FMODE_STREAM;
    if ((mode & FMODE_READ) !== 0) {
      p.rCounter++;
      if (p.readers++ === 0) c.wake(p.wrWait, ALL);
    }
    if ((mode & FMODE_WRITE) !== 0) {
      p.wCounter++;
      if (p.writers++ === 0) c.wake(p.rdWait, ALL);
    }
    if (mode === (FMODE_READ | FMODE_WRITE) || isPipe) return undefined;
    if (mode === FMODE_READ && p.writers === 0) {
      // no HUP until a writer has come and gone
      if (nonblock) file.pos = p.wCounter;
      else return partner(c, file, p, mode);
    }
    if (mode === FMODE_WRITE && p.readers === 0) return partner(c, file, p, mode);
    return undefined;
  }
  p = file.data as Pipe;
  const now = mode === FMODE_READ ? p.wCounter : p.rCounter;
  if (now === fr.seen) return partner(c, file, p, mode);
  c.endPart("fifo");
  return undefined;
}

function partner(c: Ctx, file: OpenFile, p: Pipe, mode: number): Wait {
  const reading = mode === FMODE_READ;
  c.part("fifo", () => ({ seen: reading ? p.wCounter : p.rCounter }));
  try {
    return c.sleep(reading ? p.rdWait : p.wrWait);
  } catch (e) {
    // interrupted: this end was never open
    if (reading) {
      if (--p.readers === 0) c.wake(p.wrWait, ALL);
    } else if (--p.writers === 0) c.wake(p.rdWait, ALL);
    putPipe(file.inode, p);
    throw e;
  }
}

export const fifoOps: FileOps = /* @__PURE__ */ new FileOps({
  open,
  read,
  write: (c, file, data) => write(c, file, data),
  release,
  poll(_c, file, pt) {
    const p = file.data as Pipe;
    let mask = 0;
    if ((file.mode & FMODE_READ) !== 0) {
      pt?.add(p.rdWait);
      if (!p.empty) mask |= POLLIN | POLLRDNORM;
      if (p.writers === 0 && file.pos !== p.wCounter) mask |= POLLHUP;
    }
    if ((file.mode & FMODE_WRITE) !== 0) {
      pt?.add(p.wrWait);
      if (!p.full) mask |= POLLOUT | POLLWRNORM;
      if (p.readers === 0) mask |= POLLERR;
    }
    return mask;
  },
  ioctl(_c, file, request) {
    return request === FIONREAD ? (file.data as Pipe).bytes : fail(ENOTTY);
  },
});

// --- pipefs ---

export const pipeInodeOps: InodeOps = /* @__PURE__ */ new InodeOps({});

export const pipeSuperOps: SuperOps = { dname: (d) => `pipe:[${(d.inode as Inode).ino}]` };

export const pipefs: FileSystemType = {
  name: "pipefs",
  flags: FS_INTERNAL,
  mount: (c) => new SuperBlock(c.k, pipefs, PIPEFS_MAGIC, pipeSuperOps),
};

/** pipe2(2): the two ends, without numbers yet. ENFILE. */
export function createPipe(c: Ctx, flags: number): [OpenFile, OpenFile] {
  const { vfs } = c.k;
  if (vfs.nrFiles + 2 > vfs.sysctl.fileMax && !capable(c.k, c.task, CAP_SYS_ADMIN)) return fail(ENFILE);
  const p = newPipe(c, ENFILE);
  const mnt = internalMount(c.k, pipefs);
  const inode = new Inode(mnt.sb, vfs.nextAnonIno(), S_IFIFO | 0o600, pipeInodeOps, fifoOps);
  inode.uid = c.task.cred.fsuid;
  inode.gid = c.task.cred.fsgid;
  inode.data = p;
  p.readers = p.writers = p.rCounter = p.wCounter = 1;
  p.files = 2;
  const d = vfs.dcache.makeUnhashed("", null, inode);
  inode.nlink = 1;
  const w = allocFile(c, mnt, d, fifoOps, O_WRONLY | (flags & (O_NONBLOCK | O_DIRECT)));
  const r = allocFile(c, mnt, d, fifoOps, O_RDONLY | (flags & O_NONBLOCK));
  for (const f of [r, w]) {
    f.data = p;
    f.mode |= FMODE_STREAM | FMODE_OPENED;
  }
  inode.readcount++;
  return [r, w];
}

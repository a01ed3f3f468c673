/**
 * userfaultfd(2): a program is told of missing pages and fills them. Requests: ioctl_userfaultfd(2). A request's argument is an object
 * with the structure's fields; what the kernel writes back (`copy`, `zeropage`, `ioctls`) it puts there.
 */
import {
  CAP_SYS_PTRACE,
  type Core,
  type Ctx,
  capable,
  EAGAIN,
  EBUSY,
  EEXIST,
  EINVAL,
  ENOENT,
  EPERM,
  FAULT_SIGBUS,
  FAULT_WAIT,
  type Fault,
  FileOps,
  fail,
  fillPage,
  int,
  type Mm,
  mergeAround,
  O_CLOEXEC,
  O_NONBLOCK,
  O_RDWR,
  type OpenFile,
  POLLERR,
  POLLIN,
  readBuffer,
  splitVma,
  struct,
  TASK_SIZE,
  UFFD_API,
  UFFD_EVENT_PAGEFAULT,
  UFFD_PAGEFAULT_FLAG_WRITE,
  UFFD_USER_MODE_ONLY,
  UFFDIO_API,
  UFFDIO_COPY,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_ZEROPAGE,
  VM_UFFD_MISSING,
  VM_UFFD_WP,
  type Vma,
  vmaPosition,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import { UffdContext } from "./uffdContext.js";

const MSG_BYTES = 32;
const MODE_MISSING = 1;
const DONTWAKE = 1;

interface Range {
  start: number;
  len: number;
}
/** What a filling request has done so far. */
interface FillFrame {
  done: number;
}

/** The fault of an area that has a userfaultfd: told once, then the task waits. */
export function faultMissing(f: Fault, c: Ctx | null): number | undefined {
  const u = f.vma.uffd;
  if (!(u instanceof UffdContext) || u.released) return undefined;
  if (c === null) return FAULT_SIGBUS;
  const { serial } = c.task;
  if (!u.faults.some((x) => x.serial === serial && x.address === f.addr)) {
    u.faults.push({ serial, address: f.addr, flags: f.write ? UFFD_PAGEFAULT_FLAG_WRITE : 0, told: false });
    c.wake(u.readers);
  }
  c.sleep(u.waiters);
  return FAULT_WAIT;
}

/** Those who wait for pages of the range fault again. */
function wakeRange(k: Core, u: UffdContext, start: number, end: number): void {
  for (let i = u.faults.length - 1; i >= 0; i--)
    if (u.faults[i].address >= start && u.faults[i].address < end) u.faults.splice(i, 1);
  k.sched.wakeUp(u.waiters);
}

/** EINVAL: empty, unaligned, beyond the address space. */
function checkRange(start: number, len: number): number {
  if (start % 4096 !== 0 || len % 4096 !== 0 || len === 0 || start + len > TASK_SIZE) return fail(EINVAL);
  return start + len;
}

/** The areas of a range. EINVAL: there is none at its start. */
function areas(mm: Mm, start: number, end: number): Vma[] {
  const i = vmaPosition(mm.vmas, start);
  if (i === mm.vmas.length || mm.vmas[i].start >= end) return fail(EINVAL);
  return mm.vmas.filter((v) => v.end > start && v.start < end);
}

/** Give the areas of a range a context, or none. */
function mark(k: Core, mm: Mm, start: number, end: number, u: UffdContext | null): void {
  for (let v of areas(mm, start, end)) {
    if (v.start < start) v = splitVma(k.mm, v, start);
    if (v.end > end) splitVma(k.mm, v, end);
    v.uffd = u;
    v.flags = u === null ? v.flags & ~(VM_UFFD_MISSING | VM_UFFD_WP) : v.flags | VM_UFFD_MISSING;
  }
  mergeAround(k.mm, mm, start, end);
}

function register(c: Ctx, u: UffdContext, arg: { range: Range; mode: number; ioctls?: number }): 0 {
  const { start, len } = struct(arg.range, "range");
  if (arg.mode !== MODE_MISSING) return fail(EINVAL);
  const end = checkRange(start, len);
  for (const v of areas(u.mm, start, end)) {
    if (v.file !== null && v.mapping?.aOps.swapBacked !== true) return fail(EINVAL);
    if (v.uffd !== null && v.uffd !== u) return fail(EBUSY);
  }
  mark(c.k, u.mm, start, end, u);
  arg.ioctls = (1 << 2) | (1 << 3) | (1 << 4);
  return 0;
}

function unregister(c: Ctx, u: UffdContext, arg: Range): 0 {
  const end = checkRange(arg.start, arg.len);
  for (const v of areas(u.mm, arg.start, end)) if (v.uffd !== null && v.uffd !== u) return fail(EINVAL);
  mark(c.k, u.mm, arg.start, end, null);
  wakeRange(c.k, u, arg.start, end);
  return 0;
}

/** UFFDIO_COPY and UFFDIO_ZEROPAGE: `store` tells what became of it. */
function fill(
  c: Ctx,
  u: UffdContext,
  dst: number,
  len: number,
  mode: number,
  src: Uint8Array | null,
  store: (v: number) => void,
): 0 | Wait {
  const end = checkRange(dst, len);
  const { k } = c;
  const f = c.frame<FillFrame>(() => ({ done: 0 }));
  let error = 0;
  while (f.done < len) {
    const addr = dst + f.done;
    const v = u.mm.vmas[vmaPosition(u.mm.vmas, addr)];
    if (v === undefined || v.start > addr || v.end < end || v.uffd !== u) {
      error = -ENOENT;
      break;
    }
    const data = src === null ? "zero page" : src.slice(f.done, f.done + 4096);
    const r = fillPage(k.mm, c, u.mm, addr, data);
    if (r === WAIT) return WAIT;
    if (r !== 0) {
      error = r as number;
      break;
    }
    f.done += 4096;
  }
  if ((mode & DONTWAKE) === 0 && f.done > 0) wakeRange(k, u, dst, dst + f.done);
  store(f.done > 0 ? f.done : error);
  if (error === 0) return 0;
  return fail(f.done > 0 ? EAGAIN : error === -EEXIST ? EEXIST : -error);
}

function ioctl(c: Ctx, file: OpenFile, request: number, arg: unknown): unknown {
  const u = file.data as UffdContext;
  const r = request >>> 0;
  if (r === UFFDIO_API) {
    const a = struct(arg as { api: number; features?: number; ioctls?: bigint }, "argument");
    if (u.ready || a.api !== UFFD_API || (a.features ?? 0) !== 0) return fail(EINVAL);
    u.ready = true;
    a.ioctls = 0x8000000000000003n;
    return 0;
  }
  if (!u.ready) return fail(EINVAL);
  switch (r) {
    case UFFDIO_REGISTER:
      return register(c, u, struct(arg as { range: Range; mode: number }, "argument"));
    case UFFDIO_UNREGISTER:
      return unregister(c, u, struct(arg as Range, "argument"));
    case UFFDIO_WAKE: {
      const a = struct(arg as Range, "argument");
      wakeRange(c.k, u, a.start, checkRange(a.start, a.len));
      return 0;
    }
    case UFFDIO_COPY: {
      const a = struct(arg as { dst: number; src: Uint8Array; len: number; mode?: number; copy?: number }, "argument");
      return fill(c, u, a.dst, a.len, a.mode ?? 0, a.src, (v) => {
        a.copy = v;
      });
    }
    case UFFDIO_ZEROPAGE: {
      const a = struct(arg as { range: Range; mode?: number; zeropage?: number }, "argument");
      return fill(c, u, a.range.start, a.range.len, a.mode ?? 0, null, (v) => {
        a.zeropage = v;
      });
    }
    default:
      return fail(EINVAL);
  }
}

export const uffdFileOps: FileOps = /* @__PURE__ */ new FileOps({
  read(c, file, count, _pos, buf) {
    const u = file.data as UffdContext;
    if (!u.ready || count < MSG_BYTES) return fail(EINVAL);
    const f = u.next;
    if (f === undefined) return (file.flags & O_NONBLOCK) !== 0 ? fail(EAGAIN) : c.sleep(u.readers);
    f.told = true;
    const out = readBuffer(buf, MSG_BYTES);
    out.fill(0, 0, MSG_BYTES);
    const view = new DataView(out.buffer, out.byteOffset, MSG_BYTES);
    view.setUint8(0, UFFD_EVENT_PAGEFAULT);
    view.setBigUint64(8, BigInt(f.flags), true);
    view.setBigUint64(16, BigInt(f.address), true);
    return out;
  },
  poll(_c, file, pt) {
    const u = file.data as UffdContext;
    if (!u.ready) return POLLERR;
    pt?.add(u.readers);
    return u.next === undefined ? 0 : POLLIN;
  },
  ioctl,
  release(k, file) {
    const u = file.data as UffdContext;
    u.released = true;
    for (const v of [...u.mm.vmas]) {
      if (v.uffd !== u) continue;
      v.uffd = null;
      v.flags &= ~(VM_UFFD_MISSING | VM_UFFD_WP);
    }
    wakeRange(k, u, 0, TASK_SIZE);
  },
});

/** userfaultfd(2) */
export function userfaultfd(c: Ctx, flags: number): number {
  const f = int(flags, "flags");
  const { k } = c;
  if (
    (f & UFFD_USER_MODE_ONLY) === 0 &&
    k.mm.sysctl.unprivilegedUserfaultfd === 0 &&
    !capable(k, c.task, CAP_SYS_PTRACE)
  )
    return fail(EPERM);
  if ((f & ~(O_CLOEXEC | O_NONBLOCK | UFFD_USER_MODE_ONLY)) !== 0) return fail(EINVAL);
  const mm = c.task.mm ?? fail(EINVAL);
  const file = k.vfs.anonFile(c.task, "[userfaultfd]", uffdFileOps, new UffdContext(mm), O_RDWR | (f & O_NONBLOCK));
  return k.vfs.installOrPut(c.task, file, (f & O_CLOEXEC) !== 0);
}

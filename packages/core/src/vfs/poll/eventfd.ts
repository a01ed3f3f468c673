/**
 * eventfd(2): a 64-bit counter as a file. A write adds to it, a read takes it all (or one, EFD_SEMAPHORE). The value is kept in
 * two words; reads and writes are 8 bytes, little-endian.
 */
import { EAGAIN, EINVAL } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { O_NONBLOCK, O_RDWR } from "../../abi/fcntl.js";
import { EFD_CLOEXEC, EFD_NONBLOCK, EFD_SEMAPHORE, POLLERR, POLLIN, POLLOUT } from "../../abi/poll.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { WaitQueue } from "../../sched/waitQueue.js";
import { int, uint } from "../../sys/args.js";
import { FileOps, FMODE_STREAM, readBuffer } from "../file.js";
import { noopLlseek } from "../llseek.js";

const MAX = 2n ** 64n - 1n;

export class EventfdCtx {
  /** 0 .. 2^64-2; 2^64-1 only by `signal` of the kernel. */
  count: bigint;
  readonly wait: WaitQueue = new WaitQueue("eventfd");

  constructor(
    initval: number,
    readonly semaphore: boolean,
    readonly id: number,
  ) {
    this.count = BigInt(initval);
  }

  /** The kernel adds n (a memory event): never fails, stops at 2^64-1. */
  signal(k: Core, n = 1n): void {
    this.count = this.count + n > MAX ? MAX : this.count + n;
    k.sched.wakeUp(this.wait);
  }
}

export const eventfdOps: FileOps = /* @__PURE__ */ new FileOps({
  open(_c, _inode, file) {
    file.mode |= FMODE_STREAM;
    return undefined;
  },
  read(c, file, count, _pos, buf) {
    const e = file.data as EventfdCtx;
    if (count < 8) return fail(EINVAL);
    if (e.count === 0n) return (file.flags & O_NONBLOCK) !== 0 ? fail(EAGAIN) : c.sleep(e.wait);
    const n = e.semaphore ? 1n : e.count;
    e.count -= n;
    c.wake(e.wait);
    const out = readBuffer(buf, 8);
    for (let i = 0; i < 8; i++) out[i] = Number((n >> BigInt(8 * i)) & 0xffn);
    return out;
  },
  write(c, file, data) {
    const e = file.data as EventfdCtx;
    if (data.length < 8) return fail(EINVAL);
    let n = 0n;
    for (let i = 7; i >= 0; i--) n = (n << 8n) | BigInt(data[i]);
    if (n === MAX) return fail(EINVAL);
    if (MAX - e.count <= n) return (file.flags & O_NONBLOCK) !== 0 ? fail(EAGAIN) : c.sleep(e.wait);
    e.count += n;
    if (n > 0n) c.wake(e.wait);
    return 8;
  },
  poll(_c, file, pt) {
    const e = file.data as EventfdCtx;
    pt?.add(e.wait);
    let events = 0;
    if (e.count > 0n) events |= POLLIN;
    if (e.count === MAX) events |= POLLERR;
    if (e.count < MAX - 1n) events |= POLLOUT;
    return events;
  },
  llseek: noopLlseek,
  showFdinfo(_k, file) {
    const e = file.data as EventfdCtx;
    const hex = e.count.toString(16).padStart(16);
    return `eventfd-count: ${hex}\neventfd-id: ${e.id}\neventfd-semaphore: ${e.semaphore ? 1 : 0}\n`;
  },
});

export function eventfd2(c: Ctx, initval: number, flags: number): number {
  const value = uint(initval, "initval");
  const f = int(flags, "flags");
  if ((f & ~(EFD_CLOEXEC | EFD_NONBLOCK | EFD_SEMAPHORE)) !== 0) return fail(EINVAL);
  const { vfs, tasks } = c.k;
  const e = new EventfdCtx(value, (f & EFD_SEMAPHORE) !== 0, tasks.nextSerial());
  const file = vfs.anonFile(c.task, "[eventfd]", eventfdOps, e, O_RDWR | (f & O_NONBLOCK));
  file.mode |= FMODE_STREAM;
  return vfs.installOrPut(c.task, file, (f & EFD_CLOEXEC) !== 0);
}

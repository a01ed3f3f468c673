/**
 * epoll(7): a set of descriptors with a list of those that may be ready. An item stands on its file's queues; each wake-up puts
 * it on the ready list and wakes those who wait. epoll_wait asks the file anew: level-triggered items go back to the end of the
 * list, edge-triggered ones (EPOLLET) wait for the next wake-up, one-shot ones (EPOLLONESHOT) for EPOLL_CTL_MOD.
 */
import { EBADF, EEXIST, EFAULT, EINVAL, ELOOP, ENOENT, EPERM } from "../../abi/errno.js";
import { ERESTARTNOHAND, fail } from "../../abi/errors.js";
import { O_RDWR } from "../../abi/fcntl.js";
import {
  EPOLL_CLOEXEC,
  EPOLL_CTL_ADD,
  EPOLL_CTL_DEL,
  EPOLL_CTL_MOD,
  EPOLLERR,
  EPOLLET,
  EPOLLEXCLUSIVE,
  EPOLLHUP,
  EPOLLONESHOT,
  EPOLLWAKEUP,
  POLLIN,
  POLLRDNORM,
} from "../../abi/poll.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { WaitEntry, WaitQueue, type WakeTarget } from "../../sched/waitQueue.js";
import { int, struct } from "../../sys/args.js";
import type { EpollEvent } from "../../sys/pollSys.js";
import type { Wait } from "../../sys/types.js";
import { TASK_INTERRUPTIBLE } from "../../task/task.js";
import { FileOps, FMODE_PATH, type OpenFile, type PollTable } from "../file.js";
import { noopLlseek } from "../llseek.js";
import { timeoutMs, vfsPoll } from "./poll.js";

const PRIVATE_BITS = (EPOLLWAKEUP | EPOLLONESHOT | EPOLLET | EPOLLEXCLUSIVE) >>> 0;
/** Epolls within epolls, at most. */
const EP_MAX_NESTS = 4;
const EP_MAX_EVENTS = Math.floor(0x7fffffff / 12);

export class EpollItem implements WakeTarget, PollTable {
  readonly entries: WaitEntry[] = [];
  ready = false;

  constructor(
    readonly ep: Epoll,
    readonly file: OpenFile,
    readonly fd: number,
    public events: number,
    public data: unknown,
  ) {}

  add(q: WaitQueue): void {
    const e = new WaitEntry(null, false, this);
    this.entries.push(e);
    q.add(e);
  }

  woken(k: Core): void {
    if ((this.events & ~PRIVATE_BITS) === 0) return; // a one-shot that has fired
    this.markReady(k);
  }

  markReady(k: Core): void {
    if (!this.ready) {
      this.ready = true;
      this.ep.ready.push(this);
    }
    k.sched.wakeUp(this.ep.wait);
    k.sched.wakeUp(this.ep.pollWait);
  }

  /** Off all queues and lists. */
  drop(): void {
    for (const e of this.entries) e.queue?.remove(e);
    this.entries.length = 0;
    const i = this.ep.ready.indexOf(this);
    if (i >= 0) this.ep.ready.splice(i, 1);
    this.ep.items.delete(itemKey(this.fd, this.file));
    const of = this.file.epItems;
    of?.splice(of.indexOf(this), 1);
  }
}

/** A description may be in the set under several numbers: the number and the description together are the key. */
function itemKey(fd: number, file: OpenFile): string {
  return `${fd}:${file.serial}`;
}

export class Epoll {
  readonly items: Map<string, EpollItem> = new Map();
  readonly ready: EpollItem[] = [];
  /** Who sleeps in epoll_wait, and who polls the epoll itself. */
  readonly wait: WaitQueue = new WaitQueue("epoll_wait");
  readonly pollWait: WaitQueue = new WaitQueue("epoll");
}

export const epollOps: FileOps = /* @__PURE__ */ new FileOps({
  poll(c, file, pt) {
    const ep = file.data as Epoll;
    pt?.add(ep.pollWait);
    return ep.ready.some((i) => itemEvents(c, i) !== 0) ? POLLIN | POLLRDNORM : 0;
  },
  llseek: noopLlseek,
  release(_k, file) {
    for (const item of [...(file.data as Epoll).items.values()]) item.drop();
  },
  showFdinfo(_k, file) {
    let out = "";
    for (const i of (file.data as Epoll).items.values()) {
      const { inode } = i.file;
      const fields = [
        `tfd: ${String(i.fd).padStart(8)}`,
        `events: ${(i.events >>> 0).toString(16).padStart(8)}`,
        ` data: ${(typeof i.data === "number" ? i.data : 0).toString(16).padStart(16)}`,
        ` pos:${i.file.pos}`,
        `ino:${inode.ino.toString(16)}`,
        `sdev:${inode.sb.dev.toString(16)}`,
      ];
      out += `${fields.join(" ")}\n`;
    }
    return out;
  },
});

function itemEvents(c: Ctx, i: EpollItem): number {
  return vfsPoll(c, i.file, null) & i.events & ~PRIVATE_BITS;
}

/** The last reference to a watched file has gone. */
export function epollRelease(file: OpenFile): void {
  for (const i of [...(file.epItems ?? [])]) i.drop();
}

export function epollCreate1(c: Ctx, flags: number): number {
  const f = int(flags, "flags");
  if ((f & ~EPOLL_CLOEXEC) !== 0) return fail(EINVAL);
  const file = c.k.vfs.anonFile(c.task, "[eventpoll]", epollOps, new Epoll(), O_RDWR);
  return c.k.vfs.installOrPut(c.task, file, f !== 0);
}

/** Would watching `target` from `ep` close a loop, or nest too deep? */
function wouldLoop(ep: Epoll, target: Epoll, depth: number): boolean {
  if (target === ep || depth > EP_MAX_NESTS) return true;
  for (const i of target.items.values())
    if (i.file.ops === epollOps && wouldLoop(ep, i.file.data as Epoll, depth + 1)) return true;
  return false;
}

export function epollCtl(c: Ctx, epfd: number, op: number, fd: number, event: EpollEvent | null | undefined): 0 {
  const { k, task } = c;
  const o = int(op, "op");
  const needsEvent = o !== EPOLL_CTL_DEL;
  if (needsEvent && (event === null || event === undefined)) return fail(EFAULT);
  if (needsEvent) struct(event, "event");
  const epFile = k.vfs.fget(task, int(epfd, "epfd"));
  const target = task.files?.get(int(fd, "fd")) ?? null;
  if (target === null || (target.mode & FMODE_PATH) !== 0) return fail(EBADF);
  if (target.ops.poll === null) return fail(EPERM);
  if (epFile === target || epFile.ops !== epollOps) return fail(EINVAL);
  const ep = epFile.data as Epoll;
  const bits = needsEvent ? (event as EpollEvent).events >>> 0 : 0;
  if ((bits & EPOLLEXCLUSIVE) !== 0 && (o === EPOLL_CTL_MOD || target.ops === epollOps)) return fail(EINVAL);
  if (o === EPOLL_CTL_ADD && target.ops === epollOps && wouldLoop(ep, target.data as Epoll, 1)) return fail(ELOOP);
  const item = ep.items.get(itemKey(fd, target));
  switch (o) {
    case EPOLL_CTL_ADD: {
      if (item !== undefined) return fail(EEXIST);
      const added = new EpollItem(ep, target, fd, (bits | EPOLLERR | EPOLLHUP) >>> 0, event?.data);
      ep.items.set(itemKey(fd, target), added);
      target.epItems ??= [];
      target.epItems.push(added);
      if ((vfsPoll(c, target, added) & added.events & ~PRIVATE_BITS) !== 0) added.markReady(k);
      return 0;
    }
    case EPOLL_CTL_DEL:
      if (item === undefined) return fail(ENOENT);
      item.drop();
      return 0;
    case EPOLL_CTL_MOD:
      if (item === undefined) return fail(ENOENT);
      if ((item.events & EPOLLEXCLUSIVE) !== 0) return fail(EINVAL);
      item.events = (bits | EPOLLERR | EPOLLHUP) >>> 0;
      item.data = event?.data;
      if (itemEvents(c, item) !== 0) item.markReady(k);
      return 0;
    default:
      return fail(EINVAL);
  }
}

export function epollWait(c: Ctx, epfd: number, maxevents: number, ms: number): EpollEvent[] | Wait {
  const max = int(maxevents, "maxevents");
  const file = c.k.vfs.fget(c.task, int(epfd, "epfd"));
  if (max <= 0 || max > EP_MAX_EVENTS || file.ops !== epollOps) return fail(EINVAL);
  const ep = file.data as Epoll;
  const until = timeoutMs(c, int(ms, "timeoutMs"));
  const out: EpollEvent[] = [];
  const again: EpollItem[] = [];
  while (ep.ready.length > 0 && out.length < max) {
    const i = ep.ready.shift() as EpollItem;
    i.ready = false;
    const events = itemEvents(c, i);
    if (events === 0) continue;
    out.push({ events, data: i.data });
    if ((i.events & EPOLLONESHOT) !== 0) i.events = (i.events & PRIVATE_BITS) >>> 0;
    else if ((i.events & EPOLLET) === 0) again.push(i);
  }
  for (const i of again) {
    i.ready = true;
    ep.ready.push(i);
  }
  if (out.length > 0) {
    if (ep.ready.length > 0) c.wake(ep.wait);
    return out;
  }
  if (c.now >= until) return out;
  return c.sleep(ep.wait, until, TASK_INTERRUPTIBLE, ERESTARTNOHAND, true);
}

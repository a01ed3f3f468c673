/**
 * poll(2) and ppoll(2): look at every descriptor; if none is ready, stand on all their queues and look again after a wake-up.
 * A file says what is ready in `FileOps.poll` and names its queues; files without it are always readable and writable.
 */
import { EFAULT, EINVAL } from "../../abi/errno.js";
import { ERESTART_RESTARTBLOCK, ERESTARTNOHAND, fail } from "../../abi/errors.js";
import { POLLERR, POLLHUP, POLLIN, POLLNVAL, POLLOUT, POLLRDNORM, POLLWRNORM } from "../../abi/poll.js";
import { RLIMIT_NOFILE } from "../../abi/resource.js";
import type { Ctx } from "../../kernel/ctx.js";
import type { WaitQueue } from "../../sched/waitQueue.js";
import { int, list, struct } from "../../sys/args.js";
import type { PolledFd, PollFd } from "../../sys/pollSys.js";
import type { Timespec } from "../../sys/signalSys.js";
import type { Wait } from "../../sys/types.js";
import { rlimit } from "../../task/rlimits.js";
import { TASK_INTERRUPTIBLE } from "../../task/task.js";
import { FMODE_PATH, type OpenFile, type PollTable } from "../file.js";

/** What a file without a poll operation is: always ready. */
export const DEFAULT_POLLMASK: number = POLLIN | POLLOUT | POLLRDNORM | POLLWRNORM;

/** Ready events of a file; its queues go to `pt`. */
export function vfsPoll(c: Ctx, file: OpenFile, pt: PollTable | null): number {
  return file.ops.poll === null ? DEFAULT_POLLMASK : file.ops.poll(c, file, pt);
}

class Queues implements PollTable {
  readonly queues: WaitQueue[] = [];
  add(q: WaitQueue): void {
    this.queues.push(q);
  }
}

export function doPoll(c: Ctx, fds: readonly PollFd[] | null, untilNs: number, restart: number): PolledFd[] | Wait {
  if (fds === null) return fail(EFAULT);
  list(fds, "fds");
  if (fds.length > rlimit(c.task, RLIMIT_NOFILE)) return fail(EINVAL);
  const pt = new Queues();
  let ready = 0;
  const out: PolledFd[] = [];
  for (const p of fds) {
    struct(p, "fds[]");
    const fd = int(p.fd, "fd");
    const events = int(p.events, "events") & 0xffff;
    let revents = 0;
    if (fd >= 0) {
      const file = c.task.files?.get(fd) ?? null;
      if (file === null || (file.mode & FMODE_PATH) !== 0) revents = POLLNVAL;
      else revents = vfsPoll(c, file, pt) & (events | POLLERR | POLLHUP);
    }
    if (revents !== 0) ready++;
    out.push({ fd, events, revents });
  }
  if (ready > 0 || c.now >= untilNs) return out;
  return c.sleepOn(pt.queues, untilNs, TASK_INTERRUPTIBLE, restart);
}

/** Instant at which a timeout in ms is over; fixed at the first try of the call. */
export function timeoutMs(c: Ctx, ms: number): number {
  const f = c.frame(() => ({ until: ms < 0 ? Number.POSITIVE_INFINITY : c.now + ms * 1e6 }));
  return f.until;
}

export function poll(c: Ctx, fds: readonly PollFd[] | null, ms: number): PolledFd[] | Wait {
  return doPoll(c, fds, timeoutMs(c, int(ms, "timeoutMs")), ERESTART_RESTARTBLOCK);
}

export function ppoll(
  c: Ctx,
  fds: readonly PollFd[] | null,
  timeout: Timespec | null,
  sigmask: { lo: number; hi: number } | null = null,
): PolledFd[] | Wait {
  const f = c.frame(() => {
    if (timeout !== null) struct(timeout, "timeout");
    if (sigmask !== null) struct(sigmask, "sigmask");
    if (timeout !== null && (timeout.sec < 0 || timeout.nsec < 0 || timeout.nsec >= 1e9)) return fail(EINVAL);
    if (sigmask !== null) {
      c.task.savedMask = { lo: c.task.blocked.lo, hi: c.task.blocked.hi };
      c.task.blocked.set(sigmask.lo & ~0x40100, sigmask.hi); // SIGKILL and SIGSTOP cannot be blocked
    }
    return { until: timeout === null ? Number.POSITIVE_INFINITY : c.now + timeout.sec * 1e9 + timeout.nsec };
  });
  const r = doPoll(c, fds, f.until, ERESTARTNOHAND);
  const saved = c.task.savedMask;
  if (Array.isArray(r) && saved !== null) {
    c.task.blocked.set(saved.lo, saved.hi);
    c.task.savedMask = null;
  }
  return r;
}

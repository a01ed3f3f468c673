/**
 * pidfd_open(2): a process as a file. Readable (POLLIN) when it has ended, POLLHUP too once it has been waited for; the other
 * calls that take one (waitid P_PIDFD, pidfd_send_signal, setns) ask `k.tasks.pidfd.get`.
 */
import { EINVAL, ENOTTY, ESRCH } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { O_NONBLOCK, O_RDWR } from "../../abi/fcntl.js";
import { POLLHUP, POLLIN, POLLRDNORM } from "../../abi/poll.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import { int } from "../../sys/args.js";
import type { Pid, PidNamespace } from "../../task/pid.js";
import type { Task } from "../../task/task.js";
import { FileOps, FMODE_PREAD, FMODE_PWRITE } from "../file.js";

/** Flag of pidfd_open: of a thread that leads no group. */
export const PIDFD_THREAD = 0o200;

export const pidfdOps: FileOps = /* @__PURE__ */ new FileOps({
  poll(c, file, pt) {
    const pid = file.data as Pid;
    pt?.add(pid.wait);
    if (pid.tgidOf === null && pid.task === null) return POLLIN | POLLRDNORM | POLLHUP;
    return c.k.tasks.pidExited(pid) ? POLLIN | POLLRDNORM : 0;
  },
  ioctl(c, file, request, arg) {
    const f = c.k.tasks.pidfd?.ioctl;
    return f === undefined ? fail(ENOTTY) : f(c, file.data as Pid, request, arg);
  },
  showFdinfo(k, file) {
    const pid = file.data as Pid;
    const gone = pid.task === null && pid.tgidOf === null;
    const reader = k.current === null ? k.tasks.initPidNs : (k.tasks.pidNsOf(k.current) as PidNamespace);
    const levels = pid.nr.slice(reader.level).join("\t");
    return gone ? "Pid:\t-1\nNSpid:\t-1\n" : `Pid:\t${pid.nrNs(reader)}\nNSpid:\t${levels}\n`;
  },
});

function create(c: Ctx, pid: Pid, flags: number): number {
  const file = c.k.vfs.anonFile(c.task, "[pidfd]", pidfdOps, pid, O_RDWR | (flags & O_NONBLOCK));
  // it is a file of its own file system: pread(2) gets as far as finding that it cannot be read
  file.mode |= FMODE_PREAD | FMODE_PWRITE;
  return c.k.vfs.installOrPut(c.task, file, true);
}

/** Tell the tasks how pidfds are made and read. */
export function installPidfd(k: Core): void {
  k.tasks.pidfd = {
    create,
    get(t: Task, fd: number) {
      const file = k.vfs.fget(t, fd);
      return file.ops === pidfdOps ? { pid: file.data as Pid, nonblock: (file.flags & O_NONBLOCK) !== 0 } : null;
    },
  };
}

export function pidfdOpen(c: Ctx, nr: number, flags: number): number {
  const f = int(flags, "flags");
  if ((f & ~(O_NONBLOCK | PIDFD_THREAD)) !== 0) return fail(EINVAL);
  const n = int(nr, "pid");
  if (n <= 0) return fail(EINVAL);
  const pid = c.k.tasks.findVpid(c.task, n);
  if (pid === null) return fail(ESRCH);
  if ((f & PIDFD_THREAD) === 0 && pid.tgidOf === null) return fail(pid.task === null ? ESRCH : EINVAL);
  return create(c, pid, f);
}

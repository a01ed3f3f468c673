/** System calls about readiness: poll(2), epoll(7), eventfd(2), pidfd_open(2). */
import type { Timespec } from "./signalSys.js";
import type { Ret, SysBase } from "./types.js";

/** One descriptor to look at; `events` and `revents` are POLL bits. */
export interface PollFd {
  fd: number;
  events: number;
}
export interface PolledFd extends PollFd {
  revents: number;
}

export interface EpollEvent {
  /** EPOLL bits and flags. */
  events: number;
  /** Given back with each event: any plain value. */
  data: unknown;
}

export interface PollSys extends SysBase {
  /**
   * poll(2): `timeoutMs` < 0 waits for ever. Each descriptor comes back with its `revents`; a closed one with POLLNVAL, a
   * negative one with 0. EFAULT (null), EINVAL more than RLIMIT_NOFILE descriptors, EINTR.
   */
  poll(fds: readonly PollFd[] | null, timeoutMs: number): Ret<this["mode"], PolledFd[]>;
  /** ppoll(2): `timeout` null waits for ever; `sigmask` (two words) is in force while it waits. EINVAL for a bad timeout. */
  ppoll(
    fds: readonly PollFd[] | null,
    timeout: Timespec | null,
    sigmask?: { lo: number; hi: number } | null,
  ): Ret<this["mode"], PolledFd[]>;
  /** epoll_create1(2): EINVAL flags, EMFILE. */
  epoll_create1(flags: number): Ret<this["mode"], number>;
  /** epoll_create(2): EINVAL size <= 0. */
  epoll_create(size: number): Ret<this["mode"], number>;
  /**
   * epoll_ctl(2): EFAULT no event where one is needed; EBADF; EPERM the target cannot be polled; EINVAL itself, not an epoll, or
   * a bad EPOLLEXCLUSIVE; ELOOP; then EEXIST, ENOENT; EINVAL op.
   */
  epoll_ctl(epfd: number, op: number, fd: number, event?: EpollEvent | null): Ret<this["mode"], 0>;
  /** epoll_wait(2): EBADF; EINVAL maxevents <= 0, not an epoll; EINTR. */
  epoll_wait(epfd: number, maxevents: number, timeoutMs: number): Ret<this["mode"], EpollEvent[]>;
  /** eventfd2(2): EINVAL flags, EMFILE. */
  eventfd2(initval: number, flags: number): Ret<this["mode"], number>;
  /** eventfd(2). */
  eventfd(initval: number): Ret<this["mode"], number>;
  /** pidfd_open(2): EINVAL flags (PIDFD_NONBLOCK 04000, PIDFD_THREAD 0200), EINVAL pid <= 0, ESRCH, EINVAL not a group leader, EMFILE. */
  pidfd_open(pid: number, flags: number): Ret<this["mode"], number>;
}

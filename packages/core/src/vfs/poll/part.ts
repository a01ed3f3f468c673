/** The calls about readiness, as a part of core. */
import { EINVAL } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import type { Part } from "../../kernel/core.js";
import type { PollSys } from "../../sys/pollSys.js";
import type { Impl } from "../../sys/types.js";
import { Epoll, EpollItem, epollCreate1, epollCtl, epollOps, epollWait } from "./epoll.js";
import { EventfdCtx, eventfd2, eventfdOps } from "./eventfd.js";
import { installPidfd, pidfdOpen, pidfdOps } from "./pidfd.js";
import { poll, ppoll } from "./poll.js";

const pollCalls: Impl<PollSys> = {
  poll,
  ppoll,
  epoll_create1: epollCreate1,
  epoll_create: (c, size) => (size <= 0 ? fail(EINVAL) : epollCreate1(c, 0)),
  epoll_ctl: epollCtl,
  epoll_wait: epollWait,
  eventfd2,
  eventfd: (c, initval) => eventfd2(c, initval, 0),
  pidfd_open: pidfdOpen,
};

export const pollPart: Part = {
  name: "poll",
  install(k) {
    k.state.class(Epoll, EpollItem, EventfdCtx);
    k.state.static("vfs.eventfdOps", eventfdOps);
    k.state.static("vfs.epollOps", epollOps);
    k.state.static("vfs.pidfdOps", pidfdOps);
    installPidfd(k);
    k.syscalls.add(pollCalls);
  },
};

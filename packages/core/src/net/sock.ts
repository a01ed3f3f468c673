/**
 * Sockets: what all families have in common, the table of what one can do (`ProtoOps`), waiting, and what a message costs of a
 * buffer. socket(7).
 *
 * `Sock` is what the file of a socket refers to (`file.data`). A family derives its own class and gives it a table; whatever a
 * table leaves out is EOPNOTSUPP.
 */
import { EAGAIN, EINTR, EOPNOTSUPP } from "../abi/errno.js";
import { ERESTARTSYS, fail } from "../abi/errors.js";
import { SO_RCVLOWAT } from "../abi/socket.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { WaitQueue } from "../sched/waitQueue.js";
import type { Cmsg, Sockaddr, SockoptValue } from "../sys/socketSys.js";
import type { Wait } from "../sys/types.js";
import { TASK_INTERRUPTIBLE } from "../task/task.js";
import type { OpenFile, PollTable } from "../vfs/file.js";
import type { NetNamespace } from "./netNamespace.js";
import type { ScmCred } from "./scm.js";

export const RCV_SHUTDOWN = 1;
export const SEND_SHUTDOWN = 2;
export const SHUTDOWN_MASK = 3;

/** sk.state, as /proc/net shows it. */
export const ST_ESTABLISHED = 1;
export const ST_CLOSE = 7;
export const ST_LISTEN = 10;

/** A message on its way out. */
export interface OutMsg {
  data: Uint8Array;
  name: Sockaddr | null;
  /** Descriptions that are sent along; each with a reference. */
  fds: OpenFile[];
  /** Credentials that the sender has named. */
  cred: ScmCred | null;
}

/** A message that was received. */
export interface InMsg {
  data: Uint8Array;
  addr: Sockaddr | null;
  len: number;
  flags: number;
  control: Cmsg[];
  /** What has come along and gets numbers in the end. */
  fds: OpenFile[] | null;
  cred: ScmCred | null;
}

export interface ProtoOpsInit {
  /** The last reference has gone. */
  release(k: Core, sk: Sock): void;
  bind?(c: Ctx, sk: Sock, addr: Sockaddr): void;
  connect?(c: Ctx, sk: Sock, addr: Sockaddr, nonblock: boolean): Wait | undefined;
  /** The next connection. */
  accept?(c: Ctx, sk: Sock, nonblock: boolean): Sock | Wait;
  listen?(c: Ctx, sk: Sock, backlog: number): void;
  /** Own name, or the peer's. */
  getname(c: Ctx, sk: Sock, peer: boolean): Sockaddr;
  /** `flags`: MSG_ bits, MSG_DONTWAIT also if the file is non-blocking. Bytes sent. */
  sendmsg?(c: Ctx, sk: Sock, msg: OutMsg, flags: number): number | Wait;
  recvmsg?(c: Ctx, sk: Sock, len: number, flags: number): InMsg | Wait;
  /** `how`: RCV_SHUTDOWN, SEND_SHUTDOWN bits. */
  shutdown?(c: Ctx, sk: Sock, how: number): void;
  poll(c: Ctx, sk: Sock, pt: PollTable | null): number;
  /** Levels other than SOL_SOCKET. */
  setsockopt?(c: Ctx, sk: Sock, level: number, name: number, value: SockoptValue): void;
  getsockopt?(c: Ctx, sk: Sock, level: number, name: number): SockoptValue;
  ioctl?(c: Ctx, sk: Sock, request: number, arg: unknown): unknown;
  socketpair?(c: Ctx, a: Sock, b: Sock): void;
  showFdinfo?(sk: Sock): string;
}

const no = (): never => fail(EOPNOTSUPP);

/** A table of socket operations, all of one shape. A static: register it with `k.state.static(name, ops)`. */
export class ProtoOps {
  readonly release: ProtoOpsInit["release"];
  readonly bind: NonNullable<ProtoOpsInit["bind"]>;
  readonly connect: NonNullable<ProtoOpsInit["connect"]>;
  readonly accept: NonNullable<ProtoOpsInit["accept"]>;
  readonly listen: NonNullable<ProtoOpsInit["listen"]>;
  readonly getname: ProtoOpsInit["getname"];
  readonly sendmsg: NonNullable<ProtoOpsInit["sendmsg"]>;
  readonly recvmsg: NonNullable<ProtoOpsInit["recvmsg"]>;
  readonly shutdown: NonNullable<ProtoOpsInit["shutdown"]>;
  readonly poll: ProtoOpsInit["poll"];
  readonly setsockopt: NonNullable<ProtoOpsInit["setsockopt"]>;
  readonly getsockopt: NonNullable<ProtoOpsInit["getsockopt"]>;
  readonly ioctl: NonNullable<ProtoOpsInit["ioctl"]> | null;
  readonly socketpair: NonNullable<ProtoOpsInit["socketpair"]>;
  readonly showFdinfo: NonNullable<ProtoOpsInit["showFdinfo"]> | null;

  constructor(o: ProtoOpsInit) {
    this.release = o.release;
    this.bind = o.bind ?? no;
    this.connect = o.connect ?? no;
    this.accept = o.accept ?? no;
    this.listen = o.listen ?? no;
    this.getname = o.getname;
    this.sendmsg = o.sendmsg ?? no;
    this.recvmsg = o.recvmsg ?? no;
    this.shutdown = o.shutdown ?? no;
    this.poll = o.poll;
    this.setsockopt = o.setsockopt ?? no;
    this.getsockopt = o.getsockopt ?? no;
    this.ioctl = o.ioctl ?? null;
    this.socketpair = o.socketpair ?? no;
    this.showFdinfo = o.showFdinfo ?? null;
  }
}

export class Sock {
  /** Woken when there is something to read, room to write, an error, the end. */
  readonly wait: WaitQueue = new WaitQueue("socket");
  /** Its open file; null before accept(2). */
  file: OpenFile | null = null;
  state: number = ST_CLOSE;
  shutdown = 0;
  /** An errno to be reported once. */
  err = 0;
  /** Bytes that messages may take, and take (with what each costs beyond its data). */
  sndbuf: number;
  rcvbuf: number;
  wmem = 0;
  rmem = 0;
  /** ns; Infinity: for ever. */
  rcvTimeo: number = Number.POSITIVE_INFINITY;
  sndTimeo: number = Number.POSITIVE_INFINITY;
  /** Options that are only numbers, by SO_ name. */
  readonly options: Map<number, number> = new Map();
  linger: { onoff: number; linger: number } = { onoff: 0, linger: 0 };
  /** ifindex it is bound to, 0: none. */
  boundDev = 0;
  /** SO_COOKIE; 0: nobody has asked. */
  cookie = 0;

  constructor(
    k: Core,
    /** Kernel uid of its maker. */
    readonly uid: number,
    readonly net: NetNamespace,
    readonly family: number,
    readonly type: number,
    readonly protocol: number,
    readonly ops: ProtoOps,
  ) {
    net.refs++;
    this.sndbuf = k.net.wmemDefault;
    this.rcvbuf = k.net.rmemDefault;
  }

  option(name: number): number {
    return this.options.get(name) ?? 0;
  }

  /** The pending error, which is then reported: 0 if there is none. */
  takeError(): number {
    const e = this.err;
    this.err = 0;
    return e;
  }
}

/** Sleep on `q` until it is woken: EAGAIN if the call may not, or the socket's timeout is over; EINTR. */
export function sockSleep(c: Ctx, q: WaitQueue, nonblock: boolean, timeoNs: number): Wait {
  if (nonblock) return fail(EAGAIN);
  if (timeoNs === Number.POSITIVE_INFINITY) return c.sleep(q);
  const p = c.part("timeo", () => ({ until: c.now + timeoNs }));
  if (c.now >= p.until) return fail(EAGAIN);
  return c.sleep(q, p.until, TASK_INTERRUPTIBLE, EINTR);
}

/** The restart code of a call that a signal interrupts. */
export function interrupted(timeoNs: number): number {
  return timeoNs === Number.POSITIVE_INFINITY ? ERESTARTSYS : EINTR;
}

/** How many bytes a stream's recv(2) waits for. */
export function lowWater(sk: Sock, all: boolean, len: number): number {
  return all ? len : Math.min(sk.option(SO_RCVLOWAT) || 1, len) || 1;
}

// --- what a buffer costs ---

const SKB = 256;
const SHARED_INFO = 320;
const PAGE = 4096;
/** Data beside the header that is allocated with it. */
const MAX_HEAD = PAGE - SHARED_INFO;
const MAX_ALLOC = 4 * PAGE - SHARED_INFO;
const MAX_FRAGS = 17 * PAGE;
/** Most that one buffer of a stream takes. */
export const STREAM_CHUNK: number = MAX_HEAD + 32768;

const pages = (n: number): number => Math.ceil(n / PAGE) * PAGE;

/** Bytes that a buffer takes of a socket's: what is allocated for `head` bytes, whole pages for the others. */
function cost(head: number, rest: number): number {
  const want = ((head + 63) & ~63) + SHARED_INFO;
  return SKB + (1 << (32 - Math.clz32(Math.max(want, 512) - 1))) + rest;
}

export function streamCost(len: number): number {
  const rest = Math.min(len, pages(Math.max(0, len - MAX_HEAD)));
  return cost(len - rest, pages(rest));
}

export function datagramCost(len: number): number {
  const rest = len > MAX_ALLOC ? pages(Math.min(len - MAX_ALLOC, MAX_FRAGS)) : 0;
  return cost(len - rest, rest);
}

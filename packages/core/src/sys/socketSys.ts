/**
 * System calls on sockets: socket(2), bind(2), connect(2), listen(2), accept(2), send(2), recv(2), shutdown(2), getsockopt(2).
 *
 * EBADF, then ENOTSOCK first everywhere. Addresses are objects with Linux's family number; null where one is expected is a bad
 * address (EFAULT).
 */
import type { DataArg } from "./fdSys.js";
import type { Ret, SysBase } from "./types.js";

/** struct sockaddr: `family` says which of the other fields count. */
export interface Sockaddr {
  family: number;
  /** AF_UNIX: a path, "\0name" an abstract name, "" none (a socket without a name; bind(2): any abstract name). */
  path?: string;
  /** AF_INET "10.0.0.1", AF_INET6 "fe80::1". */
  addr?: string;
  port?: number;
  /** AF_INET6: ifindex of a link-local address. */
  scopeId?: number;
  flowinfo?: number;
  /** AF_NETLINK. */
  pid?: number;
  groups?: number;
}

/** struct ucred, as the caller sees the ids. */
export interface Ucred {
  pid: number;
  uid: number;
  gid: number;
}

/** An ancillary message, cmsg(3): SCM_RIGHTS has `fds`, SCM_CREDENTIALS `cred`. */
export interface Cmsg {
  level: number;
  type: number;
  fds?: readonly number[];
  cred?: Ucred;
}

/** What sendmsg(2) sends. */
export interface SendMsg {
  name?: Sockaddr | null;
  data: DataArg;
  control?: readonly Cmsg[];
}

/** What recvfrom(2) received: `len` is the datagram's whole length, with MSG_TRUNC more than `data` may hold. */
export interface Received {
  data: Uint8Array;
  addr: Sockaddr | null;
  len: number;
}

/** What recvmsg(2) received; `flags`: MSG_TRUNC, MSG_CTRUNC, MSG_EOR. */
export interface ReceivedMsg extends Received {
  control: Cmsg[];
  flags: number;
}

/** Value of an option: a number, or the structure that getsockopt(2) gives (linger, timeval, ucred, a device's name). */
export type SockoptValue =
  | number
  | bigint
  | string
  | readonly number[]
  | Ucred
  | { onoff: number; linger: number }
  | { sec: number; usec: number };

export interface SocketSys extends SysBase {
  /** socket(2). EINVAL flags; EAFNOSUPPORT; EINVAL type; ESOCKTNOSUPPORT, EPROTONOSUPPORT, EPERM (raw); EMFILE. */
  socket(domain: number, type: number, protocol?: number): Ret<this["mode"], number>;
  /** socketpair(2): two connected sockets. EMFILE before the family is looked at; then as socket; EOPNOTSUPP not AF_UNIX. */
  socketpair(domain: number, type: number, protocol?: number): Ret<this["mode"], [number, number]>;
  /** bind(2). EINVAL bound already, bad address; EADDRINUSE; EADDRNOTAVAIL; EACCES; AF_UNIX: as mknod(2). */
  bind(fd: number, addr: Sockaddr | null): Ret<this["mode"], number>;
  /**
   * connect(2). EISCONN; EINVAL; ECONNREFUSED; EPROTOTYPE; EAGAIN (AF_UNIX, non-blocking, queue full); EINPROGRESS, EALREADY
   * (AF_INET, non-blocking); ENETUNREACH; ETIMEDOUT; EACCES. Sleeps.
   */
  connect(fd: number, addr: Sockaddr | null): Ret<this["mode"], number>;
  /** listen(2). EOPNOTSUPP; EINVAL; EADDRINUSE. */
  listen(fd: number, backlog: number): Ret<this["mode"], number>;
  /** accept(2): the new descriptor (its peer: getpeername). EINVAL not listening; EOPNOTSUPP; EMFILE; EAGAIN. Sleeps. */
  accept(fd: number): Ret<this["mode"], number>;
  /** accept4(2). EINVAL flags; then as accept. */
  accept4(fd: number, flags: number): Ret<this["mode"], number>;
  /** send(2). */
  send(fd: number, data: DataArg, flags?: number): Ret<this["mode"], number>;
  /** sendto(2): bytes sent. ENOTCONN, EDESTADDRREQ; EISCONN; EMSGSIZE; EPIPE + SIGPIPE; EAGAIN; ECONNREFUSED. Sleeps. */
  sendto(fd: number, data: DataArg, flags: number, addr?: Sockaddr | null): Ret<this["mode"], number>;
  /** sendmsg(2): with control messages. EINVAL a message of SOL_SOCKET unknown, more than 253 descriptors; EBADF; EPERM, ESRCH; ETOOMANYREFS. */
  sendmsg(fd: number, msg: SendMsg, flags?: number): Ret<this["mode"], number>;
  /** recv(2): the bytes; none at the end. */
  recv(fd: number, len: number, flags?: number): Ret<this["mode"], Uint8Array>;
  /** recvfrom(2). ENOTCONN, EINVAL; EAGAIN; ECONNRESET. Sleeps. */
  recvfrom(fd: number, len: number, flags?: number): Ret<this["mode"], Received>;
  /** recvmsg(2): `controllen` bytes are there for control messages (default: enough). */
  recvmsg(fd: number, len: number, flags?: number, controllen?: number): Ret<this["mode"], ReceivedMsg>;
  /** shutdown(2). EINVAL how; ENOTCONN. */
  shutdown(fd: number, how: number): Ret<this["mode"], number>;
  getsockname(fd: number): Ret<this["mode"], Sockaddr>;
  /** getpeername(2). ENOTCONN. */
  getpeername(fd: number): Ret<this["mode"], Sockaddr>;
  /** setsockopt(2). ENOPROTOOPT; EOPNOTSUPP; EDOM (timeouts); EPERM. */
  setsockopt(fd: number, level: number, name: number, value: SockoptValue): Ret<this["mode"], number>;
  /** getsockopt(2). ENOPROTOOPT; EOPNOTSUPP. */
  getsockopt(fd: number, level: number, name: number): Ret<this["mode"], SockoptValue>;
}

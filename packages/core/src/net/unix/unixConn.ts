/** Connections of AF_UNIX: listen, connect, accept, pairs, shutdown, the end of a socket. unix(7). */
import { EAGAIN, ECONNREFUSED, ECONNRESET, EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPERM } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { AF_UNSPEC, SO_PASSCRED } from "../../abi/socket.js";
import type { Core } from "../../kernel/core.js";
import type { Ctx } from "../../kernel/ctx.js";
import type { Sockaddr } from "../../sys/socketSys.js";
import type { Wait } from "../../sys/types.js";
import { putNs } from "../../task/namespace.js";
import { credOf } from "../scm.js";
import {
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  type Sock,
  ST_CLOSE,
  ST_ESTABLISHED,
  ST_LISTEN,
  sockSleep,
} from "../sock.js";
import { addrOf, autobind, findUnix, unixUnbind } from "./unixAddr.js";
import { unixGc } from "./unixGc.js";
import { purge, UnixSock } from "./unixSock.js";

const ALL = 0x7fffffff;

export function unixListen(c: Ctx, s: Sock, backlog: number): void {
  const sk = s as UnixSock;
  if (!sk.connected) fail(EOPNOTSUPP);
  if (sk.addr === null) fail(EINVAL);
  if (sk.state !== ST_CLOSE && sk.state !== ST_LISTEN) fail(EINVAL);
  if (backlog > sk.backlog) c.wake(sk.peerWait, ALL);
  sk.backlog = backlog;
  sk.state = ST_LISTEN;
  sk.peerCred = credOf(c.task);
}

/** connect(2) of a stream or of packets in sequence. */
export function unixConnect(c: Ctx, s: Sock, a: Sockaddr, nonblock: boolean): Wait | undefined {
  const sk = s as UnixSock;
  if (!sk.connected) return unixDgramConnect(c, sk, a);
  if (sk.option(SO_PASSCRED) !== 0 && sk.addr === null) autobind(c, sk);
  const other = findUnix(c, sk, a);
  if (other.state !== ST_LISTEN || (other.shutdown & RCV_SHUTDOWN) !== 0) fail(ECONNREFUSED);
  if (other.full) return sockSleep(c, other.peerWait, nonblock, sk.sndTimeo);
  if (sk.state === ST_ESTABLISHED) fail(EISCONN);
  if (sk.state !== ST_CLOSE) fail(EINVAL);
  const end = new UnixSock(c, other.net, other.family, sk.type, other.ops);
  end.state = ST_ESTABLISHED;
  end.addr = other.addr;
  end.peer = sk;
  end.peerCred = credOf(c.task);
  if (other.option(SO_PASSCRED) !== 0) end.options.set(SO_PASSCRED, 1);
  sk.peer = end;
  sk.state = ST_ESTABLISHED;
  sk.peerCred = other.peerCred;
  other.pending.push(end);
  c.wake(other.wait);
  return undefined;
}

/** May `sk` send to `to`? Not to one that has another peer. */
export function maySend(sk: UnixSock, to: UnixSock): boolean {
  return to.peer === null || to.peer === sk;
}

function unixDgramConnect(c: Ctx, sk: UnixSock, a: Sockaddr): undefined {
  let other: UnixSock | null = null;
  if (a.family !== AF_UNSPEC) {
    if (sk.option(SO_PASSCRED) !== 0 && sk.addr === null) autobind(c, sk);
    other = findUnix(c, sk, a);
    if (!maySend(sk, other)) fail(EPERM);
  }
  const old = sk.peer;
  sk.peer = other;
  sk.state = other === null ? ST_CLOSE : ST_ESTABLISHED;
  if (old !== null && old !== other) unixDisconnected(c.k, sk, old);
  return undefined;
}

/** A datagram socket has another peer than before: what came from that one is of no more interest. */
export function unixDisconnected(k: Core, sk: UnixSock, old: UnixSock): void {
  if (sk.queue.length === 0) return;
  purge(k, sk.queue);
  k.sched.wakeUp(sk.peerWait, ALL);
  if (!old.dead && old.peer === sk) {
    old.err = ECONNRESET;
    k.sched.wakeUp(old.wait, ALL);
  }
}

export function unixAccept(c: Ctx, s: Sock, nonblock: boolean): Sock | Wait {
  const sk = s as UnixSock;
  if (!sk.connected) return fail(EOPNOTSUPP);
  if (sk.state !== ST_LISTEN) return fail(EINVAL);
  const next = sk.pending.shift();
  if (next === undefined) {
    if ((sk.shutdown & RCV_SHUTDOWN) !== 0) return fail(nonblock ? EAGAIN : EINVAL);
    return sockSleep(c, sk.wait, nonblock, sk.rcvTimeo);
  }
  c.wake(sk.peerWait, ALL);
  return next;
}

export function unixPair(c: Ctx, a: Sock, b: Sock): void {
  const x = a as UnixSock;
  const y = b as UnixSock;
  x.peer = y;
  y.peer = x;
  for (const s of [x, y]) {
    s.state = ST_ESTABLISHED;
    s.peerCred = credOf(c.task);
  }
}

export function unixShutdown(c: Ctx, s: Sock, how: number): void {
  const sk = s as UnixSock;
  sk.shutdown |= how;
  c.wake(sk.wait, ALL);
  const { peer } = sk;
  if (peer === null || !sk.connected) return;
  if ((how & RCV_SHUTDOWN) !== 0) peer.shutdown |= SEND_SHUTDOWN;
  if ((how & SEND_SHUTDOWN) !== 0) peer.shutdown |= RCV_SHUTDOWN;
  c.wake(peer.wait, ALL);
}

export function unixGetname(_c: Ctx, s: Sock, peer: boolean): Sockaddr {
  const sk = s as UnixSock;
  if (!peer) return addrOf(sk.addr);
  return addrOf((sk.peer ?? fail(ENOTCONN)).addr);
}

export function unixRelease(k: Core, s: Sock): void {
  close(k, s as UnixSock, false);
  if (k.net.inflight.size > 0) unixGc(k);
}

/** `embryo`: nobody has accepted it. */
function close(k: Core, sk: UnixSock, embryo: boolean): void {
  const { peer } = sk;
  unixUnbind(k, sk);
  sk.net.unixSocks.delete(sk);
  sk.dead = true;
  sk.shutdown = SHUTDOWN_MASK;
  sk.peer = null;
  sk.file = null;
  k.sched.wakeUp(sk.peerWait, ALL);
  if (peer !== null && sk.connected) {
    peer.shutdown = SHUTDOWN_MASK;
    if (sk.queue.length > 0 || embryo) peer.err = ECONNRESET;
    k.sched.wakeUp(peer.wait, ALL);
  } else if (peer !== null) k.sched.wakeUp(peer.wait, ALL);
  sk.state = ST_CLOSE;
  for (const p of sk.pending.splice(0)) close(k, p, true);
  purge(k, sk.queue);
  putNs(sk.net);
}

/** The calls on sockets of TCP. tcp(7), connect(2), accept(2), send(2), recv(2), shutdown(2). */
import {
  AF_UNSPEC,
  type Ctx,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAGAIN,
  EALREADY,
  ECONNABORTED,
  EINPROGRESS,
  EINVAL,
  EISCONN,
  ENETUNREACH,
  ENOTCONN,
  EPIPE,
  Errno,
  FIONREAD,
  fail,
  type InMsg,
  interrupted,
  lowWater,
  MSG_DONTWAIT,
  MSG_NOSIGNAL,
  MSG_PEEK,
  MSG_TRUNC,
  MSG_WAITALL,
  type OutMsg,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRNORM,
  type PollTable,
  ProtoOps,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  SIGPIPE,
  SIOCOUTQ,
  type Sock,
  type Sockaddr,
  ST_CLOSE,
  ST_ESTABLISHED,
  ST_LISTEN,
  sockSleep,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import { inetAddr, inetBind, inetDisconnect, inetGetname, inetGetsockopt, inetSetsockopt } from "./inetSock.js";
import { isAny } from "./ip.js";
import { abortConnection, acknowledge, finWait2, push, sendSyn, tcpShutdownSend } from "./tcpOutput.js";
import {
  connectionKey,
  TCP_CLOSE_WAIT,
  TCP_FIN_WAIT1,
  TCP_FIN_WAIT2,
  TCP_LAST_ACK,
  TCP_SYN_RECV,
  TCP_SYN_SENT,
  type TcpSock,
  tcpDone,
} from "./tcpSock.js";
import { inetTarget } from "./udp.js";

const ALL = 0x7fffffff;

/** A port for a connection: of its own, or one whose other connections go elsewhere. EADDRNOTAVAIL. */
function connectPort(c: Ctx, sk: TcpSock): void {
  if (sk.num !== 0) {
    if (sk.st.established.has(sk.key)) fail(EADDRNOTAVAIL);
    return;
  }
  const { settings, tcp, established } = sk.st;
  const range = settings.ipLocalPortRange;
  let port = tcp.free(sk, range, c.k.net.rng, true, 0);
  for (let p = range[0]; port === 0 && p <= range[1]; p++)
    if (
      tcp.at(p).every((o) => o.state !== ST_CLOSE && o.state !== ST_LISTEN) &&
      !established.has(connectionKey(sk.saddr, p, sk.daddr, sk.dport))
    )
      port = p;
  if (port === 0) fail(EADDRNOTAVAIL);
  sk.hash(port);
}

function startConnect(c: Ctx, sk: TcpSock, a: Sockaddr): void {
  const { to, route, src } = inetTarget(sk, inetAddr(sk, a), true);
  if (route.type === "broadcast") fail(ENETUNREACH);
  const was = { saddr: sk.saddr, daddr: sk.daddr, dport: sk.dport };
  if (isAny(sk.saddr)) sk.saddr = src;
  sk.daddr = to.ip;
  sk.dport = to.port;
  try {
    connectPort(c, sk);
  } catch (e) {
    Object.assign(sk, was);
    throw e;
  }
  sk.err = 0;
  sk.retries = 0;
  sk.finReceived = sk.finQueued = false;
  sk.sndUna = 0;
  sk.outBase = 1;
  sk.state = TCP_SYN_SENT;
  sk.connecting = true;
  sk.hashConnection();
  sendSyn(sk);
}

/** The attempt has failed: the socket is as before it, but for a port that nobody has asked for. */
function connectFailed(sk: TcpSock): never {
  const e = sk.takeError() || ECONNABORTED;
  sk.connecting = false;
  sk.shutdown = 0;
  const { lastNum } = sk;
  inetDisconnect(sk);
  sk.lastNum = lastNum;
  return fail(e);
}

function connected(sk: TcpSock): undefined {
  sk.connecting = false;
  sk.wasConnected = true;
  return undefined;
}

function connect(c: Ctx, s: Sock, a: Sockaddr, nonblock: boolean): Wait | undefined {
  const sk = s as TcpSock;
  if (a.family === AF_UNSPEC) {
    disconnect(sk);
    return undefined;
  }
  const fresh = c.task.frame === null;
  if (sk.disconnecting) return fail(EINVAL);
  if (sk.connecting) {
    if (sk.state === ST_CLOSE) return connectFailed(sk);
    if (sk.state !== TCP_SYN_SENT && sk.state !== TCP_SYN_RECV) return connected(sk);
    if (fresh && nonblock) return fail(EALREADY);
  } else {
    if (sk.state !== ST_CLOSE || sk.wasConnected) return fail(EISCONN);
    if (sk.err !== 0) return connectFailed(sk);
    startConnect(c, sk, a);
    if (nonblock) return fail(EINPROGRESS);
    if (sk.state === (ST_CLOSE as number)) return connectFailed(sk);
    if (sk.state === (ST_ESTABLISHED as number)) return connected(sk);
  }
  try {
    sockSleep(c, sk.wait, nonblock, sk.sndTimeo);
    c.part("connect", () => ({}));
    return WAIT;
  } catch (e) {
    // the time is over, the attempt goes on
    if (e instanceof Errno && e.nr === EAGAIN) return fail(EINPROGRESS);
    throw e;
  }
}

function disconnect(sk: TcpSock): void {
  if (sk.state === ST_LISTEN) stopListening(sk);
  else if (sk.state !== ST_CLOSE) {
    if (sk.state !== TCP_SYN_SENT) abortConnection(sk);
    else tcpDone(sk);
  }
  sk.state = ST_CLOSE;
  sk.connecting = sk.wasConnected = sk.disconnecting = false;
  sk.shutdown = 0;
  sk.err = 0;
  sk.in.clear();
  inetDisconnect(sk);
}

function stopListening(sk: TcpSock): void {
  for (const child of [...sk.ready, ...sk.halfOpen]) {
    child.orphan = true;
    abortConnection(child);
  }
}

function listen(c: Ctx, s: Sock, backlog: number): void {
  const sk = s as TcpSock;
  if (sk.connecting || sk.wasConnected || sk.disconnecting || (sk.state !== ST_CLOSE && sk.state !== ST_LISTEN))
    fail(EINVAL);
  sk.backlog = backlog;
  if (sk.state === ST_LISTEN) return;
  if (sk.num === 0) {
    const port = sk.st.tcp.free(sk, sk.st.settings.ipLocalPortRange, c.k.net.rng, true, 1);
    if (port === 0) fail(EADDRINUSE);
    sk.hash(port);
  } else {
    sk.state = ST_LISTEN;
    if (sk.st.tcp.conflict(sk, sk.num, true)) {
      sk.state = ST_CLOSE;
      fail(EADDRINUSE);
    }
  }
  sk.state = ST_LISTEN;
}

function accept(c: Ctx, s: Sock, nonblock: boolean): Sock | Wait {
  const sk = s as TcpSock;
  if (sk.state !== ST_LISTEN) return fail(EINVAL);
  const child = sk.ready.shift();
  if (child === undefined) return sockSleep(c, sk.wait, nonblock, sk.rcvTimeo);
  child.listener = null;
  child.wasConnected = true;
  return child;
}

function broken(c: Ctx, sk: TcpSock, flags: number): never {
  const e = sk.takeError() || EPIPE;
  if (e === EPIPE && (flags & MSG_NOSIGNAL) === 0) c.k.signals.sendTask(c.task, SIGPIPE);
  return fail(e);
}

function send(c: Ctx, s: Sock, msg: OutMsg, flags: number): number | Wait {
  const sk = s as TcpSock;
  const fr = c.task.frame as { stream?: { sent: number } } | null;
  let sent = fr?.stream?.sent ?? 0;
  const { data } = msg;
  const nonblock = (flags & MSG_DONTWAIT) !== 0;
  const sleep = (): Wait | number => {
    if (sent > 0 && (nonblock || c.signalPending)) return sent;
    if (!nonblock && c.signalPending) return fail(interrupted(sk.sndTimeo));
    try {
      sockSleep(c, sk.wait, nonblock, sk.sndTimeo);
    } catch (e) {
      if (sent > 0) return sent;
      throw e;
    }
    c.part("stream", () => ({ sent: 0 })).sent = sent;
    return WAIT;
  };
  if (sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV) return sleep();
  for (;;) {
    if (
      sk.err !== 0 ||
      (sk.shutdown & SEND_SHUTDOWN) !== 0 ||
      (sk.state !== ST_ESTABLISHED && sk.state !== TCP_CLOSE_WAIT)
    )
      return sent > 0 ? sent : broken(c, sk, flags);
    if (sent === data.length) return sent;
    const room = sk.sendLimit - sk.out.length;
    if (room <= 0) return sleep();
    const n = Math.min(room, data.length - sent);
    sk.out.push(data.slice(sent, sent + n));
    sent += n;
    push(sk);
  }
}

function recv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as TcpSock;
  if (sk.state === ST_LISTEN) return fail(ENOTCONN);
  const target = lowWater(sk, (flags & MSG_WAITALL) !== 0, len);
  const enough = Math.min(target, Math.floor(sk.rcvbuf / 2));
  if (sk.in.length < enough && len > 0) {
    const over = sk.finReceived || sk.err !== 0 || (sk.shutdown & RCV_SHUTDOWN) !== 0 || sk.state === ST_CLOSE;
    if (!over) {
      const some = sk.in.length > 0;
      if (!some || (flags & (MSG_DONTWAIT | MSG_PEEK)) === 0) {
        if (!(some && c.signalPending))
          try {
            return sockSleep(c, sk.wait, (flags & MSG_DONTWAIT) !== 0, sk.rcvTimeo);
          } catch (e) {
            if (!some) throw e;
          }
      }
    } else if (sk.in.length === 0) {
      if (!sk.finReceived && sk.err !== 0) return fail(sk.takeError());
      if (!sk.finReceived && (sk.shutdown & RCV_SHUTDOWN) === 0) return fail(ENOTCONN);
      if (sk.finReceived) sk.err = 0;
    }
  }
  const peek = (flags & MSG_PEEK) !== 0;
  const n = Math.min(len, sk.in.length);
  const data = peek ? sk.in.peek(0, n) : (flags & MSG_TRUNC) !== 0 ? new Uint8Array(0) : sk.in.take(n);
  if ((flags & MSG_TRUNC) !== 0 && !peek) sk.in.drop(n);
  // the peer is told when the window has opened again
  if (!peek && n > 0 && sk.state === ST_ESTABLISHED && sk.window >= 2 * sk.toldWindow && sk.window > sk.toldWindow)
    acknowledge(sk);
  const got = (flags & MSG_TRUNC) !== 0 ? n : data.length;
  return { data, addr: null, len: got, flags: 0, control: [], fds: null, cred: null };
}

function shutdown(c: Ctx, s: Sock, how: number): void {
  const sk = s as TcpSock;
  if (sk.connecting) {
    sk.connecting = false;
    if (sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV || sk.state === ST_CLOSE) sk.disconnecting = true;
    else sk.wasConnected = true;
  }
  if (sk.state === ST_CLOSE) {
    // it takes effect all the same
    sk.shutdown |= how;
    c.wake(sk.wait, ALL);
    fail(ENOTCONN);
  }
  if (sk.state === ST_LISTEN || sk.state === TCP_SYN_SENT) {
    if (sk.state === ST_LISTEN && (how & RCV_SHUTDOWN) === 0) return;
    const { disconnecting } = sk;
    disconnect(sk);
    sk.disconnecting = disconnecting;
  } else {
    sk.shutdown |= how;
    if ((how & SEND_SHUTDOWN) !== 0) tcpShutdownSend(sk, TCP_FIN_WAIT1, TCP_LAST_ACK);
  }
  c.wake(sk.wait, ALL);
}

function poll(_c: Ctx, s: Sock, pt: PollTable | null): number {
  const sk = s as TcpSock;
  pt?.add(sk.wait);
  if (sk.state === ST_LISTEN) return sk.ready.length > 0 ? POLLIN | POLLRDNORM : 0;
  let mask = sk.err !== 0 ? POLLERR : 0;
  if (sk.shutdown === SHUTDOWN_MASK || sk.state === ST_CLOSE) mask |= POLLHUP;
  if ((sk.shutdown & RCV_SHUTDOWN) !== 0) mask |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV) return mask;
  if (sk.in.length > 0) mask |= POLLIN | POLLRDNORM;
  if ((sk.shutdown & SEND_SHUTDOWN) !== 0 || sk.writable) mask |= POLLOUT | POLLWRNORM;
  return mask;
}

/** The last descriptor is closed: what was written is still sent, in the background. */
function release(sk: TcpSock): void {
  sk.file = null;
  sk.orphan = true;
  if (sk.state === ST_LISTEN) {
    stopListening(sk);
    tcpDone(sk);
    return;
  }
  if (sk.state === ST_CLOSE || sk.state === TCP_SYN_SENT || sk.state === TCP_SYN_RECV) {
    tcpDone(sk);
    return;
  }
  // something was not read, or a linger of no time: the peer learns of it
  if (sk.in.length > 0 || (sk.linger.onoff !== 0 && sk.linger.linger === 0)) {
    abortConnection(sk);
    return;
  }
  sk.shutdown |= RCV_SHUTDOWN;
  tcpShutdownSend(sk, TCP_FIN_WAIT1, TCP_LAST_ACK);
  // it was half closed before
  if (sk.state === TCP_FIN_WAIT2) finWait2(sk);
}

export const tcpOps: ProtoOps = /* @__PURE__ */ new ProtoOps({
  release: (_k, s) => release(s as TcpSock),
  bind: inetBind,
  connect,
  accept,
  listen,
  getname: inetGetname,
  sendmsg: send,
  recvmsg: recv,
  shutdown,
  poll,
  setsockopt: inetSetsockopt,
  getsockopt: inetGetsockopt,
  ioctl(_c, s, request) {
    const sk = s as TcpSock;
    if (request === FIONREAD) return sk.state === ST_LISTEN ? fail(EINVAL) : sk.in.length;
    return request === SIOCOUTQ ? sk.out.length : undefined;
  },
});

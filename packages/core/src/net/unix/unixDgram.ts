/** Sending and receiving datagrams and packets in sequence of AF_UNIX. unix(7), send(2), recv(2). */
import { EAGAIN, ECONNREFUSED, EMSGSIZE, ENOTCONN, EOPNOTSUPP, EPERM, EPIPE } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { MSG_DONTWAIT, MSG_OOB, MSG_PEEK, MSG_TRUNC, SO_PASSCRED, SOCK_SEQPACKET } from "../../abi/socket.js";
import type { Ctx } from "../../kernel/ctx.js";
import type { Wait } from "../../sys/types.js";
import { getFile } from "../../vfs/fileTable.js";
import { countInflight } from "../scm.js";
import {
  datagramCost,
  type InMsg,
  type OutMsg,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  type Sock,
  ST_CLOSE,
  ST_ESTABLISHED,
  sockSleep,
} from "../sock.js";
import { addrOf, autobind, findUnix } from "./unixAddr.js";
import { maySend, unixDisconnected } from "./unixConn.js";
import { attachCred, consumed, inflight, takeFds, UnixMsg, type UnixSock } from "./unixSock.js";

const ALL = 0x7fffffff;
/** What a datagram needs of the buffer beyond its data. */
const OVERHEAD = 32;

export function unixDgramSend(c: Ctx, s: Sock, msg: OutMsg, flags: number): number | Wait {
  const sk = s as UnixSock;
  const seq = sk.type === SOCK_SEQPACKET;
  if (seq && sk.err !== 0) return fail(sk.takeError());
  if (seq && sk.state !== ST_ESTABLISHED) return fail(ENOTCONN);
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  const named = !seq && msg.name !== null;
  if (sk.option(SO_PASSCRED) !== 0 && sk.addr === null) autobind(c, sk);
  const { data } = msg;
  if (data.length > sk.sndbuf - OVERHEAD) return fail(EMSGSIZE);
  if (sk.err !== 0) return fail(sk.takeError());
  if ((sk.shutdown & SEND_SHUTDOWN) !== 0) return fail(EPIPE);
  const nonblock = (flags & MSG_DONTWAIT) !== 0;
  if (sk.wmem >= sk.sndbuf) return sockSleep(c, sk.wait, nonblock, sk.sndTimeo);
  const other = named ? findUnix(c, sk, msg.name as NonNullable<OutMsg["name"]>) : sk.peer;
  if (other === null) return fail(seq ? EPIPE : ENOTCONN);
  if (!maySend(sk, other)) return fail(EPERM);
  if (other.dead) {
    if (seq) return fail(EPIPE);
    sk.peer = null;
    sk.state = ST_CLOSE;
    unixDisconnected(c.k, sk, other);
    return fail(ECONNREFUSED);
  }
  if ((other.shutdown & RCV_SHUTDOWN) !== 0) return fail(EPIPE);
  if (other.peer !== sk && other.full) return sockSleep(c, other.peerWait, nonblock, sk.sndTimeo);
  const fds = msg.fds.length > 0 ? msg.fds : null;
  if (fds !== null) countInflight(c, c.task.cred, fds.length);
  const m = new UnixMsg(data.slice(), sk, datagramCost(data.length), sk.addr, fds);
  if (fds !== null) {
    m.uid = c.task.cred.uid;
    inflight(c.k, fds, 1);
    msg.fds = [];
  }
  attachCred(c, m, sk, other, msg.cred);
  other.queue.push(m);
  c.wake(other.wait, 1);
  return data.length;
}

export function unixDgramRecv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as UnixSock;
  const seq = sk.type === SOCK_SEQPACKET;
  if (seq && sk.state !== ST_ESTABLISHED) return fail(ENOTCONN);
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  const m = sk.queue[0];
  if (m === undefined) {
    if (sk.err !== 0) return fail(sk.takeError());
    const nonblock = (flags & MSG_DONTWAIT) !== 0;
    // without waiting only packets in sequence know of their end
    if ((sk.shutdown & RCV_SHUTDOWN) !== 0) {
      if (nonblock && !seq) return fail(EAGAIN);
      return { data: new Uint8Array(0), addr: null, len: 0, flags: 0, control: [], fds: null, cred: null };
    }
    return sockSleep(c, sk.wait, nonblock, sk.rcvTimeo);
  }
  const peek = (flags & MSG_PEEK) !== 0;
  const whole = len >= m.data.length;
  const out: InMsg = {
    data: whole && !peek ? m.data : m.data.slice(0, len),
    addr: m.from === null ? null : addrOf(m.from),
    len: m.data.length,
    flags: whole ? 0 : MSG_TRUNC,
    control: [],
    fds: null,
    cred: m.cred,
  };
  if (peek) {
    if (m.fds !== null) out.fds = m.fds.map(getFile);
    return out;
  }
  sk.queue.shift();
  consumed(c.k, m);
  out.fds = takeFds(c.k, m);
  c.wake(sk.peerWait, ALL);
  return out;
}

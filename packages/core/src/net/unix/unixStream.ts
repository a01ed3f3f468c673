/** Sending and receiving on a stream of AF_UNIX. unix(7), send(2), recv(2). */
import { EINVAL, EISCONN, ENOTCONN, EOPNOTSUPP, EPIPE } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { SIGPIPE } from "../../abi/signal.js";
import { MSG_DONTWAIT, MSG_NOSIGNAL, MSG_OOB, MSG_PEEK, MSG_WAITALL, SO_PASSCRED } from "../../abi/socket.js";
import type { Ctx } from "../../kernel/ctx.js";
import { WAIT, type Wait } from "../../sys/types.js";
import type { OpenFile } from "../../vfs/file.js";
import { getFile } from "../../vfs/fileTable.js";
import { countInflight, type ScmCred } from "../scm.js";
import {
  type InMsg,
  interrupted,
  lowWater,
  type OutMsg,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  type Sock,
  ST_ESTABLISHED,
  STREAM_CHUNK,
  sockSleep,
  streamCost,
} from "../sock.js";
import { attachCred, consumed, inflight, takeFds, UnixMsg, type UnixSock } from "./unixSock.js";

/** What a call has done before it went to sleep. */
interface Progress {
  sent: number;
}

export function unixStreamSend(c: Ctx, s: Sock, msg: OutMsg, flags: number): number | Wait {
  const sk = s as UnixSock;
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  if (msg.name !== null) return fail(sk.state === ST_ESTABLISHED ? EISCONN : EOPNOTSUPP);
  const other = sk.peer;
  const fr = c.task.frame as { stream?: Progress } | null;
  let sent = fr?.stream?.sent ?? 0;
  // the peer may have gone while this slept
  if (other === null && fr?.stream === undefined) return fail(ENOTCONN);
  const { data } = msg;
  while (sent < data.length || (sk.shutdown & SEND_SHUTDOWN) !== 0) {
    if (other === null || (sk.shutdown & SEND_SHUTDOWN) !== 0 || other.dead || (other.shutdown & RCV_SHUTDOWN) !== 0)
      return sent > 0 ? sent : brokenPipe(c, flags);
    if (sk.err !== 0 && sent === 0) return fail(sk.takeError());
    if (sk.wmem >= sk.sndbuf) {
      const nonblock = (flags & MSG_DONTWAIT) !== 0;
      if (sent > 0 && (nonblock || c.signalPending)) return sent;
      if (c.signalPending && !nonblock) return fail(interrupted(sk.sndTimeo));
      try {
        sockSleep(c, sk.wait, nonblock, sk.sndTimeo);
        c.part("stream", () => ({ sent: 0 })).sent = sent;
        return WAIT;
      } catch (e) {
        if (sent > 0) return sent;
        throw e;
      }
    }
    const n = Math.min(data.length - sent, (sk.sndbuf >> 1) - 64, STREAM_CHUNK);
    const first = sent === 0 && msg.fds.length > 0;
    if (first) countInflight(c, c.task.cred, msg.fds.length);
    const m = new UnixMsg(data.slice(sent, sent + n), sk, streamCost(n), sk.addr, first ? msg.fds : null);
    if (first) {
      m.uid = c.task.cred.uid;
      inflight(c.k, msg.fds, 1);
      msg.fds = [];
    }
    attachCred(c, m, sk, other, msg.cred);
    other.queue.push(m);
    sent += n;
    c.wake(other.wait, 1);
  }
  return sent;
}

export function brokenPipe(c: Ctx, flags: number): never {
  if ((flags & MSG_NOSIGNAL) === 0) c.k.signals.sendTask(c.task, SIGPIPE);
  return fail(EPIPE);
}

const sameCred = (a: ScmCred | null, b: ScmCred | null): boolean =>
  a === b || (a !== null && b !== null && a.pid === b.pid && a.uid === b.uid && a.gid === b.gid);

interface Gathered {
  chunks: Uint8Array[];
  n: number;
}

export function unixStreamRecv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as UnixSock;
  if (sk.state !== ST_ESTABLISHED) return fail(EINVAL);
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  const peek = (flags & MSG_PEEK) !== 0;
  const target = lowWater(sk, (flags & MSG_WAITALL) !== 0, len);
  const fr = c.task.frame as { gathered?: Gathered } | null;
  const got: Gathered = fr?.gathered ?? { chunks: [], n: 0 };
  let fds: OpenFile[] | null = null;
  let cred: ScmCred | null = null;
  let checkCred = false;
  let at = 0;
  while (got.n < len) {
    const m = sk.queue[at];
    if (m === undefined) {
      if (got.n >= target) break;
      if (sk.err !== 0) {
        if (got.n > 0) break;
        return fail(sk.takeError());
      }
      if ((sk.shutdown & RCV_SHUTDOWN) !== 0) break;
      if (peek && got.n > 0) break;
      try {
        sockSleep(c, sk.wait, (flags & MSG_DONTWAIT) !== 0, sk.rcvTimeo);
        if (got.n > 0) c.part("gathered", () => got);
        return WAIT;
      } catch (e) {
        if (got.n > 0) break;
        throw e;
      }
    }
    if (checkCred && !sameCred(m.cred, cred)) break;
    if (!checkCred && sk.option(SO_PASSCRED) !== 0) {
      cred = m.cred;
      checkCred = true;
    }
    const n = Math.min(m.left, len - got.n);
    got.chunks.push(n === m.data.length ? m.data : m.data.subarray(m.offset, m.offset + n));
    got.n += n;
    if (peek) {
      if (m.fds !== null) {
        fds = m.fds.map(getFile);
        break;
      }
      at++;
      continue;
    }
    m.offset += n;
    if (m.fds !== null) fds = takeFds(c.k, m);
    if (m.left > 0) break;
    sk.queue.shift();
    consumed(c.k, m);
    if (fds !== null) break;
  }
  return { data: joined(got, peek), addr: null, len: got.n, flags: 0, control: [], fds, cred };
}

/** One array of the pieces; of a peek a copy, as the bytes stay where they are. */
function joined({ chunks, n }: Gathered, copy: boolean): Uint8Array {
  if (chunks.length === 1 && !copy) return chunks[0];
  const out = new Uint8Array(n);
  let at = 0;
  for (const p of chunks) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

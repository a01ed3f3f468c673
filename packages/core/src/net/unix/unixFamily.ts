/** AF_UNIX as a family: which types it has, their tables, poll(2), ioctl(2), /proc/net/unix. unix(7). */

import { EINVAL, EPROTONOSUPPORT, ESOCKTNOSUPPORT } from "../../abi/errno.js";
import { fail } from "../../abi/errors.js";
import { FIONREAD } from "../../abi/ioctl.js";
import { POLLERR, POLLHUP, POLLIN, POLLOUT, POLLRDHUP, POLLRDNORM, POLLWRBAND, POLLWRNORM } from "../../abi/poll.js";
import { AF_UNIX, SIOCOUTQ, SOCK_DGRAM, SOCK_RAW, SOCK_SEQPACKET, SOCK_STREAM } from "../../abi/socket.js";
import type { Ctx } from "../../kernel/ctx.js";
import { extend } from "../../lib/extend.js";
import type { PollTable } from "../../vfs/file.js";
import type { SocketFamily } from "../net.js";
import type { NetNamespace } from "../netNamespace.js";
import {
  ProtoOps,
  type ProtoOpsInit,
  RCV_SHUTDOWN,
  SHUTDOWN_MASK,
  type Sock,
  ST_CLOSE,
  ST_ESTABLISHED,
  ST_LISTEN,
} from "../sock.js";
import { unixBind } from "./unixAddr.js";
import { unixAccept, unixConnect, unixGetname, unixListen, unixPair, unixRelease, unixShutdown } from "./unixConn.js";
import { unixDgramRecv, unixDgramSend } from "./unixDgram.js";
import { UnixSock } from "./unixSock.js";
import { unixStreamRecv, unixStreamSend } from "./unixStream.js";

function poll(_c: Ctx, s: Sock, pt: PollTable | null): number {
  const sk = s as UnixSock;
  pt?.add(sk.wait);
  let mask = sk.err !== 0 ? POLLERR : 0;
  if (sk.shutdown === SHUTDOWN_MASK) mask |= POLLHUP;
  if ((sk.shutdown & RCV_SHUTDOWN) !== 0) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
  if (sk.queue.length > 0 || sk.pending.length > 0) mask |= POLLIN | POLLRDNORM;
  if (sk.connected && sk.state === ST_CLOSE) mask |= POLLHUP;
  let writable = sk.writable && sk.state !== ST_LISTEN;
  const { peer } = sk;
  if (writable && sk.type !== SOCK_STREAM && peer !== null && peer.peer !== sk && !peer.dead && peer.full) {
    pt?.add(peer.peerWait);
    writable = false;
  }
  return writable ? mask | POLLOUT | POLLWRNORM | POLLWRBAND : mask;
}

function ioctl(_c: Ctx, s: Sock, request: number): number | undefined {
  const sk = s as UnixSock;
  if (request === SIOCOUTQ) return sk.wmem;
  if (request !== FIONREAD) return undefined;
  if (sk.state === ST_LISTEN) return fail(EINVAL);
  if (sk.type === SOCK_DGRAM) return sk.queue[0]?.data.length ?? 0;
  let n = 0;
  for (const m of sk.queue) n += m.left;
  return n;
}

function showFdinfo(s: Sock): string {
  const sk = s as UnixSock;
  let n = 0;
  for (const m of sk.queue) n += m.fds?.length ?? 0;
  return `scm_fds: ${n}\n`;
}

const common: ProtoOpsInit = {
  release: unixRelease,
  bind: (c, sk, a) => unixBind(c, sk as UnixSock, a),
  connect: unixConnect,
  accept: unixAccept,
  listen: unixListen,
  getname: unixGetname,
  shutdown: unixShutdown,
  socketpair: unixPair,
  poll,
  ioctl,
  showFdinfo,
};

export const unixStreamOps: ProtoOps = /* @__PURE__ */ new ProtoOps(
  /* @__PURE__ */ extend(common, { sendmsg: unixStreamSend, recvmsg: unixStreamRecv }),
);
export const unixDgramOps: ProtoOps = /* @__PURE__ */ new ProtoOps(
  /* @__PURE__ */ extend(common, { sendmsg: unixDgramSend, recvmsg: unixDgramRecv }),
);

export const unixFamily: SocketFamily = {
  family: AF_UNIX,
  create(c, net, type, protocol) {
    if (protocol !== 0 && protocol !== AF_UNIX) return fail(EPROTONOSUPPORT);
    if (type === SOCK_STREAM) return new UnixSock(c, net, AF_UNIX, type, unixStreamOps);
    if (type === SOCK_SEQPACKET) return new UnixSock(c, net, AF_UNIX, type, unixDgramOps);
    if (type === SOCK_DGRAM || type === SOCK_RAW) return new UnixSock(c, net, AF_UNIX, SOCK_DGRAM, unixDgramOps);
    return fail(ESOCKTNOSUPPORT);
  },
};

const hex = (n: number, digits: number): string => n.toString(16).toUpperCase().padStart(digits, "0");
const ACCEPTCON = 0x10000;

/** /proc/net/unix of a namespace; addresses are hidden. */
export function procUnix(net: NetNamespace): string {
  let out = "Num       RefCount Protocol Flags    Type St Inode Path\n";
  for (const s of net.unixSocks) {
    const refs = hex(s.peer === null ? 2 : 3, 8);
    const state = s.state === ST_ESTABLISHED ? (s.file === null ? 2 : 3) : 1;
    const flags = hex(s.state === ST_LISTEN ? ACCEPTCON : 0, 8);
    const ino = String(s.file === null ? 0 : s.file.inode.ino).padStart(5);
    const name = s.addr === null ? "" : ` ${s.addr.name.replaceAll("\0", "@")}`;
    out += `${hex(0, 16)}: ${refs} ${hex(0, 8)} ${flags} ${hex(s.type, 4)} ${hex(state, 2)} ${ino}${name}\n`;
  }
  return out;
}

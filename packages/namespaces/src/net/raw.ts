/** Raw sockets of IPv4 and IPv6, and the ping sockets of ICMP. raw(7), icmp(7). */
import {
  AF_UNSPEC,
  type Ctx,
  datagramCost,
  EADDRNOTAVAIL,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENOTCONN,
  fail,
  type InMsg,
  MSG_DONTWAIT,
  MSG_PEEK,
  MSG_TRUNC,
  type OutMsg,
  ProtoOps,
  putNs,
  SOCK_DGRAM,
  type Sock,
  type Sockaddr,
  ST_CLOSE,
  ST_ESTABLISHED,
  sockSleep,
  type Wait,
} from "@kernelkit/core";
import { checksum } from "./icmp.js";
import {
  type InetAddr,
  InetSock,
  inetAddr,
  inetDisconnect,
  inetGetname,
  inetGetsockopt,
  inetSetsockopt,
  shownAddr,
} from "./inetSock.js";
import { isAny, isMulticast, isV4 } from "./ip.js";
import { IPPROTO_ICMP, IPPROTO_ICMPV6, Packet } from "./packet.js";
import { Datagram, datagramPoll, inetTarget } from "./udp.js";

const IP_HEADER = 20;
const MAX_PACKET = 65535;
const ICMP_ECHO = 8;

export class RawSock extends InetSock {
  readonly queue: Datagram[] = [];

  /** A packet has come in: is it for this socket? */
  offer(p: Packet): boolean {
    if (p.proto !== this.protocol || p.about !== null) return false;
    if (isV4(p.dst) ? !this.takes4 : !this.takes6) return false;
    if (!isAny(this.saddr) && this.saddr !== p.dst) return false;
    if (this.state === ST_ESTABLISHED && this.daddr !== p.src) return false;
    // ping sockets see replies to their own requests
    const ping = this.type === SOCK_DGRAM;
    if (ping && (p.icmpType === ICMP_ECHO || ((p.data[4] << 8) | p.data[5]) !== this.num)) return false;
    const data = isV4(p.src) && !ping ? withHeader(p) : p.data;
    const cost = datagramCost(data.length);
    if (this.rmem > this.rcvbuf) return true;
    this.rmem += cost;
    this.queue.push(new Datagram(data, p.src, 0, cost));
    this.st.inet.k.sched.wakeUp(this.wait);
    return true;
  }
}

/** The packet with its header of IPv4 in front. */
function withHeader(p: Packet): Uint8Array {
  const out = new Uint8Array(IP_HEADER + p.data.length);
  const v = new DataView(out.buffer);
  v.setUint8(0, 0x45);
  v.setUint8(1, p.tos);
  v.setUint16(2, out.length);
  v.setUint16(4, p.id);
  v.setUint16(6, p.df ? 0x4000 : 0);
  v.setUint8(8, p.ttl);
  v.setUint8(9, p.proto);
  v.setUint32(12, Number(p.src));
  v.setUint32(16, Number(p.dst));
  v.setUint16(10, checksum(out.subarray(0, IP_HEADER)));
  out.set(p.data, IP_HEADER);
  return out;
}

/** A number for a ping socket's requests. */
function pingNumber(c: Ctx, sk: RawSock): void {
  while (sk.num === 0 || sk.st.raw.some((o) => o !== sk && o.type === SOCK_DGRAM && o.num === sk.num))
    sk.num = 1 + c.k.net.rng.below(0xffff);
}

function send(c: Ctx, s: Sock, msg: OutMsg): number {
  const sk = s as RawSock;
  const { data } = msg;
  if (data.length > MAX_PACKET) return fail(EMSGSIZE);
  let to: InetAddr;
  if (msg.name !== null && msg.name.family !== AF_UNSPEC) to = inetAddr(sk, msg.name);
  else if (sk.state === ST_ESTABLISHED) to = { ip: sk.daddr, port: 0, scopeId: 0 };
  else return fail(EDESTADDRREQ);
  const t = inetTarget(sk, to, false);
  const icmp = sk.protocol === IPPROTO_ICMP || sk.protocol === IPPROTO_ICMPV6;
  const bytes = data.slice();
  if (sk.type === SOCK_DGRAM) {
    // only requests, with the socket's own number
    if (bytes.length < 8 || (bytes[0] !== ICMP_ECHO && bytes[0] !== 128) || bytes[1] !== 0) return fail(EINVAL);
    pingNumber(c, sk);
    bytes[4] = sk.num >>> 8;
    bytes[5] = sk.num & 0xff;
    bytes[2] = bytes[3] = 0;
    const sum = checksum(bytes);
    bytes[2] = sum >>> 8;
    bytes[3] = sum & 0xff;
  }
  const p = new Packet(sk.protocol, t.src, t.to.ip, bytes);
  p.df = false;
  p.ttl = sk.ttl || sk.st.settings.ipDefaultTtl;
  if (icmp) {
    p.icmpType = bytes[0] ?? 0;
    p.icmpCode = bytes[1] ?? 0;
  }
  const e = sk.st.inet.output(sk.st, p, t.route);
  return e === 0 ? data.length : fail(e);
}

function recv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as RawSock;
  const m = sk.queue[0];
  if (m === undefined) {
    if (sk.err !== 0) return fail(sk.takeError());
    return sockSleep(c, sk.wait, (flags & MSG_DONTWAIT) !== 0, sk.rcvTimeo);
  }
  if ((flags & MSG_PEEK) === 0) {
    sk.queue.shift();
    sk.rmem -= m.cost;
  }
  return {
    data: m.data.slice(0, len),
    addr: shownAddr(sk, m.ip, m.port),
    len: m.data.length,
    flags: len < m.data.length ? MSG_TRUNC : 0,
    control: [],
    fds: null,
    cred: null,
  };
}

function bind(c: Ctx, s: Sock, a: Sockaddr): void {
  const sk = s as RawSock;
  const { ip, port } = inetAddr(sk, a);
  if (sk.state !== ST_CLOSE) fail(EINVAL);
  if (!isAny(ip) && !isMulticast(ip) && !sk.st.fib.isLocal(ip)) fail(EADDRNOTAVAIL);
  sk.saddr = ip;
  sk.addrLock = !isAny(ip);
  if (sk.type !== SOCK_DGRAM) return;
  sk.num = port;
  pingNumber(c, sk);
}

export const rawOps: ProtoOps = /* @__PURE__ */ new ProtoOps({
  release(_k, s) {
    const sk = s as RawSock;
    const { raw } = sk.st;
    raw.splice(raw.indexOf(sk), 1);
    sk.st.socks.delete(sk);
    putNs(sk.net);
  },
  bind,
  connect(_c, s, a) {
    const sk = s as RawSock;
    if (a.family === AF_UNSPEC) {
      sk.portLock = true;
      inetDisconnect(sk);
      sk.state = ST_CLOSE;
      return undefined;
    }
    const { to, src } = inetTarget(sk, inetAddr(sk, a), true);
    if (isAny(sk.saddr)) sk.saddr = src;
    sk.daddr = to.ip;
    sk.dport = to.port || 1;
    sk.state = ST_ESTABLISHED;
    return undefined;
  },
  getname: inetGetname,
  sendmsg: send,
  recvmsg: recv,
  shutdown(_c, s, how) {
    s.shutdown |= how;
    if (s.state !== ST_ESTABLISHED) fail(ENOTCONN);
  },
  poll: (_c, s, pt) => datagramPoll(s, (s as RawSock).queue.length > 0, pt),
  setsockopt: inetSetsockopt,
  getsockopt: inetGetsockopt,
});

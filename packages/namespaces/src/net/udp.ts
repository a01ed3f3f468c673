/** UDP: datagrams between ports. udp(7). */
import {
  AF_UNSPEC,
  type Ctx,
  datagramCost,
  EACCES,
  ECONNREFUSED,
  EDESTADDRREQ,
  EINVAL,
  EMSGSIZE,
  ENETUNREACH,
  ENOTCONN,
  EOPNOTSUPP,
  EPIPE,
  FIONREAD,
  fail,
  type InMsg,
  MSG_DONTWAIT,
  MSG_OOB,
  MSG_PEEK,
  MSG_TRUNC,
  type OutMsg,
  POLLERR,
  POLLHUP,
  POLLIN,
  POLLOUT,
  POLLRDHUP,
  POLLRDNORM,
  POLLWRBAND,
  POLLWRNORM,
  type PollTable,
  ProtoOps,
  putNs,
  RCV_SHUTDOWN,
  SEND_SHUTDOWN,
  SHUTDOWN_MASK,
  SIOCOUTQ,
  SO_BROADCAST,
  SO_REUSEPORT,
  type Sock,
  type Sockaddr,
  ST_CLOSE,
  ST_ESTABLISHED,
  sockSleep,
  type Wait,
} from "@kernelkit/core";
import { Route, RT_TABLE_LOCAL, RTPROT_KERNEL } from "./fib.js";
import { ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP_PROT_UNREACH, type Protocol } from "./inet.js";
import {
  type InetAddr,
  InetSock,
  inetAddr,
  inetAutobind,
  inetBind,
  inetDisconnect,
  inetGetname,
  inetGetsockopt,
  inetSetsockopt,
  shownAddr,
} from "./inetSock.js";
import { IN6ADDR_LOOPBACK, INADDR_BROADCAST, INADDR_LOOPBACK, type Ip, isAny, isMulticast, isV4, width } from "./ip.js";
import type { NetState } from "./netState.js";
import { IPPROTO_UDP, Packet } from "./packet.js";

/** Bytes that fit into a packet behind the headers. */
const MAX_DATA_4 = 65507;
const MAX_DATA_6 = 65527;

/** A datagram that waits. */
export class Datagram {
  constructor(
    readonly data: Uint8Array,
    readonly ip: Ip,
    readonly port: number,
    readonly cost: number,
  ) {}
}

export class UdpSock extends InetSock {
  readonly queue: Datagram[] = [];
  /** Datagrams for which there was no room. */
  drops = 0;
}

/** Where a socket's datagrams go, and from. */
interface Target {
  to: InetAddr;
  route: Route;
  src: Ip;
}

/**
 * ENETUNREACH; EACCES a broadcast that was not asked for. To no address at all is to oneself: connect(2) asks whether the loopback
 * device is up, sending does not.
 */
export function inetTarget(sk: InetSock, to: InetAddr, connecting: boolean): Target {
  const { st } = sk;
  if (isAny(to.ip)) {
    const loopback = isV4(to.ip) ? INADDR_LOOPBACK : IN6ADDR_LOOPBACK;
    const bound = !isAny(sk.saddr) && isV4(sk.saddr) === isV4(to.ip);
    const ip = bound && !connecting ? sk.saddr : loopback;
    if (connecting && !st.loopback.up) fail(ENETUNREACH);
    const route = new Route(RT_TABLE_LOCAL, "local", ip, width(ip), st.loopback, null, ip, 0, RTPROT_KERNEL);
    return { to: { ...to, ip }, route, src: bound ? sk.saddr : ip };
  }
  const route = st.inet.route(st, to.ip, sk.boundDev || to.scopeId);
  const cast = route.type === "broadcast" || to.ip === INADDR_BROADCAST;
  if (cast && sk.option(SO_BROADCAST) === 0) return fail(EACCES);
  return { to, route, src: isAny(sk.saddr) ? st.inet.source(route, to.ip) : sk.saddr };
}

function connect(c: Ctx, s: Sock, a: Sockaddr): undefined {
  const sk = s as UdpSock;
  if (a.family === AF_UNSPEC) {
    inetDisconnect(sk);
    sk.state = ST_CLOSE;
    return undefined;
  }
  inetAutobind(c, sk);
  const { to, src } = inetTarget(sk, inetAddr(sk, a), true);
  if (isAny(sk.saddr)) sk.saddr = src;
  sk.daddr = to.ip;
  sk.dport = to.port;
  sk.state = ST_ESTABLISHED;
  return undefined;
}

function send(c: Ctx, s: Sock, msg: OutMsg, flags: number): number {
  const sk = s as UdpSock;
  inetAutobind(c, sk);
  const { data } = msg;
  if (data.length > (isV4(sk.daddr) ? MAX_DATA_4 : MAX_DATA_6)) return fail(EMSGSIZE);
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  let to: InetAddr;
  if (msg.name !== null && msg.name.family !== AF_UNSPEC) {
    to = inetAddr(sk, msg.name);
    if (to.port === 0) return fail(EINVAL);
  } else {
    if (sk.state !== ST_ESTABLISHED) return fail(EDESTADDRREQ);
    to = { ip: sk.daddr, port: sk.dport, scopeId: 0 };
  }
  if (isV4(to.ip) && data.length > MAX_DATA_4) return fail(EMSGSIZE);
  const t = inetTarget(sk, to, false);
  if (sk.err !== 0) return fail(sk.takeError());
  if ((sk.shutdown & SEND_SHUTDOWN) !== 0) return fail(EPIPE);
  const p = new Packet(IPPROTO_UDP, t.src, t.to.ip, data.slice());
  p.sport = sk.num;
  p.dport = to.port;
  p.ttl = sk.ttl || sk.st.settings.ipDefaultTtl;
  const e = sk.st.inet.output(sk.st, p, t.route);
  return e === 0 ? data.length : fail(e);
}

function recv(c: Ctx, s: Sock, len: number, flags: number): InMsg | Wait {
  const sk = s as UdpSock;
  if ((flags & MSG_OOB) !== 0) return fail(EOPNOTSUPP);
  const m = sk.queue[0];
  if (m === undefined) {
    if (sk.err !== 0) return fail(sk.takeError());
    const nonblock = (flags & MSG_DONTWAIT) !== 0;
    if ((sk.shutdown & RCV_SHUTDOWN) !== 0 && !nonblock)
      return { data: new Uint8Array(0), addr: null, len: 0, flags: 0, control: [], fds: null, cred: null };
    return sockSleep(c, sk.wait, nonblock, sk.rcvTimeo);
  }
  const peek = (flags & MSG_PEEK) !== 0;
  if (!peek) {
    sk.queue.shift();
    sk.rmem -= m.cost;
  }
  const whole = len >= m.data.length;
  return {
    data: whole && !peek ? m.data : m.data.slice(0, len),
    addr: shownAddr(sk, m.ip, m.port),
    len: m.data.length,
    flags: whole ? 0 : MSG_TRUNC,
    control: [],
    fds: null,
    cred: null,
  };
}

export function datagramPoll(sk: Sock, waiting: boolean, pt: PollTable | null): number {
  pt?.add(sk.wait);
  let mask = POLLOUT | POLLWRNORM | POLLWRBAND;
  if (sk.err !== 0) mask |= POLLERR;
  if ((sk.shutdown & RCV_SHUTDOWN) !== 0) mask |= POLLRDHUP | POLLIN | POLLRDNORM;
  if (sk.shutdown === SHUTDOWN_MASK) mask |= POLLHUP;
  return waiting ? mask | POLLIN | POLLRDNORM : mask;
}

export const udpOps: ProtoOps = /* @__PURE__ */ new ProtoOps({
  release(_k, s) {
    const sk = s as UdpSock;
    sk.unhash();
    sk.st.socks.delete(sk);
    sk.queue.length = 0;
    putNs(sk.net);
  },
  bind: inetBind,
  connect,
  getname: inetGetname,
  sendmsg: send,
  recvmsg: recv,
  shutdown(c, s, how) {
    s.shutdown |= how;
    c.wake(s.wait, 0x7fffffff);
    if (s.state !== ST_ESTABLISHED) fail(ENOTCONN);
  },
  poll: (_c, s, pt) => datagramPoll(s, (s as UdpSock).queue.length > 0, pt),
  setsockopt: inetSetsockopt,
  getsockopt: inetGetsockopt,
  ioctl(_c, s, request) {
    if (request === FIONREAD) return (s as UdpSock).queue[0]?.data.length ?? 0;
    return request === SIOCOUTQ ? 0 : undefined;
  },
});

/** How well a socket fits a packet; -1: not at all. */
function score(sk: InetSock, p: Packet, ifindex: number): number {
  if (isV4(p.dst) ? !sk.takes4 : !sk.takes6) return -1;
  let n = 0;
  if (!isAny(sk.saddr)) {
    if (sk.saddr !== p.dst) return -1;
    n += 4;
  }
  if (sk.state === ST_ESTABLISHED) {
    if (sk.daddr !== p.src || sk.dport !== p.sport) return -1;
    n += 8;
  }
  if (sk.boundDev !== 0) {
    if (sk.boundDev !== ifindex) return -1;
    n += 4;
  }
  return n;
}

/** The socket a packet is for: the best fit, of equal ones the last bound, or (SO_REUSEPORT) one by the sender's numbers. */
function receiver(st: NetState, p: Packet, ifindex: number): UdpSock | null {
  let best: UdpSock[] = [];
  let most = -1;
  for (const sk of st.udp.at(p.dport)) {
    const n = score(sk, p, ifindex);
    if (n < 0 || n < most) continue;
    if (n > most) best = [];
    most = n;
    best.push(sk as UdpSock);
  }
  if (best.length === 0) return null;
  const shared = best.filter((sk) => sk.option(SO_REUSEPORT) !== 0);
  return shared.length > 1 ? shared[p.sport % shared.length] : best[best.length - 1];
}

function queueDatagram(st: NetState, sk: UdpSock, p: Packet): void {
  const cost = datagramCost(p.data.length);
  if (sk.rmem > sk.rcvbuf || (sk.shutdown & RCV_SHUTDOWN) !== 0) {
    sk.drops++;
    return;
  }
  sk.rmem += cost;
  sk.queue.push(new Datagram(p.data, p.src, p.sport, cost));
  st.inet.k.sched.wakeUp(sk.wait);
}

export const udpProtocol: Protocol = {
  receive(st, p, dev) {
    if (isMulticast(p.dst) || p.dst === INADDR_BROADCAST || st.fib.lookup(p.dst)?.type === "broadcast") {
      // everybody with that port gets it
      for (const sk of st.udp.at(p.dport)) if (isAny(sk.saddr)) queueDatagram(st, sk as UdpSock, p);
      return true;
    }
    const sk = receiver(st, p, dev.ifindex);
    if (sk === null) return false;
    queueDatagram(st, sk, p);
    return true;
  },
  error(st, about, type, code) {
    if (type !== ICMP_DEST_UNREACH || (code !== ICMP_PORT_UNREACH && code !== ICMP_PROT_UNREACH)) return;
    for (const sk of st.udp.at(about.sport))
      if (sk.state === ST_ESTABLISHED && sk.daddr === about.dst && sk.dport === about.dport) {
        sk.err = ECONNREFUSED;
        st.inet.k.sched.wakeUp(sk.wait, 0x7fffffff);
      }
  },
};

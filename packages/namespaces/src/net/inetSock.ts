/** Sockets of AF_INET and AF_INET6: addresses and ports, binding, names, options. ip(7), ipv6(7). */
import {
  AF_INET,
  AF_INET6,
  AF_UNSPEC,
  CAP_NET_BIND_SERVICE,
  type Ctx,
  EACCES,
  EADDRINUSE,
  EADDRNOTAVAIL,
  EAFNOSUPPORT,
  EAGAIN,
  EINVAL,
  ENOPROTOOPT,
  ENOTCONN,
  EOPNOTSUPP,
  fail,
  IP_TTL,
  IPPROTO_IP,
  IPPROTO_IPV6,
  IPPROTO_TCP,
  IPV6_V6ONLY,
  int,
  nsCapable,
  type ProtoOps,
  SOCK_STREAM,
  Sock,
  type Sockaddr,
  type SockoptValue,
  ST_CLOSE,
  TCP_NODELAY,
  text,
} from "@kernelkit/core";
import {
  anyOf,
  formatIp,
  IN6ADDR_ANY,
  INADDR_ANY,
  INADDR_BROADCAST,
  type Ip,
  isAny,
  isLinkLocal6,
  isMulticast,
  isV4,
  mapped,
  parseIp4,
  parseIp6,
  unmapped,
} from "./ip.js";
import type { NetState } from "./netState.js";
import type { PortTable } from "./ports.js";

export interface InetAddr {
  ip: Ip;
  port: number;
  scopeId: number;
}

export class InetSock extends Sock {
  /** Own address (any: all) and port (0: none). */
  saddr: Ip;
  num = 0;
  /** The last port it had: what getsockname(2) goes on showing. */
  lastNum = 0;
  /** The peer's. */
  daddr: Ip;
  dport = 0;
  /** The port was asked for by bind(2), the address too. */
  portLock = false;
  addrLock = false;
  v6only: boolean;
  ttl = 0;

  constructor(
    readonly st: NetState,
    uid: number,
    family: number,
    type: number,
    protocol: number,
    ops: ProtoOps,
  ) {
    super(st.inet.k, uid, st.net, family, type, protocol, ops);
    this.saddr = this.daddr = family === AF_INET ? INADDR_ANY : IN6ADDR_ANY;
    this.v6only = family === AF_INET6 && this.st.settings.bindv6only !== 0;
    this.st.socks.add(this);
  }

  get stream(): boolean {
    return this.type === SOCK_STREAM;
  }
  get ports(): PortTable {
    return this.stream ? this.st.tcp : this.st.udp;
  }
  /** Does it get packets of IPv4, of IPv6? */
  get takes4(): boolean {
    return isV4(this.saddr) || (isAny(this.saddr) && !this.v6only);
  }
  get takes6(): boolean {
    return !isV4(this.saddr);
  }

  /** It has a port from now on. */
  hash(port: number): void {
    this.num = port;
    this.ports.add(this);
  }
  unhash(): void {
    if (this.num === 0) return;
    this.ports.remove(this);
    this.lastNum = this.num;
    this.num = 0;
  }
}

/** An address for a socket of IPv4 or IPv6. EAFNOSUPPORT another family, EINVAL a scope that is missing. */
export function inetAddr(sk: InetSock, a: Sockaddr): InetAddr {
  const port = int(a.port ?? 0, "addr.port") & 0xffff;
  const name = text(a.addr ?? (a.family === AF_INET ? "0.0.0.0" : "::"), "addr.addr");
  if (sk.family === AF_INET && a.family === AF_INET) {
    const ip = parseIp4(name);
    if (ip === null) throw new TypeError(`addr.addr: must be an IPv4 address, not ${JSON.stringify(name)}`);
    return { ip, port, scopeId: 0 };
  }
  if (sk.family === AF_INET6 && (a.family === AF_INET6 || a.family === AF_INET)) {
    const ip = a.family === AF_INET6 ? parseIp6(name) : parseIp4(name);
    if (ip === null) throw new TypeError(`addr.addr: must be an IPv6 address, not ${JSON.stringify(name)}`);
    return { ip: unmapped(ip), port, scopeId: int(a.scopeId ?? 0, "addr.scopeId") };
  }
  return fail(EAFNOSUPPORT);
}

export function shownAddr(sk: InetSock, ip: Ip, port: number): Sockaddr {
  if (sk.family === AF_INET) return { family: AF_INET, addr: formatIp(ip), port };
  return { family: AF_INET6, addr: formatIp(isAny(ip) ? IN6ADDR_ANY : mapped(ip)), port, scopeId: 0, flowinfo: 0 };
}

/** May the socket be bound to the address? Broadcast and multicast addresses may, others must be the machine's. */
function bindable(sk: InetSock, ip: Ip): boolean {
  const { fib, settings } = sk.st;
  if (isAny(ip) || isMulticast(ip)) return true;
  if (!isV4(ip)) return settings.ipv6NonlocalBind !== 0 || fib.isLocal(ip);
  if (settings.ipNonlocalBind !== 0 || ip === INADDR_BROADCAST) return true;
  return fib.isLocal(ip) || fib.lookup(ip)?.type === "broadcast";
}

export function inetBind(c: Ctx, s: Sock, a: Sockaddr): void {
  const sk = s as InetSock;
  let at: InetAddr;
  // old programs bind to no family at all
  if (a.family === AF_UNSPEC && sk.family === AF_INET && (a.addr ?? "0.0.0.0") === "0.0.0.0")
    at = { ip: INADDR_ANY, port: int(a.port ?? 0, "addr.port") & 0xffff, scopeId: 0 };
  else if (sk.family === AF_INET6 && a.family !== AF_INET6) return fail(a.family === AF_INET ? EINVAL : EAFNOSUPPORT);
  else at = inetAddr(sk, a);
  if (isV4(at.ip) && sk.family === AF_INET6 && sk.v6only) fail(EINVAL);
  if (isLinkLocal6(at.ip) && at.scopeId === 0 && sk.boundDev === 0) fail(EINVAL);
  if (!bindable(sk, at.ip)) fail(EADDRNOTAVAIL);
  const { settings } = sk.st;
  if (
    at.port !== 0 &&
    at.port < settings.ipUnprivilegedPortStart &&
    !nsCapable(c.k, c.task, sk.net.userNs, CAP_NET_BIND_SERVICE)
  )
    fail(EACCES);
  if (sk.state !== ST_CLOSE || sk.num !== 0) fail(EINVAL);
  const was = sk.saddr;
  sk.saddr = at.ip;
  const port = at.port !== 0 ? at.port : sk.ports.free(sk, settings.ipLocalPortRange, c.k.net.rng, sk.stream, 1);
  if (port === 0 || (at.port !== 0 && sk.ports.conflict(sk, port, sk.stream))) {
    sk.saddr = was;
    fail(EADDRINUSE);
  }
  sk.addrLock = !isAny(at.ip);
  sk.portLock = at.port !== 0;
  sk.hash(port);
}

/** A port for a socket that has none. EAGAIN: all are taken. */
export function inetAutobind(c: Ctx, sk: InetSock): void {
  if (sk.num !== 0) return;
  const port = sk.ports.free(sk, sk.st.settings.ipLocalPortRange, c.k.net.rng, sk.stream, 1);
  if (port === 0) fail(EAGAIN);
  sk.hash(port);
}

/** No peer any more: what bind(2) has not asked for goes too. */
export function inetDisconnect(sk: InetSock): void {
  sk.daddr = anyOf(sk.saddr);
  sk.dport = 0;
  if (!sk.addrLock) sk.saddr = sk.family === AF_INET ? INADDR_ANY : IN6ADDR_ANY;
  if (sk.portLock) return;
  sk.unhash();
  sk.lastNum = 0;
}

export function inetGetname(_c: Ctx, s: Sock, peer: boolean): Sockaddr {
  const sk = s as InetSock;
  if (!peer) return shownAddr(sk, sk.saddr, sk.num || sk.lastNum);
  if (sk.dport === 0 || (sk.stream && sk.state === ST_CLOSE)) return fail(ENOTCONN);
  return shownAddr(sk, sk.daddr, sk.dport);
}

/** Options that are nothing but numbers: kept under level and name. */
const PLAIN: ReadonlyMap<number, readonly number[]> = new Map([
  [IPPROTO_IP, [1, 10, 11, 15, 24, 33, 34]], // IP_TOS, IP_MTU_DISCOVER, IP_RECVERR, IP_FREEBIND, ..., IP_MULTICAST_TTL, _LOOP
  [IPPROTO_TCP, [TCP_NODELAY, 2, 3, 4, 5, 6, 9, 12, 18]], // TCP_MAXSEG, CORK, KEEPIDLE, KEEPINTVL, KEEPCNT, DEFER_ACCEPT, QUICKACK, USER_TIMEOUT
  [IPPROTO_IPV6, [16, 18, 19, 49, 67]], // UNICAST_HOPS, MULTICAST_HOPS, MULTICAST_LOOP, RECVPKTINFO, TCLASS
]);
const plainKey = (level: number, name: number): number => (level + 1) * 0x10000 + name;

function known(sk: InetSock, level: number, name: number): void {
  const names = PLAIN.get(level);
  if (names === undefined || (level === IPPROTO_TCP && !sk.stream))
    fail(level === IPPROTO_TCP || names !== undefined ? ENOPROTOOPT : EOPNOTSUPP);
  if (level === IPPROTO_IPV6 && sk.family !== AF_INET6) fail(ENOPROTOOPT);
  if (!names?.includes(name)) fail(ENOPROTOOPT);
}

export function inetSetsockopt(_c: Ctx, s: Sock, level: number, name: number, value: SockoptValue): void {
  const sk = s as InetSock;
  if (level === IPPROTO_IPV6 && name === IPV6_V6ONLY && sk.family === AF_INET6) {
    if (sk.num !== 0) fail(EINVAL);
    sk.v6only = int(value, "value") !== 0;
    return;
  }
  if (level === IPPROTO_IP && name === IP_TTL) {
    const ttl = int(value, "value");
    if (ttl !== -1 && (ttl < 1 || ttl > 255)) fail(EINVAL);
    sk.ttl = ttl === -1 ? 0 : ttl;
    return;
  }
  known(sk, level, name);
  sk.options.set(plainKey(level, name), int(value, "value"));
}

export function inetGetsockopt(_c: Ctx, s: Sock, level: number, name: number): SockoptValue {
  const sk = s as InetSock;
  if (level === IPPROTO_IPV6 && name === IPV6_V6ONLY && sk.family === AF_INET6) return sk.v6only ? 1 : 0;
  if (level === IPPROTO_IP && name === IP_TTL) return sk.ttl || sk.st.settings.ipDefaultTtl;
  known(sk, level, name);
  return sk.option(plainKey(level, name));
}

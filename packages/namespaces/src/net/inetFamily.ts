/** AF_INET and AF_INET6 as families. ip(7), ipv6(7), raw(7). */
import {
  AF_INET,
  CAP_NET_RAW,
  type Ctx,
  EACCES,
  EINVAL,
  EPERM,
  EPROTONOSUPPORT,
  ESOCKTNOSUPPORT,
  fail,
  IPPROTO_TCP,
  IPPROTO_UDP,
  nsCapable,
  SOCK_DGRAM,
  SOCK_RAW,
  SOCK_STREAM,
  type Sock,
  type SocketFamily,
} from "@kernelkit/core";
import type { Inet } from "./inet.js";
import type { NetState } from "./netState.js";
import { IPPROTO_ICMP, IPPROTO_ICMPV6 } from "./packet.js";
import { RawSock, rawOps } from "./raw.js";
import { tcpOps } from "./tcp.js";
import { TcpSock } from "./tcpSock.js";
import { UdpSock, udpOps } from "./udp.js";

const IPPROTO_MAX = 263;

/** Groups of the range may have ping sockets. icmp(7). */
function mayPing(c: Ctx, st: NetState): boolean {
  const [low, high] = st.settings.pingGroupRange;
  const { cred } = c.task;
  return [cred.egid, ...cred.groups].some((g) => g >= low && g <= high);
}

export function inetFamily(inet: Inet, family: number): SocketFamily {
  const icmp = family === AF_INET ? IPPROTO_ICMP : IPPROTO_ICMPV6;
  return {
    family,
    create(c, net, type, protocol): Sock {
      if (protocol < 0 || protocol >= IPPROTO_MAX) return fail(EINVAL);
      const st = inet.of(net);
      const uid = c.task.cred.fsuid;
      if (type === SOCK_STREAM) {
        if (protocol !== 0 && protocol !== IPPROTO_TCP) return fail(EPROTONOSUPPORT);
        return new TcpSock(st, uid, family, tcpOps);
      }
      if (type === SOCK_DGRAM && (protocol === 0 || protocol === IPPROTO_UDP))
        return new UdpSock(st, uid, family, type, IPPROTO_UDP, udpOps);
      const ping = type === SOCK_DGRAM && protocol === icmp;
      if (type !== SOCK_RAW && !ping) return fail(type === SOCK_DGRAM ? EPROTONOSUPPORT : ESOCKTNOSUPPORT);
      if (protocol === 0) return fail(EPROTONOSUPPORT);
      if (ping && !mayPing(c, st)) return fail(EACCES);
      if (!ping && !nsCapable(c.k, c.task, net.userNs, CAP_NET_RAW)) return fail(EPERM);
      const sk = new RawSock(st, uid, family, type, protocol, rawOps);
      st.raw.push(sk);
      return sk;
    },
  };
}

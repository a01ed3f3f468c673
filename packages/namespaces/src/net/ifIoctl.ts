/** Questions and changes by ioctl(2) on any socket: the argument is a name, or for changes an object. netdevice(7). */
import {
  AF_INET,
  AF_UNIX,
  CAP_NET_ADMIN,
  type Ctx,
  EADDRNOTAVAIL,
  EFAULT,
  EINVAL,
  ENODEV,
  EPERM,
  fail,
  int,
  nsCapable,
  type Sock,
  struct,
  text,
} from "@kernelkit/core";
import { rename, setUp, validName } from "./devices.js";
import type { Inet } from "./inet.js";
import { broadcastOf, formatIp, isV4, network } from "./ip.js";
import { IFF_UP, type IfAddr, type NetDevice } from "./netDevice.js";
import type { NetState } from "./netState.js";

const SIOCGIFNAME = 0x8910;
const SIOCGIFCONF = 0x8912;
const SIOCGIFFLAGS = 0x8913;
const SIOCSIFFLAGS = 0x8914;
const SIOCGIFADDR = 0x8915;
const SIOCGIFBRDADDR = 0x8919;
const SIOCGIFNETMASK = 0x891b;
const SIOCGIFMTU = 0x8921;
const SIOCSIFMTU = 0x8922;
const SIOCSIFNAME = 0x8923;
const SIOCGIFHWADDR = 0x8927;
const SIOCGIFINDEX = 0x8933;
const SIOCGIFTXQLEN = 0x8942;
/** What ifr_flags has room for. */
const SHORT = 0xffff;

/** struct ifreq of a change: the name, and what is to be set. */
interface IfReq {
  name: string;
  flags?: number;
  mtu?: number;
  newname?: string;
}

function byName(st: NetState, arg: unknown): NetDevice {
  if (arg === null || arg === undefined) return fail(EFAULT);
  return st.dev(text(arg, "arg")) ?? fail(ENODEV);
}

const sockaddr = (ip: number) => ({ family: AF_INET, addr: formatIp(ip), port: 0 });

function change(c: Ctx, sk: Sock, st: NetState, request: number, arg: unknown): number {
  if (arg === null || arg === undefined) return fail(EFAULT);
  const q = struct(arg as IfReq, "arg");
  if (!nsCapable(c.k, c.task, sk.net.userNs, CAP_NET_ADMIN)) return fail(EPERM);
  const dev = byName(st, q.name);
  if (request === SIOCSIFFLAGS) setUp(dev, (int(q.flags, "arg.flags") & IFF_UP) !== 0);
  else if (request === SIOCSIFMTU) {
    const mtu = int(q.mtu, "arg.mtu");
    if (mtu < (dev.kind === "loopback" ? 0 : 68) || (dev.kind !== "loopback" && mtu > 65535)) fail(EINVAL);
    dev.mtu = mtu;
  } else {
    const name = text(q.newname, "arg.newname");
    rename(dev, validName(name) ? name : fail(EINVAL));
  }
  return 0;
}

export function deviceIoctl(inet: Inet, c: Ctx, sk: Sock, request: number, arg: unknown): unknown {
  const st = inet.of(sk.net);
  const inet4 = (pick: (a: IfAddr & { ip: number }) => number): unknown => {
    // only sockets of IPv4 know of its addresses
    if (sk.family === AF_UNIX) return undefined;
    const a = byName(st, arg).addrs.find((x) => isV4(x.ip));
    return a === undefined ? fail(EADDRNOTAVAIL) : sockaddr(pick(a as IfAddr & { ip: number }));
  };
  switch (request) {
    case SIOCGIFNAME:
      return (st.devs.get(int(arg, "arg")) ?? fail(ENODEV)).name;
    case SIOCGIFINDEX:
      return byName(st, arg).ifindex;
    case SIOCGIFFLAGS:
      return byName(st, arg).shownFlags & SHORT;
    case SIOCGIFMTU:
      return byName(st, arg).mtu;
    case SIOCGIFTXQLEN:
      return byName(st, arg).txqlen;
    case SIOCGIFHWADDR: {
      const d = byName(st, arg);
      return { family: d.hardwareType, addr: d.address };
    }
    case SIOCGIFADDR:
      return inet4((a) => a.ip);
    case SIOCGIFNETMASK:
      return inet4((a) => network(0xffffffff, a.len) as number);
    case SIOCGIFBRDADDR:
      return inet4((a) => a.broadcast || (a.len < 31 && a.ip >>> 24 !== 127 ? broadcastOf(a.ip, a.len) : 0));
    case SIOCGIFCONF:
      return [...st.devs.values()].flatMap((d) =>
        d.addrs.filter((a) => isV4(a.ip)).map((a) => ({ name: d.name, ...sockaddr(a.ip as number) })),
      );
    case SIOCSIFFLAGS:
    case SIOCSIFMTU:
    case SIOCSIFNAME:
      return change(c, sk, st, request, arg);
    default:
      return undefined;
  }
}

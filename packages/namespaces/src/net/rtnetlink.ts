/**
 * Requests about links, addresses and routes, by name: `kernel.namespaces.rtnetlink(task, "RTM_NEWLINK", { ifname: "v0", kind: "veth",
 * peer: "v1" })`. They act on the network namespace of the task, with its rights. rtnetlink(7).
 *
 * Errors in their order: EPERM without CAP_NET_ADMIN over the namespace's owner (not for RTM_GET...), then as each request says.
 */
import {
  CAP_NET_ADMIN,
  type Core,
  EADDRNOTAVAIL,
  EBADF,
  EEXIST,
  EINVAL,
  ENODEV,
  EOPNOTSUPP,
  EPERM,
  ERANGE,
  ESRCH,
  fail,
  NetNamespace,
  nsCapable,
  type Task,
} from "@kernelkit/core";
import { addAddr, delAddr } from "./addresses.js";
import {
  IFNAMSIZ,
  makeDevice,
  makeVeth,
  moveDevice,
  removeDevice,
  rename,
  setUp,
  validAddress,
  validName,
} from "./devices.js";
import type { RouteType } from "./fib.js";
import { formatIp, type Ip, isV4, parseIp, parseIp4, parsePrefix, width } from "./ip.js";
import { IFF_UP, type NetDevice } from "./netDevice.js";
import type { NetState } from "./netState.js";
import { addRoute, delRoute, type RouteRequest } from "./routes.js";

/** A link as RTM_GETLINK shows it. */
export interface LinkInfo {
  ifindex: number;
  up: boolean;
  /** IFF_ bits. */
  flags: number;
  mtu: number;
  kind: string;
  address: string;
  operstate: string;
  /** ifindex of the other end, in whatever namespace it is; 0: none. */
  link: number;
  addrs: string[];
}

/** Attributes of requests. Which count depends on the request; the others are ignored. */
export interface RtnetlinkAttributes {
  ifname?: string;
  ifindex?: number;
  /** RTM_NEWLINK: "veth", "dummy". */
  kind?: string;
  /** Name of a veth's other end, and where it shall be. */
  peer?: string;
  peer_netns_fd?: number;
  peer_netns_pid?: number;
  netns_fd?: number;
  netns_pid?: number;
  newname?: string;
  up?: boolean;
  mtu?: number;
  address?: string;
  txqlen?: number;
  alias?: string;
  /** "10.0.0.1/24". */
  addr?: string;
  broadcast?: string;
  /** "10.0.0.0/8", "default". */
  dst?: string;
  via?: string;
  src?: string;
  metric?: number;
  table?: number;
  /** Of a route: "unicast", "unreachable", "blackhole", "prohibit". */
  type?: string;
}

const KINDS: readonly string[] = ["veth", "dummy"];
const MIN_MTU = 68;
const MAX_MTU = 65535;
const ROUTE_TYPES: readonly string[] = ["unicast", "unreachable", "blackhole", "prohibit"];

/** The namespace a descriptor or a process stands for. EBADF, EINVAL; ESRCH; EPERM without CAP_NET_ADMIN over its owner too. */
function targetNs(k: Core, t: Task, st: NetState, pid: number | undefined, fd: number | undefined): NetState | null {
  let net: NetNamespace;
  if (pid !== undefined) {
    const other = k.tasks.findVpid(t, pid)?.task ?? null;
    if (other === null || other.nsproxy === null) return fail(ESRCH);
    net = k.net.of(other);
  } else if (fd !== undefined) {
    const ns = k.tasks.nsOfFd === null ? fail(EBADF) : k.tasks.nsOfFd(t, fd);
    if (!(ns instanceof NetNamespace)) return fail(EINVAL);
    net = ns;
  } else return null;
  if (!nsCapable(k, t, net.userNs, CAP_NET_ADMIN)) return fail(EPERM);
  return st.inet.of(net);
}

function device(st: NetState, a: RtnetlinkAttributes): NetDevice {
  if (a.ifindex !== undefined && a.ifindex > 0) return st.devs.get(a.ifindex) ?? fail(ENODEV);
  if (a.ifname === undefined) return fail(EINVAL);
  return st.dev(a.ifname) ?? fail(ENODEV);
}

function newLink(k: Core, t: Task, st: NetState, a: RtnetlinkAttributes): void {
  const { kind } = a;
  const name = a.ifname ?? `${kind}%d`;
  if (a.ifname !== undefined && st.dev(a.ifname) !== null) fail(EEXIST);
  if (kind === undefined || !KINDS.includes(kind)) fail(EOPNOTSUPP);
  const at = targetNs(k, t, st, a.netns_pid, a.netns_fd) ?? st;
  const ifindex = a.ifindex ?? 0;
  if (ifindex < 0) fail(EINVAL);
  let dev: NetDevice;
  if (kind === "veth") {
    const peerSt = targetNs(k, t, st, a.peer_netns_pid, a.peer_netns_fd) ?? st;
    dev = makeVeth(at, name, peerSt, a.peer ?? "veth%d", ifindex);
  } else dev = makeDevice(at, "dummy", name, ifindex);
  try {
    settings(dev, a);
  } catch (e) {
    removeDevice(dev);
    throw e;
  }
}

function settings(dev: NetDevice, a: RtnetlinkAttributes): void {
  if (a.address !== undefined) {
    if (dev.kind === "loopback") fail(EOPNOTSUPP);
    if (!validAddress(a.address)) fail(EADDRNOTAVAIL);
    dev.address = a.address.toLowerCase();
  }
  if (a.mtu !== undefined) {
    if (!Number.isInteger(a.mtu) || (dev.kind !== "loopback" && (a.mtu < MIN_MTU || a.mtu > MAX_MTU)) || a.mtu < 0)
      fail(EINVAL);
    dev.mtu = a.mtu;
  }
  if (a.newname !== undefined) rename(dev, a.newname);
  if (a.txqlen !== undefined) dev.txqlen = a.txqlen >>> 0;
  if (a.alias !== undefined) dev.alias = a.alias.length < 256 ? a.alias : fail(EINVAL);
  if (a.up !== undefined) setUp(dev, a.up);
}

function setLink(k: Core, t: Task, st: NetState, a: RtnetlinkAttributes): void {
  const dev = device(st, a);
  const to = targetNs(k, t, st, a.netns_pid, a.netns_fd);
  if (to !== null) {
    if (a.newname !== undefined && !validName(a.newname)) fail(EINVAL);
    moveDevice(dev, to, a.newname ?? null);
  }
  settings(dev, to === null ? a : { ...a, newname: dev.name });
}

function delLink(st: NetState, a: RtnetlinkAttributes): void {
  const dev = device(st, a);
  if (dev.kind === "loopback") fail(EOPNOTSUPP);
  removeDevice(dev);
}

/** `addr` of a request. EINVAL. */
function prefixArg(text: string | undefined): { ip: Ip; len: number } {
  return (text === undefined ? null : parsePrefix(text)) ?? fail(EINVAL);
}

function routeArg(st: NetState, a: RtnetlinkAttributes): RouteRequest {
  const via = a.via === undefined ? null : (parseIp(a.via) ?? fail(EINVAL));
  const v6 = via !== null && !isV4(via);
  const dst = a.dst === undefined || a.dst === "default" ? { ip: v6 ? 0n : 0, len: 0 } : prefixArg(a.dst);
  if (via !== null && isV4(via) !== isV4(dst.ip)) fail(EINVAL);
  const type = a.type ?? "unicast";
  if (!ROUTE_TYPES.includes(type)) fail(EINVAL);
  const dev = a.ifname === undefined && a.ifindex === undefined ? null : device(st, a);
  const src = a.src === undefined ? null : (parseIp(a.src) ?? fail(EINVAL));
  return {
    dst: dst.ip,
    len: dst.len,
    via,
    dev,
    type: type as RouteType,
    table: a.table ?? 0,
    metric: a.metric ?? 0,
    src,
  };
}

export function linkInfo(d: NetDevice): LinkInfo {
  return {
    ifindex: d.ifindex,
    up: (d.flags & IFF_UP) !== 0,
    flags: d.shownFlags,
    mtu: d.mtu,
    kind: d.kind,
    address: d.address,
    operstate: d.operstate,
    link: d.peer?.ifindex ?? 0,
    addrs: d.addrs.map((x) => `${formatIp(x.ip)}/${x.len}`),
  };
}

const linkMap = (devs: Iterable<NetDevice>): Record<string, LinkInfo> =>
  Object.fromEntries([...devs].map((d) => [d.name, linkInfo(d)]));

export function routeText(r: { dst: Ip; len: number }): string {
  return r.len === 0 ? "default" : r.len === width(r.dst) ? formatIp(r.dst) : `${formatIp(r.dst)}/${r.len}`;
}

/** One request. RTM_GETLINK gives links by name, RTM_GETADDR and RTM_GETROUTE lists; the others nothing. EOPNOTSUPP: an unknown one. */
export function rtnetlink(
  st: NetState,
  t: Task,
  request: string,
  a: RtnetlinkAttributes,
): Record<string, LinkInfo> | Record<string, unknown>[] | undefined {
  const { k } = st.inet;
  // the message could not hold it
  for (const name of [a.newname, a.peer, request === "RTM_NEWLINK" ? a.ifname : undefined])
    if (name !== undefined && name.length >= IFNAMSIZ) fail(ERANGE);
  if (!request.startsWith("RTM_GET") && !nsCapable(k, t, st.net.userNs, CAP_NET_ADMIN)) return fail(EPERM);
  switch (request) {
    case "RTM_NEWLINK":
      newLink(k, t, st, a);
      return undefined;
    case "RTM_SETLINK":
      setLink(k, t, st, a);
      return undefined;
    case "RTM_DELLINK":
      delLink(st, a);
      return undefined;
    case "RTM_GETLINK":
      return linkMap(a.ifname === undefined ? st.devs.values() : [device(st, a)]);
    case "RTM_NEWADDR": {
      const { ip, len } = prefixArg(a.addr);
      const broadcast = a.broadcast === undefined ? 0 : (parseIp4(a.broadcast) ?? fail(EINVAL));
      addAddr(device(st, a), ip, len, broadcast);
      return undefined;
    }
    case "RTM_DELADDR": {
      const { ip, len } = prefixArg(a.addr);
      delAddr(device(st, a), ip, len);
      return undefined;
    }
    case "RTM_GETADDR":
      return [...st.devs.values()].flatMap((d) =>
        d.addrs.map((x) => ({
          ifname: d.name,
          addr: `${formatIp(x.ip)}/${x.len}`,
          scope: x.scope,
          secondary: x.secondary,
        })),
      );
    case "RTM_NEWROUTE":
      addRoute(st, routeArg(st, a));
      return undefined;
    case "RTM_DELROUTE":
      delRoute(st, routeArg(st, a));
      return undefined;
    case "RTM_GETROUTE":
      return st.fib.routes().map((r) => ({
        dst: routeText(r),
        via: r.gw === null ? null : formatIp(r.gw),
        ifname: r.dev?.name ?? null,
        type: r.type,
        table: r.table,
        metric: r.metric,
        src: r.src === null ? null : formatIp(r.src),
      }));
    default:
      return fail(EOPNOTSUPP);
  }
}

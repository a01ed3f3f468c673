/**
 * rtnetlink(7) in bytes: what a message asks for, as attributes by name (rtnetlink.ts carries them out), and links, addresses and routes
 * as messages.
 */
import { AF_INET, AF_INET6, EINVAL, fail, RTM_NEWADDR, RTM_NEWLINK, RTM_NEWROUTE } from "@kernelkit/core";
import type { Route, RouteType } from "../fib.js";
import { formatIp, type Ip, isV4 } from "../ip.js";
import { IFF_LOOPBACK, IFF_UP, type IfAddr, type NetDevice } from "../netDevice.js";
import type { RtnetlinkAttributes } from "../rtnetlink.js";
import { asText, asU32, attribute, concat, cstring, parseAttributes, u32, view } from "./nlmsg.js";

const IFINFOMSG = 16;
const IFADDRMSG = 8;
const RTMSG = 12;

const IFLA_ADDRESS = 1;
const IFLA_BROADCAST = 2;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_TXQLEN = 13;
const IFLA_OPERSTATE = 16;
const IFLA_LINKINFO = 18;
const IFLA_NET_NS_PID = 19;
const IFLA_IFALIAS = 20;
const IFLA_NET_NS_FD = 28;
const IFLA_CARRIER = 33;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const VETH_INFO_PEER = 1;

const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_LABEL = 3;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_F_SECONDARY = 1;
const IFA_F_PERMANENT = 0x80;

const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_TABLE = 15;

/** RTN_ numbers. */
const ROUTE_TYPES: Readonly<Record<number, RouteType>> = {
  1: "unicast",
  2: "local",
  3: "broadcast",
  6: "blackhole",
  7: "unreachable",
  8: "prohibit",
};
const OPERSTATE: Readonly<Record<string, number>> = { unknown: 0, down: 2, lowerlayerdown: 3, up: 6 };

type Attributes = Map<number, Uint8Array>;

/** The fixed part and the attributes. EINVAL: too short, or broken. */
function split(payload: Uint8Array, fixed: number): { head: DataView; attrs: Attributes } {
  if (payload.length < fixed) return fail(EINVAL);
  return { head: view(payload), attrs: parseAttributes(payload.subarray(fixed)) ?? fail(EINVAL) };
}

function nested(b: Uint8Array | undefined): Attributes {
  return b === undefined ? new Map() : (parseAttributes(b) ?? fail(EINVAL));
}

function macText(b: Uint8Array | undefined): string | undefined {
  if (b === undefined) return undefined;
  return b.length === 6 ? [...b].map((x) => x.toString(16).padStart(2, "0")).join(":") : fail(EINVAL);
}
const macBytes = (text: string): Uint8Array => Uint8Array.from(text.split(":"), (x) => Number.parseInt(x, 16));

function ipOf(b: Uint8Array | undefined): Ip | undefined {
  if (b === undefined) return undefined;
  if (b.length === 4) return view(b).getUint32(0);
  if (b.length !== 16) return fail(EINVAL);
  const v = view(b);
  return (v.getBigUint64(0) << 64n) | v.getBigUint64(8);
}
const ipText = (b: Uint8Array | undefined): string | undefined => {
  const ip = ipOf(b);
  return ip === undefined ? undefined : formatIp(ip);
};
function ipBytes(ip: Ip): Uint8Array {
  const out = new Uint8Array(isV4(ip) ? 4 : 16);
  const v = view(out);
  if (isV4(ip)) v.setUint32(0, ip);
  else {
    v.setBigUint64(0, ip >> 64n);
    v.setBigUint64(8, ip & 0xffffffffffffffffn);
  }
  return out;
}

/** Attributes that are there. */
function given<T extends object>(a: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(a).filter(([, v]) => v !== undefined)) as never;
}

/** A message about a link. */
export function linkRequest(payload: Uint8Array): RtnetlinkAttributes {
  const { head, attrs } = split(payload, IFINFOMSG);
  const info = nested(attrs.get(IFLA_LINKINFO));
  const peerPart = nested(info.get(IFLA_INFO_DATA)).get(VETH_INFO_PEER);
  const peer = peerPart === undefined ? new Map<number, Uint8Array>() : split(peerPart, IFINFOMSG).attrs;
  const index = head.getInt32(4, true);
  const flags = head.getUint32(8, true);
  const change = head.getUint32(12, true);
  // without a mask all flags count
  const up = (change & IFF_UP) !== 0 || (change === 0 && flags !== 0) ? (flags & IFF_UP) !== 0 : undefined;
  return given({
    ifindex: index === 0 ? undefined : index,
    ifname: asText(attrs.get(IFLA_IFNAME)),
    kind: asText(info.get(IFLA_INFO_KIND)),
    peer: asText(peer.get(IFLA_IFNAME)),
    peer_netns_pid: asU32(peer.get(IFLA_NET_NS_PID)),
    peer_netns_fd: asU32(peer.get(IFLA_NET_NS_FD)),
    netns_pid: asU32(attrs.get(IFLA_NET_NS_PID)),
    netns_fd: asU32(attrs.get(IFLA_NET_NS_FD)),
    mtu: asU32(attrs.get(IFLA_MTU)),
    txqlen: asU32(attrs.get(IFLA_TXQLEN)),
    alias: asText(attrs.get(IFLA_IFALIAS)),
    address: macText(attrs.get(IFLA_ADDRESS)),
    up,
  });
}

export function addrRequest(payload: Uint8Array): RtnetlinkAttributes {
  const { head, attrs } = split(payload, IFADDRMSG);
  const ip = ipOf(attrs.get(IFA_LOCAL) ?? attrs.get(IFA_ADDRESS)) ?? fail(EINVAL);
  if (isV4(ip) !== (head.getUint8(0) === AF_INET)) return fail(EINVAL);
  return given({
    ifindex: head.getUint32(4, true),
    addr: `${formatIp(ip)}/${head.getUint8(1)}`,
    broadcast: ipText(attrs.get(IFA_BROADCAST)),
  });
}

export function routeRequest(payload: Uint8Array): RtnetlinkAttributes {
  const { head, attrs } = split(payload, RTMSG);
  const v6 = head.getUint8(0) === AF_INET6;
  const dst = ipOf(attrs.get(RTA_DST)) ?? (v6 ? 0n : 0);
  return given({
    dst: `${formatIp(dst)}/${head.getUint8(1)}`,
    via: ipText(attrs.get(RTA_GATEWAY)),
    src: ipText(attrs.get(RTA_PREFSRC)),
    ifindex: asU32(attrs.get(RTA_OIF)),
    metric: asU32(attrs.get(RTA_PRIORITY)),
    table: asU32(attrs.get(RTA_TABLE)) ?? head.getUint8(4),
    type: ROUTE_TYPES[head.getUint8(7) || 1] ?? fail(EINVAL),
  });
}

/** A message to be sent: its type and what is behind the header. */
export interface Told {
  type: number;
  payload: Uint8Array;
}

export function linkMessage(d: NetDevice, type: number = RTM_NEWLINK): Told {
  const head = new Uint8Array(IFINFOMSG);
  const v = view(head);
  v.setUint16(2, d.hardwareType, true);
  v.setInt32(4, d.ifindex, true);
  v.setUint32(8, d.shownFlags, true);
  const loopback = (d.flags & IFF_LOOPBACK) !== 0;
  const parts = [
    head,
    attribute(IFLA_IFNAME, cstring(d.name)),
    attribute(IFLA_TXQLEN, u32(d.txqlen)),
    attribute(IFLA_OPERSTATE, Uint8Array.of(OPERSTATE[d.operstate])),
    attribute(IFLA_MTU, u32(d.mtu)),
    attribute(IFLA_CARRIER, Uint8Array.of(d.carrier ? 1 : 0)),
    attribute(IFLA_ADDRESS, macBytes(d.address)),
    attribute(IFLA_BROADCAST, new Uint8Array(6).fill(loopback ? 0 : 0xff)),
  ];
  if (d.peer !== null) parts.push(attribute(IFLA_LINK, u32(d.peer.ifindex)));
  if (!loopback) parts.push(attribute(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, cstring(d.kind))));
  if (d.alias !== "") parts.push(attribute(IFLA_IFALIAS, cstring(d.alias)));
  return { type, payload: concat(parts) };
}

export function addrMessage(d: NetDevice, a: IfAddr): Told {
  const head = new Uint8Array(IFADDRMSG);
  const v = view(head);
  const flags = IFA_F_PERMANENT | (a.secondary ? IFA_F_SECONDARY : 0);
  v.setUint8(0, isV4(a.ip) ? AF_INET : AF_INET6);
  v.setUint8(1, a.len);
  v.setUint8(2, flags);
  v.setUint8(3, a.scope);
  v.setUint32(4, d.ifindex, true);
  const parts = [head, attribute(IFA_ADDRESS, ipBytes(a.ip))];
  if (isV4(a.ip)) {
    parts.push(attribute(IFA_LOCAL, ipBytes(a.ip)));
    if (a.broadcast !== 0) parts.push(attribute(IFA_BROADCAST, ipBytes(a.broadcast)));
    parts.push(attribute(IFA_LABEL, cstring(d.name)));
  }
  parts.push(attribute(IFA_FLAGS, u32(flags)));
  return { type: RTM_NEWADDR, payload: concat(parts) };
}

const RT_SCOPE_UNIVERSE = 0;
const RT_SCOPE_LINK = 253;
const RT_SCOPE_HOST = 254;

export function routeMessage(r: Route): Told {
  const head = new Uint8Array(RTMSG);
  const v = view(head);
  v.setUint8(0, isV4(r.dst) ? AF_INET : AF_INET6);
  v.setUint8(1, r.len);
  v.setUint8(4, r.table);
  v.setUint8(5, r.proto);
  const scope =
    r.type === "local"
      ? RT_SCOPE_HOST
      : r.gw === null && r.dev !== null && isV4(r.dst)
        ? RT_SCOPE_LINK
        : RT_SCOPE_UNIVERSE;
  v.setUint8(6, scope);
  v.setUint8(7, Number(Object.entries(ROUTE_TYPES).find(([, name]) => name === r.type)?.[0]));
  const parts = [head, attribute(RTA_TABLE, u32(r.table))];
  if (r.len > 0) parts.push(attribute(RTA_DST, ipBytes(r.dst)));
  if (r.metric !== 0) parts.push(attribute(RTA_PRIORITY, u32(r.metric)));
  if (r.src !== null) parts.push(attribute(RTA_PREFSRC, ipBytes(r.src)));
  if (r.gw !== null) parts.push(attribute(RTA_GATEWAY, ipBytes(r.gw)));
  if (r.dev !== null) parts.push(attribute(RTA_OIF, u32(r.dev.ifindex)));
  return { type: RTM_NEWROUTE, payload: concat(parts) };
}

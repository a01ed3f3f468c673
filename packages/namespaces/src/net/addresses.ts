/** Addresses of devices and the routes that come with them. ip-address(8), rtnetlink(7). */
import { EADDRNOTAVAIL, EEXIST, fail } from "@kernelkit/core";
import { Route, type RouteType, RT_TABLE_LOCAL, RT_TABLE_MAIN, RTPROT_KERNEL } from "./fib.js";
import { broadcastOf, type Ip, inNetwork, isLoopback, isV4, network, width } from "./ip.js";
import { IFF_LOOPBACK, IfAddr, type NetDevice, SCOPE_GLOBAL, SCOPE_HOST } from "./netDevice.js";

function kernelRoute(dev: NetDevice, table: number, type: RouteType, dst: Ip, len: number, src: Ip): void {
  const metric = isV4(dst) ? 0 : table === RT_TABLE_LOCAL ? 0 : 256;
  dev.st.fib.insert(new Route(table, type, dst, len, dev, null, isV4(dst) ? src : null, metric, RTPROT_KERNEL), true);
}

/** The machine's own address can be reached whether its device is up or not. */
function localRoute(dev: NetDevice, a: IfAddr): void {
  kernelRoute(dev, RT_TABLE_LOCAL, "local", a.ip, width(a.ip), a.ip);
}

/** The address of a device that is up: its network can be reached by it. */
export function addrUp(dev: NetDevice, a: IfAddr): void {
  localRoute(dev, a);
  const bits = width(a.ip);
  const net = network(a.ip, a.len);
  const loopback = (dev.flags & IFF_LOOPBACK) !== 0;
  if (!a.secondary && a.len < bits && net !== 0 && net !== 0n)
    kernelRoute(dev, loopback ? RT_TABLE_LOCAL : RT_TABLE_MAIN, loopback ? "local" : "unicast", net, a.len, a.ip);
  if (!isV4(a.ip)) return;
  if (a.broadcast !== 0) kernelRoute(dev, RT_TABLE_LOCAL, "broadcast", a.broadcast, 32, a.ip);
  if (!a.secondary && a.len < 31) kernelRoute(dev, RT_TABLE_LOCAL, "broadcast", broadcastOf(a.ip, a.len), 32, a.ip);
}

/** EEXIST: the device has that address with that length. */
export function addAddr(dev: NetDevice, ip: Ip, len: number, broadcast = 0): void {
  const scope = isLoopback(ip) ? SCOPE_HOST : SCOPE_GLOBAL;
  const a = new IfAddr(ip, len, scope, broadcast);
  for (const o of dev.addrs) {
    if (isV4(o.ip) !== isV4(ip)) continue;
    if (o.ip === ip && (o.len === len || !isV4(ip))) fail(EEXIST);
    if (isV4(ip) && o.len === len && inNetwork(ip, o.ip, len)) a.secondary = true;
  }
  dev.addrs.push(a);
  if (dev.up) addrUp(dev, a);
  else localRoute(dev, a);
}

/** EADDRNOTAVAIL: the device has no such address. With the first address of a network its others go. */
export function delAddr(dev: NetDevice, ip: Ip, len: number): void {
  const a = dev.addrs.find((o) => o.ip === ip && o.len === len);
  if (a === undefined) return fail(EADDRNOTAVAIL);
  dropAddr(dev, a);
  if (a.secondary || !isV4(ip)) return;
  for (const o of [...dev.addrs]) if (o.secondary && o.len === len && inNetwork(o.ip, ip, len)) dropAddr(dev, o);
}

/** Take an address away with its routes; those that others need stay. Routes that come from it lose their sense. */
export function dropAddr(dev: NetDevice, a: IfAddr): void {
  dev.addrs.splice(dev.addrs.indexOf(a), 1);
  const { fib } = dev.st;
  fib.remove((r) => r.dev === dev && r.proto === RTPROT_KERNEL && isV4(r.dst) === isV4(a.ip));
  if (isV4(a.ip)) fib.remove((r) => r.src === a.ip && r.proto !== RTPROT_KERNEL);
  for (const o of dev.addrs) {
    if (isV4(o.ip) !== isV4(a.ip)) continue;
    if (dev.up) addrUp(dev, o);
    else localRoute(dev, o);
  }
  // a gateway that is in no network any more
  fib.remove((r) => r.dev === dev && r.gw !== null && isV4(r.gw) === isV4(a.ip) && fib.lookup(r.gw, 0, true) === null);
}

/**
 * Making, naming, moving, switching and removing devices, and what that does to their addresses and routes. ip-link(8), veth(4),
 * network_namespaces(7).
 */
import { EBUSY, EEXIST, EINVAL, fail } from "@kernelkit/core";
import { addrUp, dropAddr } from "./addresses.js";
import { IN6ADDR_LOOPBACK, INADDR_LOOPBACK, isV4 } from "./ip.js";
import { type DeviceKind, IFF_UP, IfAddr, NetDevice, SCOPE_HOST, SCOPE_LINK } from "./netDevice.js";
import type { NetState } from "./netState.js";

export const IFNAMSIZ = 16;
const MAX_IFINDEX = 0x7fffffff;
const MAX_NAMES = 32768;

/** A name a device can have: 1 to 15 characters without slash, colon and white space. */
export function validName(name: string): boolean {
  return name !== "" && name.length < IFNAMSIZ && name !== "." && name !== ".." && !/[/:\s]/.test(name);
}

/** A name with its %d filled by the lowest free number. EINVAL, EEXIST. */
function resolveName(st: NetState, name: string): string {
  if (!validName(name)) return fail(EINVAL);
  if (name.includes("%")) {
    if (!/^[^%]*%d[^%]*$/.test(name)) return fail(EINVAL);
    for (let i = 0; i < MAX_NAMES; i++) {
      const n = name.replace("%d", String(i));
      if (st.dev(n) === null) return n;
    }
  }
  return st.dev(name) === null ? name : fail(EEXIST);
}

/** The next number of a device; they go round. */
function newIfindex(st: NetState): number {
  do st.lastIfindex = st.lastIfindex >= MAX_IFINDEX ? 1 : st.lastIfindex + 1;
  while (st.devs.has(st.lastIfindex));
  return st.lastIfindex;
}

/** A hardware address out of the blue: one of a single station, given here. */
function randomAddress(st: NetState): string {
  const { rng } = st.inet.k.net;
  const bytes: number[] = [];
  for (let i = 0; i < 6; i++) bytes.push(rng.below(256));
  bytes[0] = (bytes[0] & 0xfe) | 2;
  return bytes.map((b) => b.toString(16).padStart(2, "0")).join(":");
}

function register(st: NetState, dev: NetDevice): void {
  st.devs.set(dev.ifindex, dev);
  st.inet.deviceAdded?.(dev);
}

/** A device of a kind. EINVAL, EEXIST the name; EBUSY the number. */
export function makeDevice(st: NetState, kind: DeviceKind, name: string, ifindex = 0): NetDevice {
  const n = resolveName(st, name);
  if (ifindex !== 0 && st.devs.has(ifindex)) return fail(EBUSY);
  const address = kind === "loopback" ? "00:00:00:00:00:00" : randomAddress(st);
  const dev = new NetDevice(st, n, ifindex !== 0 ? ifindex : newIfindex(st), kind, address);
  register(st, dev);
  return dev;
}

/** Both ends of a cable: the peer comes first. */
export function makeVeth(st: NetState, name: string, peerSt: NetState, peerName: string, ifindex: number): NetDevice {
  const peer = makeDevice(peerSt, "veth", peerName);
  let dev: NetDevice;
  try {
    dev = makeDevice(st, "veth", name, ifindex);
  } catch (e) {
    removeDevice(peer);
    throw e;
  }
  dev.peer = peer;
  peer.peer = dev;
  return dev;
}

/** The link-local address of a device, made of its hardware address. RFC 4291 appendix A. */
function linkLocal(address: string): bigint {
  const b = address.split(":").map((x) => Number.parseInt(x, 16));
  const id = [b[0] ^ 2, b[1], b[2], 0xff, 0xfe, b[3], b[4], b[5]];
  return id.reduce((n, x) => (n << 8n) | BigInt(x), 0xfe80n << 48n);
}

/** Switch a device on or off. */
export function setUp(dev: NetDevice, up: boolean): void {
  if (dev.up === up) return;
  if (!up) {
    dev.flags &= ~IFF_UP;
    const { fib } = dev.st;
    // what is local stays
    fib.remove((r) => r.dev === dev && r.type !== "local");
    for (const a of [...dev.addrs]) if (!isV4(a.ip)) dropAddr(dev, a);
    return;
  }
  dev.flags |= IFF_UP;
  if (dev.kind === "loopback") {
    if (!dev.addrs.some((a) => a.ip === INADDR_LOOPBACK && a.len === 8))
      dev.addrs.push(new IfAddr(INADDR_LOOPBACK, 8, SCOPE_HOST, 0));
    dev.addrs.push(new IfAddr(IN6ADDR_LOOPBACK, 128, SCOPE_HOST, 0));
  } else dev.addrs.push(new IfAddr(linkLocal(dev.address), 64, SCOPE_LINK, 0));
  for (const a of dev.addrs) addrUp(dev, a);
}

export function rename(dev: NetDevice, name: string): void {
  if (name === dev.name) return;
  const n = resolveName(dev.st, name);
  dev.st.inet.deviceRemoved?.(dev);
  dev.name = n;
  dev.st.inet.deviceAdded?.(dev);
}

/** Everything a device has in its namespace goes: addresses, routes, its place. */
function leave(dev: NetDevice): void {
  const { st } = dev;
  setUp(dev, false);
  dev.addrs.length = 0;
  st.fib.remove((r) => r.dev === dev);
  st.inet.deviceRemoved?.(dev);
  st.devs.delete(dev.ifindex);
  for (const sk of st.socks) if (sk.boundDev === dev.ifindex) sk.boundDev = 0;
}

/** To another namespace: down, without addresses and routes, with its number if that is free. EINVAL the loopback device, EEXIST the name. */
export function moveDevice(dev: NetDevice, to: NetState, name: string | null): void {
  if (dev.kind === "loopback") fail(EINVAL);
  if (dev.st === to) return;
  const n = resolveName(to, name ?? dev.name);
  leave(dev);
  dev.st = to;
  dev.name = n;
  if (to.devs.has(dev.ifindex)) dev.ifindex = newIfindex(to);
  register(to, dev);
}

/** The device is gone, and with one end of a cable the other. */
export function removeDevice(dev: NetDevice): void {
  if (dev.dead) return;
  dev.dead = true;
  leave(dev);
  const { peer } = dev;
  dev.peer = null;
  if (peer !== null) {
    peer.peer = null;
    removeDevice(peer);
  }
}

/** Another hardware address. */
export function validAddress(text: string): boolean {
  return /^([0-9a-f]{2}:){5}[0-9a-f]{2}$/i.test(text) && (Number.parseInt(text.slice(0, 2), 16) & 1) === 0;
}

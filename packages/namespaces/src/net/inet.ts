/**
 * The internet layer: finding a route, passing the filter, crossing devices, delivering, forwarding, reporting errors. Packets
 * that have come in by a device are worked on in the NET_RX soft interrupt, as in Linux: for the loopback device and veth pairs that is
 * before the sender's call goes on. ip(7), icmp(7), Documentation/networking/ip-sysctl.
 */
import {
  type Core,
  EACCES,
  EHOSTUNREACH,
  EINVAL,
  ENETUNREACH,
  EPERM,
  fail,
  NET_RX_SOFTIRQ,
  type NetNamespace,
} from "@kernelkit/core";
import type { Route } from "./fib.js";
import { type Chain, runChain, type Verdict } from "./filter.js";
import { INADDR_BROADCAST, type Ip, inNetwork, isAny, isLoopback, isMulticast, isV4 } from "./ip.js";
import { type NetDevice, RX_BYTES, RX_DROPPED, RX_PACKETS, TX_BYTES, TX_DROPPED, TX_PACKETS } from "./netDevice.js";
import type { NetState } from "./netState.js";
import { Arrival, IPPROTO_ICMP, IPPROTO_ICMPV6, Packet } from "./packet.js";

/** A protocol above IP. */
export interface Protocol {
  /** A packet for this machine. False: nobody wants it. */
  receive(st: NetState, p: Packet, dev: NetDevice): boolean;
  /** An ICMP error about a packet that was sent from here. */
  error(st: NetState, about: Packet, type: number, code: number): void;
}

export const ICMP_DEST_UNREACH = 3;
export const ICMP_HOST_UNREACH = 1;
export const ICMP_PROT_UNREACH = 2;
export const ICMP_PORT_UNREACH = 3;
const ICMP_NET_UNREACH = 0;
const ICMP_TIME_EXCEEDED = 11;
/** How long nobody may answer to a question for a hardware address, ticks of a second. */
const NEIGHBOUR_SECONDS = 3;

const EMPTY: Uint8Array = new Uint8Array(0);

export class Inet {
  static readonly transient: readonly string[] = [
    "protocols",
    "slot",
    "unresolvedTimer",
    "tcpTimer",
    "deviceAdded",
    "deviceRemoved",
  ];
  readonly protocols: Map<number, Protocol> = new Map();
  slot = -1;
  tcpTimer = -1;
  /** Told of devices that come and go (a name's change is both): sysfs. */
  deviceAdded: ((dev: NetDevice) => void) | null = null;
  deviceRemoved: ((dev: NetDevice) => void) | null = null;
  private unresolvedTimer = -1;
  /** Packets that have come in and were not looked at. */
  readonly backlog: Arrival[] = [];
  /** Namespaces that are gone and wait for their end. */
  readonly dying: NetState[] = [];
  /** /proc/sys/net/netfilter/nf_log_all_netns */
  logAllNetns = 0;

  constructor(readonly k: Core) {}

  install(): void {
    const { k } = this;
    k.irq.openSoftirq(NET_RX_SOFTIRQ, () => this.rxAction());
    this.unresolvedTimer = k.timers.define("net.unresolved", (a) => {
      const { st, p } = a as { st: NetState; p: Packet };
      this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_HOST_UNREACH);
    });
  }

  of(net: NetNamespace): NetState {
    return net.slots[this.slot] as NetState;
  }

  // --- routes ---

  /** The route to an address. ENETUNREACH; EHOSTUNREACH, EACCES, EINVAL routes that say so. */
  route(st: NetState, dst: Ip, oif: number): Route {
    const r = st.fib.lookup(dst, oif);
    if (r === null) return fail(ENETUNREACH);
    if (r.type === "unreachable") return fail(EHOSTUNREACH);
    if (r.type === "prohibit") return fail(EACCES);
    if (r.type === "blackhole") return fail(EINVAL);
    return r;
  }

  /** The address that packets by this route come from. */
  source(route: Route, dst: Ip): Ip {
    if (route.type === "local") return route.src ?? dst;
    if (route.src !== null) return route.src;
    const hop = route.gw ?? dst;
    const addrs = (route.dev as NetDevice).addrs.filter((a) => isV4(a.ip) === isV4(dst));
    const near = addrs.find((a) => inNetwork(hop, a.ip, a.len));
    return (near ?? addrs[0])?.ip ?? (isV4(dst) ? 0 : 0n);
  }

  // --- out ---

  /** Send a packet of this machine: 0 or an errno. */
  output(st: NetState, p: Packet, route: Route): number {
    if (isV4(p.src)) {
      st.ipId = (st.ipId + 1) & 0xffff;
      p.id = st.ipId;
    }
    const dev = route.type === "local" ? st.loopback : (route.dev as NetDevice);
    const verdict = this.filter(st, "OUTPUT", p, null, dev);
    if (verdict !== "ACCEPT") {
      if (verdict === "REJECT") this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
      return EPERM;
    }
    this.xmit(dev, route.type === "local" ? p.dst : (route.gw ?? p.dst), p);
    return 0;
  }

  private filter(st: NetState, chain: Chain, p: Packet, from: NetDevice | null, to: NetDevice | null): Verdict {
    if (st.filter === null) return "ACCEPT";
    return runChain(this.k, st.net, st.filter, chain, p, from, to, this.logAllNetns !== 0);
  }

  /** Give a packet to a device; `hop` is who shall get it at the other end. */
  private xmit(dev: NetDevice, hop: Ip, p: Packet): void {
    const { stats } = dev;
    const at = dev.kind === "loopback" ? dev : dev.peer;
    if (!dev.up || (dev.kind === "veth" && !dev.carrier)) {
      stats[TX_DROPPED]++;
      return;
    }
    if (dev.kind === "veth" && !isMulticast(hop) && !this.answers(at as NetDevice, hop)) {
      // nobody has that address
      const { k } = this;
      k.timers.add(this.unresolvedTimer, k.time.ticks + NEIGHBOUR_SECONDS * k.time.hz, { st: dev.st, p });
      return;
    }
    stats[TX_PACKETS]++;
    stats[TX_BYTES] += p.length + (dev.kind === "loopback" ? 0 : ETH_HLEN);
    if (at !== null) this.arrive(at, p);
  }

  /** Does whoever is at the other end have the address? */
  private answers(at: NetDevice, hop: Ip): boolean {
    if (hop === INADDR_BROADCAST || isLoopback(hop)) return hop === INADDR_BROADCAST;
    const r = at.st.fib.lookup(hop);
    return r !== null && r.type !== "unicast" && r.dev !== null;
  }

  // --- in ---

  /** A packet comes in by a device. */
  arrive(dev: NetDevice, p: Packet): void {
    this.backlog.push(new Arrival(dev, p));
    const { k } = this;
    const cpu = k.currentCpu;
    k.cpus.softirqPending[cpu] |= 1 << NET_RX_SOFTIRQ;
    k.irq.doSoftirq(cpu);
  }

  private rxAction(): void {
    for (let a = this.backlog.shift(); a !== undefined; a = this.backlog.shift()) {
      const { dev, packet } = a;
      if (dev.dead) continue;
      if (!dev.up) {
        dev.stats[RX_DROPPED]++;
        continue;
      }
      dev.stats[RX_PACKETS]++;
      dev.stats[RX_BYTES] += packet.length + (dev.kind === "loopback" ? 0 : ETH_HLEN);
      this.input(dev, packet);
    }
  }

  private input(dev: NetDevice, p: Packet): void {
    const { st } = dev;
    if (isLoopback(p.dst) && dev.kind !== "loopback") return;
    const route = st.fib.lookup(p.dst);
    const mine =
      isMulticast(p.dst) ||
      p.dst === INADDR_BROADCAST ||
      (route !== null && route.type !== "unicast" && route.dev !== null);
    if (!mine) return this.forward(dev, p, route);
    const verdict = this.filter(st, "INPUT", p, dev, null);
    if (verdict === "DROP") return;
    if (verdict === "REJECT") return this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
    const proto = this.protocols.get(p.proto);
    const wanted = this.toRaw(st, p);
    if (proto === undefined) {
      if (!wanted) this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_PROT_UNREACH);
      return;
    }
    if (!proto.receive(st, p, dev)) this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
  }

  /** Sockets of type raw get a copy. */
  private toRaw(st: NetState, p: Packet): boolean {
    let any = false;
    for (const sk of st.raw) any = sk.offer(p) || any;
    return any;
  }

  private forward(dev: NetDevice, p: Packet, route: Route | null): void {
    const { st } = dev;
    const { ipForward, ipv6Forwarding } = st.settings;
    if ((isV4(p.dst) ? ipForward : ipv6Forwarding) === 0) return;
    if (route === null || route.dev === null) return this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_NET_UNREACH);
    if (p.ttl <= 1) return this.icmpError(st, p, ICMP_TIME_EXCEEDED, 0);
    p.ttl--;
    const verdict = this.filter(st, "FORWARD", p, dev, route.dev);
    if (verdict === "REJECT") return this.icmpError(st, p, ICMP_DEST_UNREACH, ICMP_PORT_UNREACH);
    if (verdict === "ACCEPT") this.xmit(route.dev, route.gw ?? p.dst, p);
  }

  // --- ICMP ---

  /** Tell the sender of `about` what has become of it. Never about an error. */
  icmpError(st: NetState, about: Packet, type: number, code: number): void {
    if (about.about !== null || isMulticast(about.dst) || about.dst === INADDR_BROADCAST || isAny(about.src)) return;
    const route = st.fib.lookup(about.src);
    if (route === null || route.dev === null) return;
    const v4 = isV4(about.src);
    const local = st.fib.lookup(about.dst)?.type === "local";
    const e = new Packet(
      v4 ? IPPROTO_ICMP : IPPROTO_ICMPV6,
      local ? about.dst : this.source(route, about.src),
      about.src,
      EMPTY,
    );
    e.icmpType = type;
    e.icmpCode = code;
    e.about = about;
    e.tos = 0xc0;
    e.df = false;
    this.output(st, e, route);
  }
}

const ETH_HLEN = 14;

/** `kernel.namespaces.net`: the network of a task's namespace, looked at and worked on from outside. */
import { CAP_NET_ADMIN, EINVAL, EPERM, Errno, fail, KernelError, misuse, nsCapable, type Task } from "@kernelkit/core";
import { type Chain, Filter, Rule, type Verdict } from "./filter.js";
import type { Inet } from "./inet.js";
import { type Ip, parseIp, parsePrefix } from "./ip.js";
import type { NetState } from "./netState.js";
import { IPPROTO_ICMP, IPPROTO_TCP, IPPROTO_UDP, Packet, TH_SYN } from "./packet.js";
import { type LinkInfo, type RtnetlinkAttributes, rtnetlink } from "./rtnetlink.js";

/** A rule of the filter table, as iptables(8) names things. */
export interface FilterRule {
  /** Where a packet that matches goes; LOG writes a line and goes on to the next rule. */
  target: Verdict | "LOG";
  proto?: "tcp" | "udp" | "icmp";
  /** "10.0.0.0/8" */
  src?: string;
  dst?: string;
  sport?: number;
  dport?: number;
  in?: string;
  out?: string;
  /** LOG: at most 29 characters before the line, and its level (4). */
  logPrefix?: string;
  logLevel?: number;
}

/** A packet that comes in by a device from outside. */
export interface IncomingPacket {
  proto: "tcp" | "udp" | "icmp";
  src: string;
  dst: string;
  sport?: number;
  dport?: number;
  data?: Uint8Array;
}

const PROTO: Readonly<Record<string, number>> = { tcp: IPPROTO_TCP, udp: IPPROTO_UDP, icmp: IPPROTO_ICMP };
const MAX_PREFIX = 29;

/** What is done from outside fails with a KernelError. */
function told<R>(call: string, f: () => R): R {
  try {
    return f();
  } catch (e) {
    throw e instanceof Errno ? new KernelError(e.nr, call) : e;
  }
}

function protoNumber(name: string): number {
  return PROTO[name] ?? misuse("proto", name, "one of tcp, udp, icmp");
}

function ipArg(text: string, name: string): Ip {
  return parseIp(text) ?? misuse(name, text, "an IP address");
}

export class NetApi {
  constructor(private readonly inet: Inet) {}

  private of(t: Task): NetState {
    return this.inet.of(this.inet.k.net.of(t));
  }

  /** The filter of a task's namespace, for who may change it. */
  private admin(t: Task): Filter {
    const st = this.of(t);
    if (nsCapable(this.inet.k, t, st.net.userNs, CAP_NET_ADMIN)) {
      st.filter ??= new Filter();
      return st.filter;
    }
    throw new KernelError(EPERM, "iptables");
  }

  /** One rtnetlink(7) request of a task; see rtnetlink.ts. */
  rtnetlink(
    t: Task,
    request: string,
    attributes: RtnetlinkAttributes = {},
  ): Record<string, LinkInfo> | Record<string, unknown>[] | undefined {
    return told("rtnetlink", () => rtnetlink(this.of(t), t, request, attributes));
  }

  /** iptables -A: a rule at the end of a chain. EPERM; EINVAL a rule that says nothing sensible. */
  append(t: Task, chain: Chain, rule: FilterRule): void {
    this.admin(t).chains[chain].push(told("iptables", () => makeRule(rule)));
  }

  /** iptables -F. */
  flush(t: Task, chain: Chain): void {
    this.admin(t).chains[chain].length = 0;
  }

  /** iptables -P. */
  policy(t: Task, chain: Chain, verdict: "ACCEPT" | "DROP"): void {
    this.admin(t).policy[chain] = verdict;
  }

  /** iptables -L -v: target, packets, bytes of each rule. */
  rules(t: Task, chain: Chain): { target: string; packets: number; bytes: number }[] {
    return (this.of(t).filter?.chains[chain] ?? []).map(({ target, packets, bytes }) => ({ target, packets, bytes }));
  }

  /** A packet comes in by a device of the task's namespace, now: in a soft interrupt, whatever task runs. TypeError: no such device. */
  receive(t: Task, ifname: string, p: IncomingPacket): void {
    const dev = this.of(t).dev(ifname) ?? misuse("ifname", ifname, "a device of the namespace");
    const packet = new Packet(
      protoNumber(p.proto),
      ipArg(p.src, "src"),
      ipArg(p.dst, "dst"),
      p.data ?? new Uint8Array(0),
    );
    packet.sport = p.sport ?? 0;
    packet.dport = p.dport ?? 0;
    if (p.proto === "tcp") packet.flags = TH_SYN;
    if (p.proto === "icmp") packet.icmpType = packet.data[0] ?? 0;
    this.inet.arrive(dev, packet);
  }
}

function makeRule(r: FilterRule): Rule {
  const net = (text: string | undefined): { ip: Ip; len: number } | null =>
    text === undefined ? null : (parsePrefix(text) ?? fail(EINVAL));
  const prefix = r.logPrefix ?? "";
  const level = r.logLevel ?? 4;
  if (prefix.length > MAX_PREFIX || level < 0 || level > 7) fail(EINVAL);
  if (!["ACCEPT", "DROP", "REJECT", "LOG"].includes(r.target)) fail(EINVAL);
  return new Rule(
    r.target,
    r.proto === undefined ? 0 : protoNumber(r.proto),
    net(r.src),
    net(r.dst),
    r.sport ?? 0,
    r.dport ?? 0,
    r.in ?? "",
    r.out ?? "",
    prefix,
    level,
  );
}

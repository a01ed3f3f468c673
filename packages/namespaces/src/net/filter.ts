/**
 * The filter table: chains of rules that packets pass, with the targets ACCEPT, DROP, REJECT and LOG. A LOG rule writes a line
 * to the kernel log, with the packet's network namespace attached. iptables(8), iptables-extensions(8).
 */
import type { Core, NetNamespace } from "@kernelkit/core";
import { formatIp, type Ip, inNetwork, isV4 } from "./ip.js";
import type { NetDevice } from "./netDevice.js";
import {
  IPPROTO_ICMP,
  IPPROTO_ICMPV6,
  IPPROTO_TCP,
  IPPROTO_UDP,
  type Packet,
  TH_ACK,
  TH_FIN,
  TH_PSH,
  TH_RST,
  TH_SYN,
} from "./packet.js";

export type Chain = "INPUT" | "OUTPUT" | "FORWARD";
export type Verdict = "ACCEPT" | "DROP" | "REJECT";

export class Rule {
  /** Packets and bytes that matched. */
  packets = 0;
  bytes = 0;
  constructor(
    readonly target: Verdict | "LOG",
    /** 0: any. */
    readonly proto: number,
    readonly src: { readonly ip: Ip; readonly len: number } | null,
    readonly dst: { readonly ip: Ip; readonly len: number } | null,
    readonly sport: number,
    readonly dport: number,
    readonly inDev: string,
    readonly outDev: string,
    readonly logPrefix: string,
    readonly logLevel: number,
  ) {}
}

export class Filter {
  readonly chains: Record<Chain, Rule[]> = { INPUT: [], OUTPUT: [], FORWARD: [] };
  readonly policy: Record<Chain, Verdict> = { INPUT: "ACCEPT", OUTPUT: "ACCEPT", FORWARD: "ACCEPT" };
}

function matches(r: Rule, p: Packet, inDev: NetDevice | null, outDev: NetDevice | null): boolean {
  if (r.proto !== 0 && r.proto !== p.proto) return false;
  if (r.src !== null && !inNetwork(p.src, r.src.ip, r.src.len)) return false;
  if (r.dst !== null && !inNetwork(p.dst, r.dst.ip, r.dst.len)) return false;
  if (r.sport !== 0 && r.sport !== p.sport) return false;
  if (r.dport !== 0 && r.dport !== p.dport) return false;
  if (r.inDev !== "" && r.inDev !== inDev?.name) return false;
  return r.outDev === "" || r.outDev === outDev?.name;
}

/** What becomes of a packet at a hook of namespace `net`. `allNetns`: namespaces other than the initial one may log. */
export function runChain(
  k: Core,
  net: NetNamespace,
  filter: Filter,
  chain: Chain,
  p: Packet,
  inDev: NetDevice | null,
  outDev: NetDevice | null,
  allNetns: boolean,
): Verdict {
  for (const r of filter.chains[chain]) {
    if (!matches(r, p, inDev, outDev)) continue;
    r.packets++;
    r.bytes += p.length;
    if (r.target !== "LOG") return r.target;
    if (net !== k.net.init && !allNetns) continue;
    const text = logLine(p, inDev, outDev, r.logPrefix);
    const { packetLog } = k.hooks;
    if (packetLog.on !== null) packetLog.on(net, { level: r.logLevel, text });
    else k.log(r.logLevel, text);
  }
  return filter.policy[chain];
}

const hex2 = (n: number): string => `0x${n.toString(16).toUpperCase().padStart(2, "0")}`;

/** The hardware header of a packet that came in. */
function macText(inDev: NetDevice | null): string {
  if (inDev === null) return "";
  const from = inDev.peer?.address ?? "00:00:00:00:00:00";
  return `MAC=${inDev.address}:${from}:08:00 `;
}

/** The line of the LOG target; a space ends it. */
export function logLine(p: Packet, inDev: NetDevice | null, outDev: NetDevice | null, prefix: string): string {
  let out = `${prefix}IN=${inDev?.name ?? ""} OUT=${outDev?.name ?? ""} ${macText(inDev)}`;
  out += `SRC=${formatIp(p.src)} DST=${formatIp(p.dst)} LEN=${p.length} `;
  if (isV4(p.src)) {
    out += `TOS=${hex2(p.tos & 0x1e)} PREC=${hex2(p.tos & 0xe0)} TTL=${p.ttl} ID=${p.id} ${p.df ? "DF " : ""}`;
  } else out += `TC=${p.tos} HOPLIMIT=${p.ttl} FLOWLBL=0 `;
  switch (p.proto) {
    case IPPROTO_UDP:
      return `${out}PROTO=UDP SPT=${p.sport} DPT=${p.dport} LEN=${p.payloadLength} `;
    case IPPROTO_TCP: {
      const flags = [
        [TH_ACK, "ACK"],
        [TH_PSH, "PSH"],
        [TH_RST, "RST"],
        [TH_SYN, "SYN"],
        [TH_FIN, "FIN"],
      ] as const;
      const set = flags.filter(([bit]) => (p.flags & bit) !== 0).map(([, name]) => `${name} `);
      return `${out}PROTO=TCP SPT=${p.sport} DPT=${p.dport} WINDOW=${p.window} RES=0x00 ${set.join("")}URGP=0 `;
    }
    case IPPROTO_ICMP:
    case IPPROTO_ICMPV6: {
      const name = p.proto === IPPROTO_ICMP ? "ICMP" : "ICMPv6";
      const echo = p.icmpType === 8 || p.icmpType === 0 || p.icmpType === 128 || p.icmpType === 129;
      out += `PROTO=${name} TYPE=${p.icmpType} CODE=${p.icmpCode} `;
      const word = (i: number): number => ((p.data[i] ?? 0) << 8) | (p.data[i + 1] ?? 0);
      if (echo) return `${out}ID=${word(4)} SEQ=${word(6)} `;
      return p.about === null ? out : `${out}[${logLine(p.about, null, null, "").slice("IN= OUT= ".length)}] `;
    }
    default:
      return `${out}PROTO=${p.proto} `;
  }
}

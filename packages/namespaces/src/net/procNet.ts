/** /proc/net of a namespace: dev, route, tcp, udp, raw and what else programs read. proc_pid_net(5). */
import {
  AF_INET,
  AF_INET6,
  type PseudoFile,
  SOCK_RAW,
  type Sock,
  ST_ESTABLISHED,
  ST_LISTEN,
  type Task,
} from "@kernelkit/core";
import { type Route, RT_TABLE_MAIN } from "./fib.js";
import type { Inet } from "./inet.js";
import type { InetSock } from "./inetSock.js";
import { formatIp, isV4, mapped, network, procHex } from "./ip.js";
import { SCOPE_HOST, SCOPE_LINK } from "./netDevice.js";
import type { NetState } from "./netState.js";
import { RawSock } from "./raw.js";
import { TCP_TIME_WAIT, TcpSock } from "./tcpSock.js";
import { UdpSock } from "./udp.js";

/** How wide each counter's column of /proc/net/dev is. */
const COLUMNS: readonly number[] = [8, 7, 4, 4, 4, 5, 10, 9, 8, 7, 4, 4, 4, 5, 7, 10];

function devText(st: NetState): string {
  let out =
    "Inter-|   Receive                                                |  Transmit\n" +
    " face |bytes    packets errs drop fifo frame compressed multicast|bytes    packets errs drop fifo colls carrier compressed\n";
  for (const d of st.devs.values())
    out += `${d.name.padStart(6)}:${[...d.stats].map((n, i) => String(n).padStart(COLUMNS[i])).join(" ")}\n`;
  return out;
}

const hex = (n: number, digits: number): string => n.toString(16).toUpperCase().padStart(digits, "0");
const ROUTE_WIDTH = 127;
const RTF_UP = 1;
const RTF_GATEWAY = 2;
const RTF_HOST = 4;
const RTF_REJECT = 0x200;

function routeLine(r: Route): string {
  const flags =
    RTF_UP | (r.gw !== null ? RTF_GATEWAY : 0) | (r.len === 32 ? RTF_HOST : 0) | (r.dev === null ? RTF_REJECT : 0);
  const mask = procHex(network(0xffffffff, r.len));
  const gw = procHex(r.gw ?? 0);
  return `${r.dev?.name ?? "*"}\t${procHex(r.dst)}\t${gw}\t${hex(flags, 4)}\t0\t0\t${r.metric}\t${mask}\t0\t0\t0`;
}

function routeFile(st: NetState): string {
  const { v4 } = st.fib;
  if (v4 === null) return "";
  const routes = v4
    .filter((r) => r.table === RT_TABLE_MAIN)
    .sort((a, b) => Number(a.dst) - Number(b.dst) || b.len - a.len || a.metric - b.metric);
  const lines = [
    "Iface\tDestination\tGateway \tFlags\tRefCnt\tUse\tMetric\tMask\t\tMTU\tWindow\tIRTT",
    ...routes.map(routeLine),
  ];
  return lines.map((l) => `${l.padEnd(ROUTE_WIDTH)}\n`).join("");
}

const inode = (s: Sock): number => s.file?.inode.ino ?? 0;

/** An address and port as these files show them. */
const at = (s: InetSock, ip: InetSock["saddr"], port: number): string =>
  `${procHex(s.family === AF_INET ? ip : mapped(ip))}:${hex(port, 4)}`;

function queues(s: InetSock): [tx: number, rx: number] {
  if (!(s instanceof TcpSock)) return [0, s.rmem];
  return s.state === ST_LISTEN ? [0, s.ready.length] : [s.out.length, s.in.length];
}

const TCP_HEADER = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const UDP_HEADER =
  "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";
const RAW_HEADER = UDP_HEADER.slice(1);
const TCP6_HEADER =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode";
const UDP6_HEADER =
  "  sl  local_address                         remote_address                        st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops";

function sockLine(s: InetSock, nr: number, digits: number, end: string): string {
  const [tx, rx] = queues(s);
  const timer = s instanceof TcpSock && s.timer >= 0 ? (s.state === TCP_TIME_WAIT ? 3 : 1) : 0;
  const fields = `${hex(s.state, 2)} ${hex(tx, 8)}:${hex(rx, 8)} ${hex(timer, 2)}:${hex(0, 8)} ${hex(0, 8)}`;
  const owner = `${String(s.uid).padStart(5)} ${String(0).padStart(8)} ${inode(s)}`;
  return `${String(nr).padStart(digits)}: ${at(s, s.saddr, s.num)} ${at(s, s.daddr, s.dport)} ${fields} ${owner} ${end}`;
}

/** Sockets that have a port: listeners first. */
function ofKind<S extends InetSock>(st: NetState, kind: new (...a: never[]) => S, family: number): S[] {
  const all = [...st.socks].filter((s): s is S => s instanceof kind && s.family === family && s.num !== 0);
  return [...all.filter((s) => s.state === ST_LISTEN), ...all.filter((s) => s.state !== ST_LISTEN)];
}

function tcpFile(st: NetState, family: number): string {
  const lines = ofKind(st, TcpSock, family).map((s, i) =>
    sockLine(s, i, 4, `${s.file === null ? 1 : 2} ${hex(0, 16)} ${s.state === ST_ESTABLISHED ? 20 : 100} 0 0 10 0`),
  );
  const header = family === AF_INET ? TCP_HEADER : TCP6_HEADER;
  return [header, ...lines].map((l) => `${family === AF_INET ? l.padEnd(149) : l}\n`).join("");
}

function udpFile(st: NetState, family: number): string {
  const lines = ofKind(st, UdpSock, family).map((s) => sockLine(s, s.num, 5, `2 ${hex(0, 16)} ${s.drops}`));
  const header = family === AF_INET ? UDP_HEADER : UDP6_HEADER;
  return [header, ...lines].map((l) => `${family === AF_INET ? l.padEnd(127) : l}\n`).join("");
}

function rawFile(st: NetState, family: number): string {
  const lines = st.raw
    .filter((s) => s.family === family && s.type === SOCK_RAW)
    .map((s) => sockLine(s, s.protocol, 4, `2 ${hex(0, 16)} 0`));
  return [RAW_HEADER, ...lines].map((l) => `${l}\n`).join("");
}

function ifInet6(st: NetState): string {
  let out = "";
  for (const d of st.devs.values())
    for (const a of d.addrs) {
      if (isV4(a.ip)) continue;
      const scope = a.scope === SCOPE_HOST ? 0x10 : a.scope === SCOPE_LINK ? 0x20 : 0;
      const fields = [d.ifindex, a.len, scope, 0x80].map((n) => n.toString(16).padStart(2, "0")).join(" ");
      out += `${a.ip.toString(16).padStart(32, "0")} ${fields} ${d.name.padStart(8)}\n`;
    }
  return out;
}

function ipv6Route(st: NetState): string {
  const full = (ip: bigint): string => ip.toString(16).padStart(32, "0");
  return st.fib.v6
    .map((r) => {
      const flags = 1 | (r.gw !== null ? 2 : 0) | (r.type === "local" ? 0x80200000 : 0);
      const len = r.len.toString(16).padStart(2, "0");
      const words = [r.metric, 1, 0, flags].map((n) => (n >>> 0).toString(16).padStart(8, "0")).join(" ");
      const gw = full(typeof r.gw === "bigint" ? r.gw : 0n);
      return `${full(r.dst as bigint)} ${len} ${full(0n)} 00 ${gw} ${words} ${(r.dev?.name ?? "lo").padStart(8)}\n`;
    })
    .join("");
}

function sockstat(st: NetState): string {
  const socks = [...st.socks];
  const tcp = socks.filter((s): s is TcpSock => s instanceof TcpSock && s.family === AF_INET);
  const tw = tcp.filter((s) => s.state === TCP_TIME_WAIT).length;
  const inuse = tcp.filter((s) => s.num !== 0).length - tw;
  const orphan = tcp.filter((s) => s.orphan && s.state !== TCP_TIME_WAIT).length;
  const udp = socks.filter((s) => s instanceof UdpSock && s.family === AF_INET && s.num !== 0).length;
  const raw = socks.filter((s) => s instanceof RawSock && s.family === AF_INET).length;
  const used =
    socks.filter((s) => s.file !== null).length + [...st.net.unixSocks].filter((s) => s.file !== null).length;
  return (
    `sockets: used ${used}\nTCP: inuse ${inuse} orphan ${orphan} tw ${tw} alloc ${tcp.length - tw} mem 0\n` +
    `UDP: inuse ${udp} mem 0\nUDPLITE: inuse 0\nRAW: inuse ${raw}\nFRAG: inuse 0 memory 0\n`
  );
}

const ARP_HEADER = "IP address       HW type     Flags       HW address            Mask     Device\n";

/** Addresses at the other end of cables that answer. */
function arpFile(st: NetState): string {
  let out = ARP_HEADER;
  for (const d of st.devs.values()) {
    const { peer } = d;
    if (peer === null || !d.carrier) continue;
    for (const a of peer.addrs)
      if (isV4(a.ip))
        out += `${formatIp(a.ip).padEnd(16)} 0x1         0x2         ${peer.address}     *        ${d.name}\n`;
  }
  return out;
}

/** The kernel's own ends of netlink are not shown. */
function netlinkFile(st: NetState): string {
  let out = "sk               Eth Pid        Groups   Rmem     Wmem     Dump  Locks    Drops    Inode\n";
  for (const s of st.netlink) {
    const fields = [String(s.portid).padEnd(10), hex(s.groups, 8).toLowerCase(), String(s.rmem).padEnd(8), "0       "];
    out += `${hex(0, 16)} ${String(s.protocol).padEnd(3)} ${fields.join(" ")} 0     2        0        ${inode(s)}\n`;
  }
  return out;
}

/** The files, each of the namespace of the process whose directory it is in. */
export function procNetFiles(inet: Inet): Record<string, PseudoFile<Task>> {
  const file = (text: (st: NetState) => string): PseudoFile<Task> => ({
    show: (_c, t) => text(inet.of(inet.k.net.of(t))),
  });
  return {
    dev: file(devText),
    route: file(routeFile),
    tcp: file((st) => tcpFile(st, AF_INET)),
    tcp6: file((st) => tcpFile(st, AF_INET6)),
    udp: file((st) => udpFile(st, AF_INET)),
    udp6: file((st) => udpFile(st, AF_INET6)),
    raw: file((st) => rawFile(st, AF_INET)),
    raw6: file((st) => rawFile(st, AF_INET6)),
    if_inet6: file(ifInet6),
    ipv6_route: file(ipv6Route),
    arp: file(arpFile),
    sockstat: file(sockstat),
    netlink: file(netlinkFile),
  };
}

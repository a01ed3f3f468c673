/** What a network namespace has beyond core's part of it. network_namespaces(7). */
import type { Core, NetNamespace } from "@kernelkit/core";
import { Fib } from "./fib.js";
import type { Filter } from "./filter.js";
import type { Inet } from "./inet.js";
import type { InetSock } from "./inetSock.js";
import type { NetDevice } from "./netDevice.js";
import type { NetlinkSock } from "./netlink/netlinkSock.js";
import type { SysfsNet } from "./netSysfs.js";
import { PortTable } from "./ports.js";
import type { RawSock } from "./raw.js";
import type { TcpSock } from "./tcpSock.js";

/** Name of the field on namespaces. */
export const NET_SLOT = "namespaces.net";

// shared until somebody writes: namespaces are made often
const PORT_RANGE: readonly number[] = [32768, 60999];
const NO_GROUPS: readonly number[] = [1, 0];
const TCP_RMEM: readonly number[] = [4096, 131072, 33554432];
const TCP_WMEM: readonly number[] = [4096, 16384, 4194304];

/** Settings below /proc/sys/net that each namespace has. */
export class NetSettings {
  ipForward = 0;
  ipDefaultTtl = 64;
  ipUnprivilegedPortStart = 1024;
  ipLocalPortRange: readonly number[] = PORT_RANGE;
  ipNonlocalBind = 0;
  pingGroupRange: readonly number[] = NO_GROUPS;
  icmpEchoIgnoreAll = 0;
  icmpEchoIgnoreBroadcasts = 1;
  tcpSynRetries = 6;
  tcpSynLinearTimeouts = 4;
  tcpSynackRetries = 5;
  tcpRetries2 = 15;
  tcpFinTimeout = 60;
  tcpMaxSynBacklog = 512;
  tcpRmem: readonly number[] = TCP_RMEM;
  tcpWmem: readonly number[] = TCP_WMEM;
  ipv6Forwarding = 0;
  bindv6only = 0;
  ipv6NonlocalBind = 0;
}

export class NetState {
  /** By ifindex. */
  readonly devs: Map<number, NetDevice> = new Map();
  lastIfindex = 0;
  readonly fib: Fib = new Fib();
  readonly tcp: PortTable = new PortTable();
  readonly udp: PortTable = new PortTable();
  /** Connections by their four numbers. */
  readonly established: Map<string, TcpSock> = new Map();
  readonly raw: RawSock[] = [];
  readonly netlink: NetlinkSock[] = [];
  /** All sockets, in order of making. */
  readonly socks: Set<InetSock> = new Set();
  /** Null: nobody has made a rule. */
  filter: Filter | null = null;
  readonly settings: NetSettings = new NetSettings();
  /** Identification of the next IPv4 packet. */
  ipId = 0;
  /** Its places in sysfs; null: nobody has looked. */
  sysfs: SysfsNet | null = null;

  constructor(
    readonly inet: Inet,
    readonly net: NetNamespace,
  ) {}

  get loopback(): NetDevice {
    return this.devs.get(1) as NetDevice;
  }
  dev(name: string): NetDevice | null {
    for (const d of this.devs.values()) if (d.name === name) return d;
    return null;
  }
}

/** What a namespace has; TypeError if nothing was put there. */
export function netStateOf(k: Core, net: NetNamespace): NetState {
  const st = net.slots[k.net.slots.indexOf(NET_SLOT)];
  if (!(st instanceof NetState)) throw new TypeError("the kernel has no devices: .use(namespaces())");
  return st;
}

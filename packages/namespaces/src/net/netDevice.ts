/** Network devices and their addresses. netdevice(7), ip-link(8), ip-address(8). */
import type { Ip } from "./ip.js";
import type { NetState } from "./netState.js";

export const IFF_UP = 0x1;
export const IFF_BROADCAST = 0x2;
export const IFF_LOOPBACK = 0x8;
export const IFF_RUNNING = 0x40;
export const IFF_NOARP = 0x80;
export const IFF_MULTICAST = 0x1000;
export const IFF_LOWER_UP = 0x10000;

/** Columns of a device's counters, in the order of /proc/net/dev. */
export const RX_BYTES = 0;
export const RX_PACKETS = 1;
export const RX_DROPPED = 3;
export const TX_BYTES = 8;
export const TX_PACKETS = 9;
export const TX_DROPPED = 11;

/** Where an address is valid: RT_SCOPE_. */
export const SCOPE_GLOBAL = 0;
export const SCOPE_LINK = 253;
export const SCOPE_HOST = 254;

export type DeviceKind = "loopback" | "veth" | "dummy";

/** An address of a device. */
export class IfAddr {
  /** Another address of the same network was there first. */
  secondary = false;
  constructor(
    readonly ip: Ip,
    readonly len: number,
    readonly scope: number,
    /** IPv4; 0: none. */
    readonly broadcast: number,
  ) {}
}

export class NetDevice {
  /** IFF_ bits that can be set; RUNNING and LOWER_UP are made by `shownFlags`. */
  flags: number;
  mtu: number;
  txqlen = 1000;
  alias = "";
  readonly addrs: IfAddr[] = [];
  readonly stats: number[] = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0];
  /** The other end of a veth. */
  peer: NetDevice | null = null;
  /** Gone: nothing may be done with it any more. */
  dead = false;

  constructor(
    /** Of the namespace it is in. */
    public st: NetState,
    public name: string,
    public ifindex: number,
    readonly kind: DeviceKind,
    /** "02:1a:...": its hardware address. */
    public address: string,
  ) {
    this.flags =
      kind === "loopback" ? IFF_LOOPBACK : kind === "dummy" ? IFF_BROADCAST | IFF_NOARP : IFF_BROADCAST | IFF_MULTICAST;
    this.mtu = kind === "loopback" ? 65536 : 1500;
  }

  get up(): boolean {
    return (this.flags & IFF_UP) !== 0;
  }
  /** Something is at the other end. */
  get carrier(): boolean {
    return this.up && (this.kind !== "veth" || (this.peer?.up ?? false));
  }
  get shownFlags(): number {
    return this.carrier ? this.flags | IFF_RUNNING | IFF_LOWER_UP : this.flags;
  }
  /** operstate of sysfs. */
  get operstate(): string {
    if (!this.up) return "down";
    if (this.kind !== "veth") return "unknown";
    return this.carrier ? "up" : "lowerlayerdown";
  }
  /** ARPHRD_LOOPBACK, ARPHRD_ETHER. */
  get hardwareType(): number {
    return this.kind === "loopback" ? 772 : 1;
  }
}

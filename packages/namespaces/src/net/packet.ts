/** A packet on its way: what of IP and the protocols above it user space can observe. */
import { type Ip, isV4 } from "./ip.js";
import type { NetDevice } from "./netDevice.js";

export const IPPROTO_ICMP = 1;
export const IPPROTO_TCP = 6;
export const IPPROTO_UDP = 17;
export const IPPROTO_ICMPV6 = 58;

// TCP flags
export const TH_FIN = 1;
export const TH_SYN = 2;
export const TH_RST = 4;
export const TH_PSH = 8;
export const TH_ACK = 0x10;

export class Packet {
  ttl = 64;
  tos = 0;
  id = 0;
  /** Must not be fragmented. */
  df = true;
  mark = 0;
  sport = 0;
  dport = 0;
  /** TCP: flags; sequence numbers count from 0 and never wrap. */
  flags = 0;
  seq = 0;
  ack = 0;
  window = 0;
  /** ICMP. */
  icmpType = 0;
  icmpCode = 0;
  /** ICMP errors: the packet they are about. */
  about: Packet | null = null;

  constructor(
    readonly proto: number,
    readonly src: Ip,
    readonly dst: Ip,
    readonly data: Uint8Array,
  ) {}

  /** Bytes of the protocol's header and data. */
  get payloadLength(): number {
    const header =
      this.proto === IPPROTO_TCP ? 20 + ((this.flags & TH_SYN) !== 0 ? 20 : 12) : this.proto === IPPROTO_UDP ? 8 : 0;
    const quoted = this.about === null ? 0 : 8 + Math.min(this.about.length, 548);
    return header + quoted + this.data.length;
  }
  /** Bytes of the whole packet. */
  get length(): number {
    return (isV4(this.src) ? 20 : 40) + this.payloadLength;
  }
}

/** A packet that has come in by a device and waits for the soft interrupt. */
export class Arrival {
  constructor(
    readonly dev: NetDevice,
    readonly packet: Packet,
  ) {}
}

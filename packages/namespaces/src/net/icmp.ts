/** ICMP as a protocol: answering echo requests, handing errors to the protocol whose packet they are about. icmp(7). */
import type { Protocol } from "./inet.js";
import { isV4 } from "./ip.js";
import { Packet } from "./packet.js";

const ICMP_ECHOREPLY = 0;
const ICMP_ECHO = 8;
const ICMPV6_ECHO_REQUEST = 128;
const ICMPV6_ECHO_REPLY = 129;

/** The internet checksum of a message, whose own field counts as it is. RFC 1071. */
export function checksum(data: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < data.length; i += 2) sum += (data[i] << 8) | (data[i + 1] ?? 0);
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}

export const icmpProtocol: Protocol = {
  receive(st, p) {
    if (p.about !== null) {
      st.inet.protocols.get(p.about.proto)?.error(st, p.about, p.icmpType, p.icmpCode);
      return true;
    }
    const v4 = isV4(p.src);
    if (p.icmpType !== (v4 ? ICMP_ECHO : ICMPV6_ECHO_REQUEST)) return true;
    if (v4 && st.settings.icmpEchoIgnoreAll !== 0) return true;
    const route = st.fib.lookup(p.src);
    if (route === null || route.dev === null || st.fib.lookup(p.dst)?.type !== "local") return true;
    const data = p.data.slice();
    data[0] = v4 ? ICMP_ECHOREPLY : ICMPV6_ECHO_REPLY;
    data[2] = data[3] = 0;
    const sum = checksum(data);
    data[2] = sum >>> 8;
    data[3] = sum & 0xff;
    const reply = new Packet(p.proto, p.dst, p.src, data);
    reply.icmpType = data[0];
    reply.df = false;
    st.inet.output(st, reply, route);
    return true;
  },
  error() {},
};

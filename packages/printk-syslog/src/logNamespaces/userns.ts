/**
 * `userns`, what the discussion agreed on: each user namespace has its log and its consoles; the kernel's own messages stay with the
 * initial one, packets go by the owner of their network namespace. No reference leads from the log to its user namespace.
 */
import { type LogNamespaceDesign, ROUTE_KERNEL, ROUTE_NET_OWNER } from "./design.js";
import { logPerUserNs, nearestLog } from "./perUserNs.js";

export const userns: LogNamespaceDesign = {
  name: "userns",
  printkRoute: ROUTE_KERNEL,
  packetRoute: ROUTE_NET_OWNER,
  ofTask: (p, t) => nearestLog(p, t.cred.userNs),
  ofPrintk: (p) => p.init,
  ofPacket: (p, _t, net) => (net === null ? p.init : nearestLog(p, net.userNs)),
  ofConsole: (p, t) => (t === null ? p.init : nearestLog(p, t.cred.userNs)),
  boot: logPerUserNs,
};

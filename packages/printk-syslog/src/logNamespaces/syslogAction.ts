/**
 * `syslog-action`, 2012: syslog(2) action 11 gives the caller's user namespace a log of its own. The log refers to its user namespace
 * and is referred to by it: neither is ever freed, which was the objection.
 */
import { CAP_SYSLOG, EPERM, fail, nsCapable } from "@kernelkit/core";
import { type LogNamespaceDesign, ROUTE_KERNEL, ROUTE_NET_OWNER } from "./design.js";
import { checkLogLimit, giveLog, nearestLog, ownLog } from "./perUserNs.js";

export const syslogAction: LogNamespaceDesign = {
  name: "syslog-action",
  printkRoute: ROUTE_KERNEL,
  packetRoute: ROUTE_NET_OWNER,
  ofTask: (p, t) => nearestLog(p, t.cred.userNs),
  ofPrintk: (p) => p.init,
  ofPacket: (p, _t, net) => (net === null ? p.init : nearestLog(p, net.userNs)),
  ofConsole: (p) => p.init,
  create(p, t) {
    const { userNs } = t.cred;
    if (!nsCapable(p.k, t, userNs, CAP_SYSLOG)) fail(EPERM);
    // a new user namespace comes first
    if (userNs.parent === null || ownLog(userNs) !== null) return fail(EPERM);
    checkLogLimit(p, userNs.parent);
    giveLog(p, userNs);
    userNs.refs++;
  },
};

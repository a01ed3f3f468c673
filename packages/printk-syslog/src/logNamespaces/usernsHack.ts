/**
 * `userns-hack`, 2010: a ring per user namespace, chosen by the current task for everything - readers and writers, but also printk and
 * packets. A packet that is handled in an interrupt is logged to whoever was interrupted: that is its flaw.
 */
import type { Task } from "@kernelkit/core";
import type { Printk } from "../printk.js";
import type { SyslogNs } from "../syslogNs.js";
import { type LogNamespaceDesign, ROUTE_CURRENT } from "./design.js";
import { logPerUserNs, nearestLog } from "./perUserNs.js";

const ofCurrent = (p: Printk, t: Task | null): SyslogNs => (t === null ? p.init : nearestLog(p, t.cred.userNs));

export const usernsHack: LogNamespaceDesign = {
  name: "userns-hack",
  printkRoute: ROUTE_CURRENT,
  packetRoute: ROUTE_CURRENT,
  ofTask: ofCurrent,
  ofPrintk: ofCurrent,
  ofPacket: ofCurrent,
  ofConsole: (p) => p.init,
  boot: logPerUserNs,
};

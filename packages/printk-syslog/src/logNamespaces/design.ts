/**
 * What a design of log namespaces decides: which log a task's interfaces act on, and into which log a message of the kernel goes.
 * Linux has one log (`none`); the rivals were proposed between 2010 and 2012 and never merged. A design is a static, chosen by the
 * option `logNamespaces`; what it keeps at run time hangs from user namespaces and namespace proxies.
 */
import type { Core, Namespace, Task } from "@kernelkit/core";
import type { Printk } from "../printk.js";
import type { SyslogNs } from "../syslogNs.js";

/** Why a record is in its log, by number in the ring's column `route`. */
export const ROUTE_ONE_LOG = 0;
export const ROUTE_CURRENT = 1;
export const ROUTE_KERNEL = 2;
export const ROUTE_NET_OWNER = 3;
export const ROUTE_NET_STORED = 4;
export const ROUTE_OPEN_FILE = 5;
export const ROUTE_NAMED = 6;

/** In words. */
export const ROUTE_REASONS: readonly string[] = [
  "there is one log",
  "the task that was current when it was logged belongs to this log",
  "messages of the kernel go to the initial log, whoever is current",
  "the user namespace that owns the packet's network namespace has this log",
  "the packet's network namespace was made by a task with this log",
  "the open file it was written to was opened in this log",
  "the caller named this log",
];

export interface LogNamespaceDesign {
  readonly name: LogNamespaces;
  /** Routes of plain printk and of packets. */
  readonly printkRoute: number;
  readonly packetRoute: number;
  /** The log that syslog(2), /dev/kmsg and /proc/kmsg of a task act on. */
  ofTask(p: Printk, t: Task): SyslogNs;
  /** Where printk goes while `current` runs (null: an idle CPU). */
  ofPrintk(p: Printk, current: Task | null): SyslogNs;
  /** Where a line about a packet of network namespace `net` goes (null: the initial one). */
  ofPacket(p: Printk, current: Task | null, net: Namespace | null): SyslogNs;
  /** The log whose records a console prints that a task registers. */
  ofConsole(p: Printk, t: Task | null): SyslogNs;
  /** syslog(2) action 11: a log of its own for the caller's user namespace; may fail(errno). Missing: EINVAL. */
  readonly create?: (p: Printk, t: Task) => void;
  /** Register a namespace type. */
  install?(k: Core, p: Printk): void;
  /** All packages are installed: watch the creation and the end of their namespaces. */
  boot?(k: Core, p: Printk): void;
}

/** Names of the designs. */
export type LogNamespaces = "none" | "userns-hack" | "syslog-action" | "nsproxy" | "userns";

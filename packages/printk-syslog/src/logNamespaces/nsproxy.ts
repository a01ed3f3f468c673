/**
 * `nsproxy`: the log is one of a task's namespaces, made by clone(2) or unshare(2) with CLONE_SYSLOG, without a user namespace. A
 * network namespace remembers the log of the task that made it.
 *
 * CLONE_SYSLOG was proposed on the bit that CLONE_NEWCGROUP has today. It has that bit only where there are no cgroup namespaces,
 * else the one of CLONE_DETACHED, which Linux ignores: `kernel.printk.cloneSyslog` is its value.
 */
import { ENOSPC, fail, type Namespace, type NsCopy, type NsProxy, type NsType, type Task } from "@kernelkit/core";
import type { Printk } from "../printk.js";
import type { SyslogNs } from "../syslogNs.js";
import { type LogNamespaceDesign, ROUTE_KERNEL, ROUTE_NET_STORED } from "./design.js";

const BIT_OF_2012 = 0x02000000;
const CLONE_DETACHED = 0x00400000;
/** Before net, so that one call can make both. */
const ORDER = 4.5;

/** What the nsproxy design keeps. */
export class NsproxyLogs {
  /** Log by network namespace. */
  readonly ofNet: Map<Namespace, SyslogNs> = new Map();
  /** The last log made, for which task, and the proxy it had then: a network namespace made by the same call gets it. */
  made: SyslogNs | null = null;
  madeFor: Task | null = null;
  madeOver: NsProxy | null = null;
}

/** The namespace type, for SyslogNs and the registry. */
export function syslogNsType(p: Printk): NsType {
  return {
    name: "syslog",
    flag: 0,
    symbolicFlag: BIT_OF_2012,
    procNames: ["syslog"],
    index: -1,
    order: ORDER,
    copy(_old: Namespace, of: NsCopy): Namespace {
      let n = 0;
      for (const ns of p.namespaces) if (ns !== p.init && ns.userNs === of.userNs) n++;
      if (n >= p.maxSyslogNs) return fail(ENOSPC);
      const ns = p.newNamespace(of.userNs);
      of.userNs.refs++;
      const logs = p.nsproxyLogs;
      logs.made = ns;
      logs.madeFor = of.task;
      logs.madeOver = of.task.nsproxy;
      return ns;
    },
    put(ns: Namespace): void {
      const logs = p.nsproxyLogs;
      if (logs.made === ns) logs.made = null;
      p.endNamespace(ns as SyslogNs);
      const u = ns.userNs;
      if (--u.refs === 0) u.type.put?.(u);
    },
    install(set, ns) {
      set.ns[ns.type.index] = ns;
    },
  };
}

function ofTask(p: Printk, t: Task): SyslogNs {
  return (t.nsproxy.ns[p.init.type.index] as SyslogNs | undefined) ?? p.init;
}

export const nsproxy: LogNamespaceDesign = {
  name: "nsproxy",
  printkRoute: ROUTE_KERNEL,
  packetRoute: ROUTE_NET_STORED,
  ofTask,
  ofPrintk: (p) => p.init,
  ofPacket(p, _t, net) {
    const ns = net === null ? undefined : p.nsproxyLogs.ofNet.get(net);
    return ns === undefined || ns.ended ? p.init : ns;
  },
  ofConsole: (p, t) => (t === null ? p.init : ofTask(p, t)),
  install(k, p) {
    k.tasks.registerNsType(p.init.type, p.init);
  },
  boot(k, p) {
    const { type } = p.init;
    if (type.flag === 0) {
      type.flag = CLONE_DETACHED;
      k.tasks.nsFlags |= CLONE_DETACHED;
    }
    const net = k.tasks.nsTypes.find((t) => t.name === "net");
    if (net?.copy === undefined) return;
    const { copy, put } = net;
    net.copy = (old, of) => {
      const n = copy(old, of);
      const logs = p.nsproxyLogs;
      const same = logs.made !== null && logs.madeFor === of.task && logs.madeOver === of.task.nsproxy;
      logs.ofNet.set(n, same && logs.made !== null ? logs.made : ofTask(p, of.task));
      return n;
    };
    net.put = (n) => {
      p.nsproxyLogs.ofNet.delete(n);
      put?.(n);
    };
  },
};

/** Logs tied to user namespaces: one is made with each (or on request), and found by going up from a namespace to the nearest that has one. */
import { type Core, ENOSPC, fail, type Namespace, type NsCopy, type UserNamespace } from "@kernelkit/core";
import type { Printk } from "../printk.js";
import type { SyslogNs } from "../syslogNs.js";

/** Key in `UserNamespace.data`. */
const KEY = "syslog";

export function ownLog(u: UserNamespace): SyslogNs | null {
  return (u.data[KEY] as SyslogNs | undefined) ?? null;
}

/** The log of a user namespace or of its nearest ancestor that has one. */
export function nearestLog(p: Printk, u: UserNamespace): SyslogNs {
  for (let n: UserNamespace | null = u; n !== null; n = n.parent) {
    const log = ownLog(n);
    if (log !== null) return log;
  }
  return p.init;
}

/** ENOSPC if the parent has given as many logs as it may. */
export function checkLogLimit(p: Printk, parent: UserNamespace): void {
  let n = 0;
  for (const ns of p.namespaces) if (ns !== p.init && ns.userNs.parent === parent) n++;
  if (n >= p.maxSyslogNs) fail(ENOSPC);
}

export function giveLog(p: Printk, u: UserNamespace): SyslogNs {
  const ns = p.newNamespace(u);
  u.data[KEY] = ns;
  return ns;
}

/** From now on a new user namespace has a log, which ends with it. */
export function logPerUserNs(k: Core, p: Printk): void {
  const { userType } = k.tasks;
  const { copy, put } = userType;
  if (copy === undefined) return;
  userType.copy = (old: Namespace, of: NsCopy) => {
    checkLogLimit(p, old as UserNamespace);
    const u = copy(old, of) as UserNamespace;
    giveLog(p, u);
    return u;
  };
  userType.put = (u: Namespace) => {
    const log = ownLog(u as UserNamespace);
    if (log !== null) p.endNamespace(log);
    put?.(u);
  };
}

/** Who may look at the log: sysctl kernel.dmesg_restrict and CAP_SYSLOG. syslog(2). */
import { CAP_SYSLOG, type Ctx, EPERM, fail, nsCapable } from "@kernelkit/core";
import type { Printk } from "./printk.js";
import { SYSLOG_ACTION_READ_ALL, SYSLOG_ACTION_SIZE_BUFFER } from "./syslogActions.js";

/** EPERM unless the task may do syslog action `type`. Asked before arguments are looked at, for unknown actions too. */
export function checkSyslogPermissions(c: Ctx, p: Printk, type: number): void {
  if (p.dmesgRestrict === 0 && (type === SYSLOG_ACTION_READ_ALL || type === SYSLOG_ACTION_SIZE_BUFFER)) return;
  if (!nsCapable(c.k, c.task, c.k.tasks.initUserNs, CAP_SYSLOG)) fail(EPERM);
}

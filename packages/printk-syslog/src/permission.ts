/** Who may look at a log: sysctl kernel.dmesg_restrict and CAP_SYSLOG in the user namespace that owns the log. syslog(2). */
import {
  CAP_SYS_ADMIN,
  CAP_SYSLOG,
  type Ctx,
  EPERM,
  fail,
  nsCapable,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_SIZE_BUFFER,
} from "@kernelkit/core";
import type { Printk } from "./printk.js";

/** EPERM unless the task may do syslog action `type`. Asked before arguments are looked at, for unknown actions too. */
export function checkSyslogPermissions(c: Ctx, p: Printk, type: number): void {
  if (p.dmesgRestrict === 0 && (type === SYSLOG_ACTION_READ_ALL || type === SYSLOG_ACTION_SIZE_BUFFER)) return;
  const { userNs } = p.nsOf(c.task);
  if (nsCapable(c.k, c.task, userNs, CAP_SYSLOG)) return;
  if (p.semantics !== "6.1" || !nsCapable(c.k, c.task, userNs, CAP_SYS_ADMIN)) fail(EPERM);
  if (p.sysAdminWarned) return;
  p.sysAdminWarned = true;
  const { comm, nr } = c.task;
  p.pr(4, `printk: ${comm} (${nr}): Attempt to access syslog with CAP_SYS_ADMIN but no CAP_SYSLOG (deprecated).`);
}

/**
 * Opening /dev/kmsg for reading. In the designs with log namespaces a task that has CAP_SYSLOG at home may open the log it was given,
 * though it is owned further up; what it does with syslog(2) is checked as ever.
 */
export function checkKmsgReader(c: Ctx, p: Printk): void {
  if (p.design.name !== "none" && nsCapable(c.k, c.task, c.task.cred.userNs, CAP_SYSLOG)) return;
  checkSyslogPermissions(c, p, SYSLOG_ACTION_READ_ALL);
}

/** The kernel operations of namespaces's cases: `name: (s, args, step) => result`. The vocabulary is in the README. */
import type { Namespace, Task } from "@kernelkit/core";
import type { PrintkApi, SyslogNs } from "@kernelkit/printk-syslog";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

/** An opaque number for a log: the same for the same log. */
function identity(s: Session, log: SyslogNs): number {
  const seen = s.state("logs", () => new Map<SyslogNs, number>());
  const known = seen.get(log) ?? seen.size + 1;
  seen.set(log, known);
  return known;
}

const printk = (s: Session): PrintkApi["log"] => s.api<PrintkApi>("printk").log;

export const namespacesOps: KernelOps = {
  /** The log that the task's interfaces act on. */
  task_syslog_ns: (s, args) => {
    const p = printk(s);
    return { ret: identity(s, p.design.ofTask(p, s.task(String((args as unknown[])[0])) as Task)) };
  },
  /** The log that lines about packets of the task's network namespace go to. */
  net_syslog_ns: (s, args) => {
    const p = printk(s);
    const { tasks } = p.k;
    const net = tasks.nsOf(s.task(String((args as unknown[])[0])) as Task, tasks.nsType("net")) as Namespace;
    return { ret: identity(s, p.design.ofPacket(p, null, net)) };
  },
};

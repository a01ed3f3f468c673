/** What `kernelkit demo` shows: the boot log, a short session in the shell, and the score against recorded Linux. */

import { SingleBar } from "cli-progress";
import { failureText, type Progress, type RunReport, runConformance, scoreTable } from "kernelkit-conformance";
import { bootKernel } from "./kernel.js";
import { createShell, shellTask } from "./shell/shell.js";

/** Commands of the session, one after the other in one shell. */
const SESSION: readonly string[] = [
  "uname -a",
  "cat /proc/uptime",
  "echo 'hello from the shell' > /dev/kmsg",
  "sleep 90",
  "cat /proc/uptime",
  "free",
  "mkdir /sys/fs/cgroup/demo && cat /sys/fs/cgroup/demo/cgroup.events",
  "ps",
  "dmesg | tail -3",
];

export interface DemoOptions {
  /** Machine options: CPUs, memory. */
  cpus?: number;
  memory?: string;
  cmdline?: string;
  seed?: number;
  /** Only boot and session. */
  conformance?: boolean;
}

/** Runs the demo; true if no recorded case failed that is not on the known list. */
export async function demo(o: DemoOptions, write: (text: string) => void): Promise<boolean> {
  const kernel = bootKernel({
    machine: { cpus: o.cpus ?? 4, memory: o.memory ?? "4G" },
    cmdline: o.cmdline ?? "loglevel=7",
    seed: o.seed ?? 1,
  });
  const task = shellTask(kernel);
  write(`${kernel.printk.dmesg()}\n`);
  const shell = createShell(kernel, task);
  for (const line of SESSION) {
    write(`# ${line}\n`);
    const r = await shell.exec(line);
    write(r.stdout + r.stderr);
  }
  if (o.conformance === false) return true;
  write("\nRecorded behaviour of real Linux kernels, run against this one:\n");
  const report = await score();
  write(`${failureText(report.packages)}${scoreTable(report.packages)}`);
  return report.ok;
}

async function score(): Promise<RunReport> {
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: "{bar} {value}/{total} {id}", stream: process.stderr })
    : null;
  let started = false;
  const report = await runConformance({}, (p: Progress) => {
    if (bar === null) return;
    if (!started) bar.start(p.total, 0, { id: "" });
    started = true;
    bar.update(p.done, { id: p.id });
  });
  bar?.stop();
  return report;
}

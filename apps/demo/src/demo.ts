/** What `kernelkit demo` shows: the boot log, a short session in the shell, the stories, and the score against recorded Linux. */

import type { MachineOptions } from "@kernelkit/core";
import { SingleBar } from "cli-progress";
import { failureText, type Progress, type RunReport, runConformance, scoreTable } from "kernelkit-conformance";
import { bootKernel } from "./kernel.js";
import { createShell, shellTask } from "./shell/shell.js";
import { tour } from "./tour/tour.js";

/** Commands of the session, one after the other in one shell. */
const SESSION: readonly string[] = [
  "uname -a",
  "cat /proc/uptime",
  "echo 'hello from the shell' > /dev/kmsg",
  "sleep 90",
  "cat /proc/uptime",
  "free",
  "mkdir /sys/fs/cgroup/demo && cat /sys/fs/cgroup/demo/cgroup.events",
  "head -3 /proc/interrupts",
  "cat /sys/class/thermal/thermal_zone*/type",
  "unshare -Urpf --mount-proc ps -ef",
  "stress -c 2 -t 2; vmstat | tail -1",
  "cat /sys/kernel/security/ima/runtime_measurements_count",
  "ps",
  "dmesg | tail -3",
];

export interface DemoOptions {
  machine?: MachineOptions;
  cmdline?: string;
  seed?: number;
  /** Run the stories. Default true. */
  tour?: boolean;
  /** Run the recorded cases. Default true. */
  conformance?: boolean;
}

const NEXT = `
Three commands to try next:
  npm run demo -- boot                     a shell in the kernel: unshare, stress, numactl, vmstat, TAB completes
  npm run demo -- tour jitter              one story with its tables and plots
  npm run demo -- run --layout docker-v2 --memory 512M -- node -p 'process.constrainedMemory()'
`;

/** Runs the demo; true if no recorded case failed that is not on the known list. */
export async function demo(o: DemoOptions, write: (text: string) => void): Promise<boolean> {
  const kernel = bootKernel({
    machine: o.machine ?? { cpus: 4, memory: "4G" },
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
  if (o.tour !== false) {
    write("\nThe stories: rival designs on one workload (`tour STORY` shows one with its tables and plots):\n");
    await tour([], { brief: true }, write);
  }
  let ok = true;
  if (o.conformance !== false) {
    write("\nRecorded behaviour of real Linux kernels, run against this one:\n");
    const report = await score();
    write(`${failureText(report.packages)}${scoreTable(report.packages)}`);
    ok = report.ok;
  }
  write(NEXT);
  return ok;
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

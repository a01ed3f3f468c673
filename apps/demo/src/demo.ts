/** What `kernelkit demo` shows: the boot log, a short session in the shell, the stories, and the score against recorded Linux. */

import type { MachineOptions } from "@kernelkit/core";
import { SingleBar } from "cli-progress";
import { failureText, scoreTable } from "kernelkit-conformance";
import { bootKernel } from "./kernel.js";
import { openPool, score } from "./pool/pool.js";
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
  const pool = openPool();
  try {
    if (o.tour !== false) {
      write("\nThe stories: rival designs on one workload (`tour STORY` shows one with its tables and plots):\n");
      await tour([], { brief: true }, write, pool);
    }
    if (o.conformance === false) return true;
    write("\nRecorded behaviour of real Linux kernels, run against this one:\n");
    const report = await withBar((progress) => score(pool, [], progress));
    write(`${failureText(report.packages)}${scoreTable(report.packages)}`);
    return report.ok;
  } finally {
    await pool.close();
    write(NEXT);
  }
}

/** A progress bar on a terminal, nothing elsewhere. */
export async function withBar<T>(
  run: (progress: (done: number, total: number, name: string) => void) => Promise<T>,
): Promise<T> {
  const bar = process.stderr.isTTY
    ? new SingleBar({ format: "{bar} {value}/{total} {name}", stream: process.stderr, clearOnComplete: true })
    : null;
  bar?.start(1, 0, { name: "" });
  try {
    return await run((done, total, name) => {
      bar?.setTotal(total);
      bar?.update(done, { name });
    });
  } finally {
    bar?.stop();
  }
}

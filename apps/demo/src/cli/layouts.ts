/** `kernelkit export` and `kernelkit run`: what a process in a layout sees, as files for real programs. */
import { setTimeout as delay } from "node:timers/promises";
import { type Command, Option } from "commander";
import { ExportedTree } from "../export/exportTree.js";
import { inScratch, RUN_MODES, type RunMode, runOver } from "../export/runOver.js";
import { type BuiltLayout, bootLayout, LAYOUTS } from "../layouts/layout.js";
import { effectiveLimits, visibleLimits } from "../layouts/limits.js";
import type { LayoutOptions } from "../layouts/options.js";
import { bootOptions, integer, type MachineFlags, prepare, size, withMachine } from "./options.js";

interface LayoutFlags extends MachineFlags {
  readonly layout: string;
  readonly memory?: number;
  readonly memoryHigh?: number;
  readonly swap?: number;
  readonly cpus?: number;
  readonly cpuset?: string;
  readonly mems?: string;
  readonly pids?: number;
  readonly parentMemory?: number;
  readonly parentCpus?: number;
  readonly rss?: number;
  readonly free?: number;
  readonly available?: number;
  readonly hostname?: string;
  readonly uptime: number;
  readonly json?: boolean;
}

function withLayout(c: Command): Command {
  return withMachine(c, "4cpu,2node,8G")
    .addOption(new Option("--layout <name>", "where the process is").choices(LAYOUTS).makeOptionMandatory())
    .option("--memory <size>", "memory limit of its group: 512M", size)
    .option("--memory-high <size>", "memory.high (v1: soft limit)", size)
    .option("--swap <size>", "swap limit, swap alone", size)
    .option("--cpus <n>", "CPU quota: 1.5", Number)
    .option("--cpuset <list>", "CPUs: 0-1")
    .option("--mems <list>", "memory nodes")
    .option("--pids <n>", "limit of processes", integer)
    .option("--parent-memory <size>", "memory limit of the group above: pod, slice, outer container", size)
    .option("--parent-cpus <n>", "CPU quota of the group above", Number)
    .option("--rss <size>", "memory that process 42 uses (default 200M)", size)
    .option("--free <size>", "what MemFree says", size)
    .option("--available <size>", "what MemAvailable says", size)
    .option("--hostname <name>", "its host name")
    .option("--uptime <s>", "how long the machine has been up", integer, 60);
}

/** The layout's options out of the flags: those that were given. */
function layoutOptions(o: LayoutFlags): LayoutOptions {
  const given = <T extends object>(x: T): T =>
    Object.fromEntries(Object.entries(x).filter(([, v]) => v !== undefined)) as T;
  const { memory, memoryHigh, swap, cpus, cpuset, mems, pids, rss, free, available, hostname } = o;
  const parent = given({ memory: o.parentMemory, cpus: o.parentCpus });
  return given({
    memory,
    memoryHigh,
    swap,
    cpus,
    cpuset,
    mems,
    pids,
    rss,
    free,
    available,
    hostname,
    parent,
  }) as LayoutOptions;
}

function build(o: LayoutFlags): BuiltLayout {
  const b = bootLayout(o.layout, { ...bootOptions(o), layout: layoutOptions(o) });
  prepare(b.kernel, o);
  // tools that divide by the time since boot find some
  b.kernel.run(o.uptime * 1e9);
  return b;
}

const told = (b: BuiltLayout): object => ({
  layout: b.name,
  pid: b.task.pid.nrNs(b.kernel.core.tasks.pidNsOf(b.task)),
  hostname: b.hostname,
  env: b.env,
  limits: { visible: visibleLimits(b.kernel, b.task), holding: effectiveLimits(b.kernel, b.task) },
});

/** Let the machine run as real time does, rewriting what changes, until the signal. */
async function live(b: BuiltLayout, tree: ExportedTree, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await delay(everyMs, undefined, { signal }).catch(() => {});
    if (signal.aborted) return;
    b.kernel.run(everyMs * 1e6);
    tree.update();
  }
}

export function addLayouts(program: Command): void {
  withLayout(program.command("export"))
    .description("write /proc and /sys as a process in a layout sees them, as files and links")
    .argument("<dir>", "directory for the tree")
    .option("--live", "keep it current until interrupted: files are rewritten in place")
    .option("--interval <ms>", "how often, and how much virtual time passes each time", integer, 1000)
    .option("--json", "say what was written as JSON")
    .addHelpText(
      "after",
      `
Layouts: ${LAYOUTS.join(", ")}

Examples:
  $ kernelkit export /tmp/tree --layout docker-v2 --memory 512M --cpus 1.5
  $ lscpu -s /tmp/tree
  $ prometheus-node-exporter --path.procfs /tmp/tree/proc --path.sysfs /tmp/tree/sys`,
    )
    .action(async (dir: string, o: LayoutFlags & { live?: boolean; interval: number }) => {
      const b = build(o);
      const tree = new ExportedTree(b.kernel, b.task, dir);
      const entries = tree.update();
      process.stdout.write(
        o.json === true
          ? `${JSON.stringify({ dir, entries, ...told(b) }, null, 1)}\n`
          : `${entries} files, links and directories in ${dir}\n`,
      );
      if (o.live !== true) return;
      const stop = new AbortController();
      for (const s of ["SIGINT", "SIGTERM"] as const) process.once(s, () => stop.abort());
      await live(b, tree, o.interval, stop.signal);
    });

  withLayout(program.command("run"))
    .description("run a real program where it finds the files of a layout")
    .argument("<command...>", "the program and its arguments, behind --")
    .addOption(
      new Option("--mode <mode>", "what is put over the machine's own files").choices(RUN_MODES).default("as-pid"),
    )
    .option("--timeout <ms>", "end the program after this long", integer)
    .addHelpText(
      "after",
      `
Modes:
  as-pid  all of /proc and /sys; the command is process 42 of the simulated machine
  full    all of /proc and /sys; the command is pid 1 of a namespace of its own
  over    single files of /proc, and the machine's directories in /sys (no pid namespace)

Layouts: ${LAYOUTS.join(", ")}

Examples:
  $ kernelkit run --layout docker-v2 --memory 512M -- node -p 'process.constrainedMemory()'
  $ kernelkit run --layout kubernetes-v2 --memory 1G --cpus 2 -- java -XshowSettings:system -version
  $ kernelkit run --layout bare-v2 --machine 64cpu,4node,512G --mode full -- lscpu`,
    )
    .action((command: string[], o: LayoutFlags & { mode: RunMode; timeout?: number }) => {
      const b = build(o);
      const r = inScratch((dir) => {
        new ExportedTree(b.kernel, b.task, dir).update();
        return runOver({
          mode: o.mode,
          dir,
          pid: 42,
          hostname: b.hostname,
          env: b.env,
          command,
          ...(o.timeout !== undefined && { timeoutMs: o.timeout }),
        });
      });
      process.exitCode = r.status ?? 1;
    });
}

/**
 * stress: workloads as tasks of the kernel, with the options and messages of stress 1.0, and `--cpu-load` of stress-ng. Workers are
 * programs, so they run in the machine's time, on its CPUs, under the limits of the group the shell is in.
 */
import * as k from "@kernelkit/core";
import type { AssembledKernel, AssembledSys } from "../../kernel.js";
import { type CommandEnv, CommandFailed, type CommandTable, type Output } from "../command.js";
import { getopt, numberArg, sizeArg, timeArg } from "../getopt.js";
import { exitCodeOf } from "../jobs.js";

type Sys = k.Program<AssembledSys>;

const SLICE_NS = 10_000_000;
/** To fault in and clear a page: about 1 GiB/s. */
const PAGE_NS = 4000;

/** Computes `load` percent of the time. */
const cpuHog = k.program("stress-cpu", function* (sys: Sys, s: { load: number }) {
  for (;;) {
    yield* sys.restPoint(s);
    yield* sys.compute((SLICE_NS * s.load) / 100);
    if (s.load < 100) yield* sys.nanosleep((SLICE_NS * (100 - s.load)) / 100);
  }
});

/** Calls sync. */
const ioHog = k.program("stress-io", function* (sys: Sys, s: Record<string, never>) {
  for (;;) {
    yield* sys.restPoint(s);
    yield* sys.sync();
    yield* sys.compute(100_000);
  }
});

/** Maps memory, touches every page, gives it back (or keeps it). */
const vmHog = k.program(
  "stress-vm",
  function* (sys: Sys, s: { bytes: number; keep: boolean; hangNs: number; at: number }) {
    const pages = Math.ceil(s.bytes / 4096);
    for (;;) {
      yield* sys.restPoint(s);
      if (s.at === 0)
        s.at = Number(yield* sys.mmap(0, s.bytes, k.PROT_READ | k.PROT_WRITE, k.MAP_PRIVATE | k.MAP_ANONYMOUS, -1, 0));
      for (let done = 0; done < pages; done += 4096) {
        yield* sys.touch(s.at + done * 4096, Math.min(4096, pages - done), true);
        yield* sys.compute(Math.min(4096, pages - done) * PAGE_NS);
      }
      if (s.hangNs > 0) yield* sys.nanosleep(s.hangNs);
      if (s.keep) continue;
      yield* sys.munmap(s.at, s.bytes);
      s.at = 0;
    }
  },
);

/** Writes files of a size, one after the other, in its working directory. */
const hddHog = k.program("stress-hdd", function* (sys: Sys, s: { bytes: number; n: number; keep: boolean }) {
  const block = new Uint8Array(65536).fill(0x61);
  for (; ; s.n++) {
    yield* sys.restPoint(s);
    const name = `./stress.${yield* sys.getpid()}.${s.n}`;
    const fd = yield* sys.open(name, k.O_WRONLY | k.O_CREAT | k.O_TRUNC, 0o600);
    if (!s.keep) yield* sys.unlink(name);
    for (let done = 0; done < s.bytes; done += block.length) {
      yield* sys.write(fd, block);
      yield* sys.compute(50_000);
    }
    yield* sys.close(fd);
  }
});

interface Hogs {
  readonly cpu: number;
  readonly io: number;
  readonly vm: number;
  readonly hdd: number;
}

function start(kernel: AssembledKernel, parent: k.Task, hogs: Hogs, o: ReturnType<typeof getopt>): number {
  const size = (name: string, otherwise: string): number => sizeArg(o.get(name) ?? otherwise, name);
  const load = numberArg(o.get("cpu-load") ?? "100", "cpu-load");
  if (load < 1 || load > 100) throw new CommandFailed("FAIL: cpu-load must be 1..100");
  const hangNs = o.has("vm-hang") ? timeArg(o.get("vm-hang") as string) : 0;
  for (let i = 0; i < hogs.cpu; i++) kernel.spawn(cpuHog, { load }, parent);
  for (let i = 0; i < hogs.io; i++) kernel.spawn(ioHog, {}, parent);
  for (let i = 0; i < hogs.vm; i++)
    kernel.spawn(vmHog, { bytes: size("vm-bytes", "256M"), keep: o.has("vm-keep"), hangNs, at: 0 }, parent);
  for (let i = 0; i < hogs.hdd; i++)
    kernel.spawn(hddHog, { bytes: size("hdd-bytes", "1G"), n: 0, keep: o.has("hdd-noclean") }, parent);
  return hogs.cpu + hogs.io + hogs.vm + hogs.hdd;
}

async function stress(args: string[], env: CommandEnv): Promise<Output> {
  const o = getopt(
    "stress",
    args,
    "cpu,c= io,i= vm,m= hdd,d= vm-bytes= vm-hang= vm-keep hdd-bytes= hdd-noclean cpu-load,l= timeout,t= quiet,q verbose,v dry-run,n vm-stride= backoff=",
  );
  const count = (name: string): number => numberArg(o.get(name) ?? "0", name);
  const hogs: Hogs = { cpu: count("cpu"), io: count("io"), vm: count("vm"), hdd: count("hdd") };
  if (Object.values(hogs).every((n) => n === 0))
    throw new CommandFailed(
      "imposes certain types of compute stress on your system\nUsage: stress [--cpu N] [--io N] [--vm N [--vm-bytes B]] [--hdd N [--hdd-bytes B]] [--cpu-load PERCENT] [--timeout N]",
    );
  const { shell, kernel } = env;
  const parent = shell.jobs.fork("stress");
  const nr = shell.numberOf(parent);
  const sys = kernel.sys(parent);
  const quiet = o.has("quiet");
  const say = (text: string): string => (quiet ? "" : `stress: ${text}\n`);
  let stdout = say(`info: [${nr}] dispatching hogs: ${hogs.cpu} cpu, ${hogs.io} io, ${hogs.vm} vm, ${hogs.hdd} hdd`);
  let stderr = "";
  const from = kernel.now;
  const finish = (exitCode: number): Output => {
    if (parent.state !== k.TASK_ZOMBIE && parent.state !== k.TASK_DEAD) sys.exit_group(exitCode);
    shell.jobs.reap(parent);
    return { stdout, stderr, exitCode };
  };
  if (o.has("dry-run")) return finish(0);
  let left = start(kernel, parent, hogs, o);
  const deadline = o.has("timeout") ? from + timeArg(o.get("timeout") as string) : Number.POSITIVE_INFINITY;
  let failed = 0;
  const reap = (): void => {
    for (const child of kernel.tasks.children(parent).filter((t) => t.state === k.TASK_ZOMBIE)) {
      const who = shell.numberOf(child);
      const status = shell.jobs.reap(child) ?? 0;
      left--;
      if (exitCodeOf(status) === 0) continue;
      failed++;
      const why = (status & 127) !== 0 ? `got signal ${status & 127}` : `returned error ${exitCodeOf(status)}`;
      stderr += say(`FAIL: [${nr}] (425) <-- worker ${who} ${why}`);
    }
  };
  const someEnded = (): boolean =>
    parent.state === k.TASK_ZOMBIE ||
    parent.state === k.TASK_DEAD ||
    kernel.tasks.children(parent).some((t) => t.state === k.TASK_ZOMBIE);
  try {
    while (left > 0 && failed === 0 && kernel.now < deadline && !isDead(parent)) {
      await shell.activities.until(someEnded, { deadline, signal: env.signal });
      if (!isDead(parent)) reap();
    }
  } finally {
    for (const child of kernel.tasks.children(parent))
      if (!isDead(child)) env.sys.kill(shell.numberOf(child), k.SIGKILL);
    kernel.runUntil(() => kernel.tasks.children(parent).every(isDead), "1s");
    if (!isDead(parent)) for (const child of kernel.tasks.children(parent)) shell.jobs.reap(child);
  }
  const spent = Math.round((kernel.now - from) / 1e9);
  if (failed > 0) {
    stderr += say(`WARN: [${nr}] (427) now reaping child worker processes`);
    stderr += say(`FAIL: [${nr}] (461) failed run completed in ${spent}s`);
    return finish(1);
  }
  stdout += say(`info: [${nr}] successful run completed in ${spent}s`);
  return finish(0);
}

const isDead = (t: k.Task): boolean => t.state === k.TASK_ZOMBIE || t.state === k.TASK_DEAD;

export const stressCommands: CommandTable = { stress };

import { describe, expect, it } from "vitest";
import { KernelError } from "../abi/errors.js";
import { Rng } from "../lib/rng.js";
import type { Task } from "../task/task.js";
import { TASK_DEAD, TASK_ZOMBIE } from "../task/task.js";
import { createKernel } from "./full.js";
import { pathOfDifference } from "./stateDiff.js";

/** Random calls altogether; the environment raises it. */
const CALLS = Number(process.env["KERNELKIT_HOSTILE_CALLS"] ?? 15_000);

/** Not tried: they end the machine, or are not calls of Linux that misuse could reach. */
const LEFT_OUT = new Set(["reboot", "restPoint", "compute", "kexec_load", "kexec_file_load"]);

type Kernel = ReturnType<ReturnType<typeof createKernel>["boot"]>;

/** Values that break things: of the right types mostly, of every size. */
function hostile(rng: Rng, fds: number): unknown {
  const pick = <T>(a: readonly T[]): T => a[rng.below(a.length)];
  switch (rng.below(12)) {
    case 0:
    case 1:
      return rng.below(fds);
    case 2:
      return pick([
        0,
        1,
        -1,
        2,
        3,
        7,
        8,
        4095,
        4096,
        65536,
        0x7fffffff,
        -0x80000000,
        0xffffffff,
        2 ** 32,
        2 ** 53,
        -4096,
      ]);
    case 3:
      return 1 << rng.below(31);
    case 4:
      return pick([
        "/",
        "/tmp",
        "/tmp/a",
        "/tmp/a/b",
        "",
        ".",
        "..",
        "/proc/self/status",
        "/proc/self/fd/3",
        "/sys/kernel",
        "/dev/null",
        "a\0b",
      ]);
    case 5:
      return pick([
        "/tmp/x",
        "/tmp/y",
        "/tmp/l",
        "x".repeat(300),
        `/${"y/".repeat(2100)}`,
        "/proc/self/mem",
        "/sys/fs/cgroup/g",
        "tmpfs",
      ]);
    case 6:
      return null;
    case 7:
      return new Uint8Array(pick([0, 1, 8, 100, 5000]));
    case 8:
      return undefined;
    case 9:
      return pick<unknown>([[], [0], [1, 2], [null], [{ fd: 3, events: 1 }], ["a", "b"], [0, 8]]);
    case 10:
      return pick<unknown>([
        {},
        { sec: 0, nsec: 1 },
        { sec: -1, nsec: 0 },
        { handler: 1, flags: 0 },
        { flags: 0 },
        { lo: 0, hi: 0 },
        2n ** 63n - 1n,
        5n,
      ]);
    default:
      return rng.below(100) - 50;
  }
}

/** What a failed call may leave: its own record in the task, and the count of what happened. */
const mayDiffer = (path: string): boolean =>
  /^(digest|events|loop)\b/.test(path) || /\.(args(\[\d\])?|call|error|frame|phase|result|waitingFor)$/.test(path);

const misuse = (e: unknown): boolean => e instanceof TypeError && /must be|unknown|allowed/.test(e.message);

function newTask(kernel: Kernel, from: Task): Task {
  const t = kernel.tasks.find(kernel.sys(from).fork()) as Task;
  kernel.sys(t).setrlimit(6, { cur: 60, max: 60 }); // RLIMIT_NPROC, so that a fork bomb stays small
  return t;
}

describe("hostile input", () => {
  it("brings nothing but a KernelError or a named misuse; a failed call changes no state; nothing is left over", () => {
    const kernel = createKernel({ machine: { cpus: 2, memory: "256M" }, limits: { outsideCallNs: 1e9 } }).boot();
    const rng = new Rng("hostile");
    const names = [...kernel.core.syscalls.byName.keys()].filter((n) => !LEFT_OUT.has(n)).sort();
    const tasks: Task[] = Array.from({ length: 20 }, () => newTask(kernel, kernel.init));
    let failed = 0;
    for (let i = 0; i < CALLS; i++) {
      const slot = rng.below(tasks.length);
      const t = tasks[slot];
      if (t.state === TASK_ZOMBIE || t.state === TASK_DEAD || t.program !== null || t.phase !== 0) {
        kernel.core.signals.kill(t);
        kernel.run("1ms");
        tasks[slot] = newTask(kernel, kernel.init);
        continue;
      }
      const name = names[rng.below(names.length)];
      const args = Array.from({ length: rng.below(6) }, () => hostile(rng, 12));
      const watch = rng.below(300) === 0;
      const before = watch ? kernel.core.state.save() : null;
      const p = (() => {
        try {
          return (
            kernel.call(t) as unknown as Record<string, (...a: unknown[]) => { done: boolean; error: Error | null }>
          )[name](...args);
        } catch (e) {
          if (!misuse(e) && !(e instanceof TypeError && /has died|is dead/.test(e.message)))
            throw new Error(
              `${name}(${args.map((a) => (typeof a === "bigint" ? `${a}n` : JSON.stringify(a))?.slice(0, 60)).join(", ")}): ${(e as Error).stack}`,
            );
          return null;
        }
      })();
      if (p?.error != null) {
        expect(p.error).toBeInstanceOf(KernelError);
        failed++;
        if (before !== null) {
          const difference = pathOfDifference(before, kernel.core.state.save(), mayDiffer);
          if (difference !== null)
            throw new Error(
              `${name}(${args.map((a) => String(a)).join(", ")}) failed with ${p.error.message} and changed ${difference}`,
            );
        }
      }
      if (i % 500 === 0) kernel.run("5ms");
    }
    expect(failed).toBeGreaterThan(CALLS / 20);
    for (const t of tasks) kernel.core.signals.kill(t);
    for (const t of kernel.tasks.all()) if (t !== kernel.init && !t.isKthread) kernel.core.signals.kill(t);
    kernel.run("10s");
    for (;;) {
      try {
        kernel.sys(kernel.init).wait4(-1, 1);
      } catch {
        break;
      }
      if (kernel.tasks.all().every((t) => t === kernel.init || t.isKthread)) break;
      kernel.run("100ms");
    }
    expect(
      kernel.tasks
        .all()
        .filter((t) => t !== kernel.init && !t.isKthread)
        .map((t) => `${t.nr} ${t.comm} state ${t.state}`),
    ).toEqual([]);
  });
});

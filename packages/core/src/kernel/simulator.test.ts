import { describe, expect, it } from "vitest";
import type { MachineSys } from "../sys/bareSys.js";
import type { TimeSys } from "../sys/timeSys.js";
import type { Program } from "../sys/types.js";
import { createMachine } from "./createKernel.js";
import { program } from "./program.js";
import { createSimulator } from "./simulator.js";

type Sys = Program<MachineSys & TimeSys>;

const worker = program("simulated", function* (sys: Sys, s: { n: number }) {
  for (; s.n > 0; s.n--) {
    yield* sys.restPoint(s);
    yield* sys.compute(100_000);
    yield* sys.nanosleep(1e6);
  }
});

describe("a simulator", () => {
  it("has the calls of programs and of time, and no others", () => {
    const kernel = createSimulator().boot();
    const names = [...kernel.core.syscalls.byName.keys()];
    expect(names).toEqual(expect.arrayContaining(["compute", "restPoint", "nanosleep", "clock_gettime"]));
    for (const name of ["fork", "kill", "setuid", "sched_setaffinity", "uname"]) expect(names).not.toContain(name);
    kernel.sys(kernel.init).nanosleep(5e6);
    expect(kernel.now).toBe(5e6);
    // @ts-expect-error there is no such call
    expect(kernel.sys(kernel.init).fork).toBeUndefined();
  });

  it("runs programs as the bare machine does, and keeps none that has ended", () => {
    const run = (kernel: ReturnType<ReturnType<typeof createSimulator>["boot"]>): [number[], number] => {
      const before = kernel.tasks.all().length;
      for (let i = 0; i < 50; i++) kernel.spawn(worker, { n: 20 });
      kernel.run("1s");
      return [[...kernel.cpus.times], kernel.tasks.all().length - before];
    };
    const [times, left] = run(createSimulator({ machine: { cpus: 2 } }).boot());
    expect(left).toBe(0);
    expect(Math.max(...times)).toBeGreaterThan(0);
    expect(times).toEqual(run(createMachine({ machine: { cpus: 2 } }).boot())[0]);
  });

  it("is restored in the middle of what it does", () => {
    const kernel = createSimulator({ seed: 3 }).boot();
    kernel.spawn(worker, { n: 300 });
    kernel.run("150ms");
    const saved = JSON.stringify(kernel.checkpoint());
    kernel.run("1s");
    const again = createSimulator({ seed: 3 }).restore(JSON.parse(saved), [worker]);
    again.run("1s");
    expect(again.digest()).toBe(kernel.digest());
    expect(again.tasks.all().length).toBe(kernel.tasks.all().length);
  });
});

import { describe, expect, it } from "vitest";
import { createMachine } from "../kernel/createKernel.js";
import { program } from "../kernel/program.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Program } from "../sys/types.js";

describe("smoke", () => {
  it("forks a driven child that exits and is waited for", () => {
    const kernel = createMachine().boot();
    const a = kernel.tasks.forkDriven();
    const pid = kernel.sys(a).fork();
    expect(pid).toBe(301);
    const b = kernel.tasks.find(pid)!;
    expect(kernel.sys(b).getppid()).toBe(300);
    kernel.sys(b).exit(300);
    const w = kernel.sys(a).wait4(-1);
    expect(w.pid).toBe(301);
    expect(w.status).toBe(44 << 8);
    expect(() => kernel.sys(a).wait4(-1)).toThrow("ECHILD");
  });
  it("runs programs", () => {
    const kernel = createMachine().boot();
    const child = program("child", function* (sys: Program<BareSys>, s: { n: number }) {
      yield* sys.compute(1000);
      return s.n;
    });
    const parent = program("parent", function* (sys: Program<BareSys>, _s: object) {
      const pid = yield* sys.fork(child, { n: 7 });
      const w = yield* sys.wait4(pid, 0);
      return w.status >> 8;
    });
    const t = kernel.spawn(parent, {});
    const p = kernel.call(kernel.init).wait4(t.nr);
    kernel.run("1s");
    expect((p.value as { status: number }).status >> 8).toBe(7);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { builder } from "../kernel/createKernel.js";
import type { Kernel } from "../kernel/kernel.js";
import type { BareSys } from "../sys/bareSys.js";
import type { MemorySys } from "../sys/memorySys.js";
import type { Task } from "../task/task.js";
import { mmPart } from "./part.js";

type K = Kernel<object, BareSys & MemorySys>;

const AT = 0x200000000;
const P = 4096;
const RUNS = Number(process.env.FC_RUNS ?? 60);

/** A machine of two nodes; `singly`: somebody wants to hear of each fault, so none are dealt with in a row. */
function boot(singly: boolean): { k: K; tasks: Task[]; faults: { n: number } } {
  const machine = { cpus: 2, nodes: 2, nodeMemory: ["4M", "4M"], cpuNode: [0, 1] };
  const k = builder<object>([mmPart], { machine, cmdline: "transparent_hugepage=never" }).boot() as unknown as K;
  const faults = { n: 0 };
  if (singly) k.core.hooks.pageFault.tap(950, "test", () => faults.n++);
  const parent = k.init;
  const child = k.tasks.find(k.sys(parent).fork()) as Task;
  return { k, tasks: [parent, child], faults };
}

type Op = readonly [kind: number, who: number, at: number, n: number];
const op: fc.Arbitrary<Op> = fc.tuple(fc.nat(9), fc.nat(1), fc.nat(700), fc.integer({ min: 1, max: 300 }));

function perform({ k, tasks }: ReturnType<typeof boot>, [kind, who, at, n]: Op): string {
  const sys = k.sys(tasks[who]);
  const addr = AT + at * P;
  try {
    if (kind === 0) sys.mmap(addr, n * P, 3, 0x32, -1, 0);
    else if (kind === 1) sys.munmap(addr, n * P);
    else if (kind === 2) sys.madvise(addr, n * P, 4);
    else if (kind === 3) sys.mprotect(addr, n * P, at & 3);
    else if (kind === 4) sys.mmap(addr, n * P, 3, 0x31, -1, 0);
    else sys.touch(addr, n, kind % 2 === 1);
  } catch (e) {
    return (e as { code: string }).code;
  }
  return "";
}

describe("faults in a row", () => {
  it("leave the memory, the counters and the times that single faults leave", () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 40 }), (ops) => {
        const row = boot(false);
        const single = boot(true);
        for (const o of ops) expect(perform(row, o)).toBe(perform(single, o));
        expect(row.k.checkpoint()).toEqual(single.k.checkpoint());
        expect(row.k.digest()).toBe(single.k.digest());
      }),
      { numRuns: RUNS },
    );
  }, 60_000);

  it("stop where the zones come near their low watermark", () => {
    const row = boot(false);
    const single = boot(true);
    for (const b of [row, single]) {
      const sys = b.k.sys(b.k.init);
      sys.mmap(AT, 2040 * P, 3, 0x4032, -1, 0);
      const { mm } = b.k.core;
      // all but a few pages that page tables may need
      sys.touch(AT, mm.zones.reduce((n, z) => n + z.free - z.min, 0) - 12, true);
      expect(mm.read(mm.stat("numa_miss"))).toBeGreaterThan(900);
      for (const z of mm.zones) expect(z.free).toBeLessThan(z.low);
    }
    expect(row.k.checkpoint()).toEqual(single.k.checkpoint());
  });

  it("are told to those who listen to runs, and one by one to those who do not", () => {
    const { k, faults } = boot(true);
    const sys = k.sys(k.init);
    sys.mmap(AT, 64 * P, 3, 0x32, -1, 0);
    sys.touch(AT, 64, true);
    expect(faults.n).toBe(64);
    const other = boot(false);
    let single = 0;
    let inRow = 0;
    other.k.core.hooks.pageFault.tap(950, "test", () => single++, true);
    other.k.core.hooks.faultRun.tap(950, "test", (_mm, n) => {
      inRow += n;
    });
    other.k.sys(other.k.init).mmap(AT, 64 * P, 3, 0x32, -1, 0);
    other.k.sys(other.k.init).touch(AT, 64, true);
    expect(single + inRow).toBe(64);
    expect(inRow).toBeGreaterThan(60);
  });
});

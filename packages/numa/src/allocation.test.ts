import { createKernel, type Mm, MPOL_INTERLEAVE, type Vma } from "@kernelkit/core";
import { expect, it, vi } from "vitest";
import { Hinting } from "./balance/hinting.js";
import { numa } from "./numa.js";
import type { NumaSystem } from "./state.js";
import { STRATEGIES } from "./strategy/strategies.js";

vi.setConfig({ testTimeout: 120_000 });

const AT = 0x200000000;
const PAGES = 16_384;

/** Bytes of the smallest object. */
const SMALLEST = 12;

/** Bytes of heap that a round takes, garbage included: the middle of many rounds, those that were collected in left out. */
function heapPerRound(rounds: number, round: () => void): number {
  const grown: number[] = [];
  for (let i = 0; i < rounds; i++) {
    const before = process.memoryUsage().heapUsed;
    round();
    const by = process.memoryUsage().heapUsed - before;
    if (by >= 0) grown.push(by);
  }
  return grown.sort((a, b) => a - b)[grown.length >> 1];
}

function boot(strategy: (typeof STRATEGIES)[number]) {
  const kernel = createKernel({
    machine: { cpus: 2, nodes: 2, nodeMemory: ["96M", "96M"], cpuNode: [0, 1] },
    cmdline: "transparent_hugepage=never",
  })
    .use(numa({ strategy }))
    .boot();
  kernel.sys(kernel.init).mmap(AT, PAGES * 4096, 3, 0x32, -1, 0);
  return kernel;
}

for (const strategy of STRATEGIES.filter((s) => s !== "none"))
  it(`${strategy}: hint faults allocate nothing each, a million of them under all designs`, () => {
    const kernel = boot(strategy);
    const sys = kernel.sys(kernel.init);
    sys.touch(AT, PAGES, true);
    const hinting = new Hinting((kernel.numa as unknown as { sys: NumaSystem }).sys);
    const mm = kernel.init.mm as Mm;
    const v = mm.vmas.find((x) => x.start === AT) as Vma;
    const rule = { anonOnly: false, skipNode: -1, counts: null, accept: null };
    const round = (): void => {
      hinting.arm(mm, v, AT, AT + PAGES * 4096, rule);
      sys.touch(AT, PAGES, true);
    };
    for (let i = 0; i < 4; i++) round();
    const before = sys.getrusage(0).minflt;
    expect(heapPerRound(9, round) / PAGES).toBeLessThan(SMALLEST / 4);
    expect(sys.getrusage(0).minflt - before).toBeGreaterThan(strategy.startsWith("autonuma") ? 100 : 140_000);
  });

it("three quarters of a million pages under a policy allocate nothing each", () => {
  const kernel = boot("modern");
  const sys = kernel.sys(kernel.init);
  sys.mbind(AT, PAGES * 4096, MPOL_INTERLEAVE, [0, 1], 64, 0);
  const round = (): void => {
    sys.touch(AT, PAGES, true);
    sys.madvise(AT, PAGES * 4096, 4);
  };
  for (let i = 0; i < 8; i++) round();
  expect(heapPerRound(40, round) / PAGES).toBeLessThan(SMALLEST / 4);
});

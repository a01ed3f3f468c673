import { createKernel, type Task } from "@kernelkit/core";
import { expect, it, vi } from "vitest";
import { memcg } from "./memcg.js";

vi.setConfig({ testTimeout: 120_000 });

const AT = 0x200000000;
const PAGES = 4096;
const ROOT = "/sys/fs/cgroup";

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

it("a million charged faults, of pages in a row and of single ones, allocate nothing each", () => {
  const kernel = createKernel({ machine: { cpus: 1, memory: "128M" }, cmdline: "transparent_hugepage=never" })
    .use(memcg())
    .boot();
  const root = kernel.sys(kernel.init);
  root.writeFile(`${ROOT}/cgroup.subtree_control`, "+memory");
  root.mkdir(`${ROOT}/g`, 0o755);
  root.writeFile(`${ROOT}/g/memory.max`, "64M");
  const task = kernel.tasks.find(root.fork()) as Task;
  root.writeFile(`${ROOT}/g/cgroup.procs`, String(task.nr));
  const sys = kernel.sys(task);
  sys.mmap(AT, PAGES * 4096, 3, 0x32);
  const charged = (): number => Number(/pgfault (\d+)/.exec(root.readText(`${ROOT}/g/memory.stat`))?.[1]);
  const round = (singly: boolean): void => {
    for (let i = 0; i < 4; i++) {
      sys.touch(AT, PAGES, true);
      sys.madvise(AT, PAGES * 4096, 4);
    }
    // somebody listens to each fault: none are dealt with in a row
    if (singly) kernel.core.hooks.pageFault.untap("test");
  };
  const before = charged();
  for (let i = 0; i < 12; i++) round(false);
  expect(heapPerRound(40, () => round(false)) / (4 * PAGES)).toBeLessThan(SMALLEST / 4);
  const one = (): void => {
    kernel.core.hooks.pageFault.tap(950, "test", () => {});
    round(true);
  };
  for (let i = 0; i < 6; i++) one();
  expect(heapPerRound(12, one) / (4 * PAGES)).toBeLessThan(SMALLEST / 4);
  expect(charged() - before).toBeGreaterThan(1e6);
});

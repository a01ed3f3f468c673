import { createKernel, MPOL_BIND, MPOL_INTERLEAVE, MPOL_PREFERRED, MPOL_WEIGHTED_INTERLEAVE } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { numa } from "../numa.js";

const AT = 0x200000000;
const PAGES = 700;

/** Three nodes with memory and a task on the second; `singly`: somebody wants to hear of each fault. */
function boot(singly: boolean) {
  const k = createKernel({
    machine: { cpus: 3, nodes: 3, nodeMemory: ["6M", "4M", "5M"], cpuNode: [0, 1, 2] },
    cmdline: "transparent_hugepage=never",
  })
    .use(numa())
    .boot();
  if (singly) k.core.hooks.pageFault.tap(950, "test", () => {});
  const sys = k.sys(k.init);
  sys.sched_setaffinity(0, [1]);
  sys.writeFile("/sys/kernel/mm/mempolicy/weighted_interleave/node2", "5");
  sys.mmap(AT, 2 * PAGES * 4096, 3, 0x4032, -1, 0);
  return { k, sys };
}

describe("pages touched in a row", () => {
  for (const [name, mode, nodes] of [
    ["no policy", -1, []],
    ["MPOL_PREFERRED", MPOL_PREFERRED, [2]],
    ["MPOL_BIND", MPOL_BIND, [0, 2]],
    ["MPOL_INTERLEAVE", MPOL_INTERLEAVE, [0, 1, 2]],
    ["MPOL_WEIGHTED_INTERLEAVE", MPOL_WEIGHTED_INTERLEAVE, [0, 1, 2]],
  ] as const)
    it(`are placed and counted as single ones are: ${name}`, () => {
      const [row, single] = [boot(false), boot(true)];
      for (const { sys } of [row, single]) {
        if (mode >= 0) sys.mbind(AT + 5 * 4096, (2 * PAGES - 5) * 4096, mode, [...nodes], 64, 0);
        sys.touch(AT + 3 * 4096, PAGES, true);
        sys.touch(AT, 2 * PAGES, false);
        // far enough for a node to come near its watermark
        sys.touch(AT, 2 * PAGES, true);
        sys.madvise(AT + 100 * 4096, 300 * 4096, 4);
        sys.touch(AT, PAGES, true);
      }
      const text = ({ sys }: typeof row): string => sys.readText("/proc/1/numa_maps") + sys.readText("/proc/vmstat");
      expect(text(row)).toBe(text(single));
      expect(row.k.checkpoint()).toEqual(single.k.checkpoint());
    });
});

import { O_RDONLY, type OpenFile } from "@kernelkit/core";
import { expect, it } from "vitest";
import { Rig } from "../stories/rig.js";

it("a check of what is measured and good already allocates nothing", () => {
  const rig = new Rig({ cmdline: "ima_policy=tcb ima_appraise_tcb ima_appraise=enforce" });
  rig.write("/mnt/f", "x");
  rig.open("/mnt/f");
  const file = rig.kernel.init.files?.get(rig.sys.open("/mnt/f", O_RDONLY)) as OpenFile;
  const check = rig.kernel.core.hooks.pathOpen.on as (file: OpenFile, mask: number) => number;
  const PER = 10_000;
  const grown: number[] = [];
  // A million checks; the heap is looked at every ten thousand, since a collection hides what was thrown away before it.
  for (let round = 0; round < 100; round++) {
    const before = process.memoryUsage().heapUsed;
    for (let i = 0; i < PER; i++) if (check(file, 4) !== 0) throw new Error("refused");
    grown.push((process.memoryUsage().heapUsed - before) / PER);
  }
  grown.sort((a, b) => a - b);
  // The median: less than the smallest object a check could make.
  expect(grown[50]).toBeLessThan(4);
});

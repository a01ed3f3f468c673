/**
 * What memory costs: faults, with and without a charge, use of what is there, and a machine's frames. Linux is the same from C: a write
 * to untouched private memory, a read of it (zero page). Ours runs through `touch`, a system call for all pages together.
 */

import { type CoreSys, createKernel, type Kernel } from "@kernelkit/core";
import type { Benchmark } from "../../../tooling/bench/src/index.js";

const PAGES = 2048;
const AT = 0x200000000;
const BYTES = PAGES * 4096;

type K = Kernel<object, CoreSys>;

function boot(charge: boolean): K {
  const kernel = createKernel({ machine: { memory: "256M" }, cmdline: "transparent_hugepage=never" }).boot();
  if (charge) kernel.core.hooks.pageCharge.tap(100, "bench", () => 0);
  kernel.sys(kernel.init).mmap(AT, BYTES, 3, 0x32);
  return kernel as unknown as K;
}

/** ns per page of touching fresh memory; giving it back is not counted. */
function faults(charge: boolean, write: boolean): () => number {
  let kernel: K | null = null;
  return () => {
    kernel ??= boot(charge);
    const sys = kernel.sys(kernel.init);
    let ns = 0;
    for (let i = 0; i < 40; i++) {
      const t0 = performance.now();
      sys.touch(AT, PAGES, write);
      ns += (performance.now() - t0) * 1e6;
      sys.madvise(AT, BYTES, 4);
    }
    return ns / (40 * PAGES);
  };
}

const FAULT = { name: "Linux, first write to a page", native: "fault", target: 10 };

const benchmarks: Benchmark[] = [
  { name: "anonymous write fault", unit: "fault", target: 1e9 / 150, timed: faults(false, true), peers: [FAULT] },
  { name: "the same, with a charge hook", unit: "fault", target: 1e9 / 150, timed: faults(true, true), peers: [FAULT] },
  {
    name: "read fault, zero page",
    unit: "fault",
    timed: faults(false, false),
    peers: [{ name: "Linux, first read of a page", native: "fault-zero-page", target: 10 }],
  },
  {
    name: "use of a resident page",
    unit: "page",
    per: PAGES,
    setup: () => {
      const kernel = boot(false);
      const sys = kernel.sys(kernel.init);
      return () => sys.touch(AT, PAGES, true);
    },
    peers: [],
  },
  {
    name: "boot with 64 GiB of memory",
    unit: "boot",
    target: 20,
    timed: () => {
      const t0 = performance.now();
      createKernel({ machine: { memory: "64G" } }).boot();
      return (performance.now() - t0) * 1e6;
    },
    peers: [],
  },
];

export default benchmarks;

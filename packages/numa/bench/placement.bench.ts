/**
 * What placement costs to simulate: arming entries (the scan), hint faults, allocation under a policy, moving and asking about pages,
 * numa_maps. Linux is the same from C where a program can do it: a change of protection walks the same tables as arming, and flushes besides.
 */
import { type CoreSys, createKernel, type Kernel, type Mm, MPOL_INTERLEAVE, PTE_PROTNONE } from "@kernelkit/core";
import type { Benchmark } from "../../../tooling/bench/src/index.js";
import { type ArmRule, Hinting } from "../src/balance/hinting.js";
import type { NumaSys } from "../src/calls/numaSys.js";
import { type NumaApi, numa, type StrategyName } from "../src/index.js";
import type { NumaSystem } from "../src/state.js";

const AT = 0x200000000;
const PAGES = 65_536;
const PAGE = 4096;
type K = Kernel<{ readonly numa: NumaApi }, CoreSys & NumaSys>;

/** A machine of two nodes whose init has `pages` present pages, all on node 0. */
function machine(memory: string, pages: number, strategy: StrategyName = "modern"): K {
  const kernel = createKernel({
    machine: { cpus: 2, nodes: 2, nodeMemory: [memory, memory], cpuNode: [0, 1] },
    cmdline: "transparent_hugepage=never",
  })
    .use(numa({ strategy }))
    .boot() as K;
  const sys = kernel.sys(kernel.init);
  sys.mmap(AT, pages * PAGE, 3, 0x32, -1, 0);
  sys.touch(AT, pages, true);
  return kernel;
}

const kernels = new Map<string, K>();
function kept(key: string, make: () => K): K {
  const k = kernels.get(key) ?? make();
  kernels.set(key, k);
  return k;
}

/** What the strategies arm with, on this machine. */
function hinting(kernel: K): Hinting {
  return new Hinting((kernel.numa as unknown as { sys: NumaSystem }).sys);
}
const rule = (anonOnly: boolean, counts: number[] | null): ArmRule => ({
  anonOnly,
  skipNode: -1,
  counts,
  accept: null,
});

function disarm(kernel: K): void {
  const { fl } = kernel.mm.pt;
  for (let i = 0; i < fl.length; i++) fl[i] &= ~PTE_PROTNONE;
}

/** ns of arming a page. */
function arming(key: string, memory: string, pages: number, r: ArmRule): number {
  const kernel = kept(key, () => machine(memory, pages));
  const mm = kernel.init.mm as Mm;
  const v = mm.vmas.find((x) => x.start === AT);
  if (v === undefined) throw new Error("the area is gone");
  const h = hinting(kernel);
  disarm(kernel);
  const t0 = performance.now();
  const armed = h.arm(mm, v, AT, AT + pages * PAGE, r);
  const ns = ((performance.now() - t0) * 1e6) / pages;
  if (armed !== pages) throw new Error(`${armed} of ${pages} entries armed`);
  return ns;
}

/** ns of a fault on an armed page; the page stays. */
function hintFault(strategy: StrategyName): number {
  const kernel = kept(`fault ${strategy}`, () => machine("512M", PAGES, strategy));
  const mm = kernel.init.mm as Mm;
  const v = mm.vmas.find((x) => x.start === AT);
  if (v === undefined) throw new Error("the area is gone");
  hinting(kernel).arm(mm, v, AT, AT + PAGES * PAGE, rule(false, null));
  const t0 = performance.now();
  kernel.sys(kernel.init).touch(AT, PAGES, true);
  return ((performance.now() - t0) * 1e6) / PAGES;
}

/** ns of a fresh page under a policy. */
function allocation(): number {
  const kernel = kept("policy", () => machine("512M", 0x1000));
  const sys = kernel.sys(kernel.init);
  const at = AT + 0x40000000;
  sys.mmap(at, PAGES * PAGE, 3, 0x32, -1, 0);
  sys.mbind(at, PAGES * PAGE, MPOL_INTERLEAVE, [0, 1], 64, 0);
  const t0 = performance.now();
  sys.touch(at, PAGES, true);
  const ns = ((performance.now() - t0) * 1e6) / PAGES;
  sys.munmap(at, PAGES * PAGE);
  return ns;
}

/** ns of a fresh page where no policy is set. */
function firstTouch(): number {
  const kernel = kept("policy", () => machine("512M", 0x1000));
  const sys = kernel.sys(kernel.init);
  const at = AT + 0x80000000;
  sys.mmap(at, PAGES * PAGE, 3, 0x32, -1, 0);
  const t0 = performance.now();
  sys.touch(at, PAGES, true);
  const ns = ((performance.now() - t0) * 1e6) / PAGES;
  sys.munmap(at, PAGES * PAGE);
  return ns;
}

/** Pages of 64 GiB. */
const ALL = 2 ** 24;

const LIST = 4096;
const addresses = Array.from({ length: LIST }, (_, i) => AT + i * PAGE);
const to0 = addresses.map(() => 0);
const to1 = addresses.map(() => 1);

const GIB = 2 ** 18;

const benchmarks: Benchmark[] = [
  {
    name: "arming scan, 64 MiB",
    unit: "PTE",
    target: 120e6,
    timed: () => arming("small", "512M", 16_384, rule(false, null)),
    peers: [{ name: "Linux, mprotect of present pages", native: "protect-page", target: 10 }],
  },
  {
    name: "arming scan, 1 GiB",
    unit: "PTE",
    target: 120e6,
    timed: () => arming("large", "1536M", GIB, rule(false, null)),
    peers: [{ name: "Linux, mprotect of present pages", native: "protect-page", target: 10 }],
  },
  {
    name: "full scan of a process of 64 GiB, each page",
    unit: "PTE",
    target: ALL / 0.15,
    timed: () => arming("all", "68G", ALL, rule(false, null)),
    bytesPer: () => ({ "page, modern, all columns": kept("all", () => machine("68G", ALL)).mm.bytesPerPage }),
    peers: [],
  },
  {
    name: "arming scan of AutoNUMA, counted by node, 1 GiB",
    unit: "PTE",
    timed: () => arming("large", "1536M", GIB, rule(true, [0, 0])),
    peers: [],
  },
  {
    name: "hint fault, modern",
    unit: "fault",
    target: 8e6,
    timed: () => hintFault("modern"),
    bytesPer: () => bytes(["modern", "autonuma", "autonuma-lazy", "balancenuma", "schednuma"]),
    peers: [{ name: "Linux, first write to a page", native: "fault", target: 10 }],
  },
  { name: "hint fault, balancenuma", unit: "fault", target: 8e6, timed: () => hintFault("balancenuma"), peers: [] },
  { name: "hint fault, autonuma-lazy", unit: "fault", target: 8e6, timed: () => hintFault("autonuma-lazy"), peers: [] },
  {
    name: "allocation under MPOL_INTERLEAVE",
    unit: "page",
    target: 5e6,
    timed: allocation,
    peers: [{ name: "Linux, first write to a page", native: "fault", target: 5 }],
  },
  {
    name: "allocation without a policy",
    unit: "page",
    target: 5e6,
    timed: firstTouch,
    peers: [{ name: "Linux, first write to a page", native: "fault", target: 5 }],
  },
  {
    name: "move_pages, asking",
    unit: "page",
    target: 5e6,
    per: LIST,
    setup: () => {
      const kernel = kept("small", () => machine("512M", 16_384));
      const sys = kernel.sys(kernel.init);
      return () => sys.move_pages(0, addresses, null, 0);
    },
    peers: [{ name: "Linux", native: "move-pages-query", target: 1 }],
  },
  {
    name: "move_pages, moving to and fro",
    unit: "page",
    per: LIST * 2,
    setup: () => {
      const kernel = kept("small", () => machine("512M", 16_384));
      const sys = kernel.sys(kernel.init);
      return () => {
        sys.move_pages(0, addresses, to1, 2);
        sys.move_pages(0, addresses, to0, 2);
      };
    },
    peers: [],
  },
  {
    name: "numa_maps of 1 GiB",
    unit: "read",
    target: 50,
    setup: () => {
      const kernel = kept("large", () => machine("1536M", GIB));
      const sys = kernel.sys(kernel.init);
      return () => sys.readText("/proc/1/numa_maps").length;
    },
    peers: [],
  },
];

/** Bytes that a page of the machine costs under each strategy, core's 16 included. */
function bytes(strategies: readonly StrategyName[]): Record<string, number> {
  return Object.fromEntries(strategies.map((s) => [`page, ${s}`, machine("64M", 16, s).mm.bytesPerPage]));
}

export default benchmarks;

import { describe, expect, it } from "vitest";
import type { Core } from "../kernel/core.js";
import { builder } from "../kernel/createKernel.js";
import type { MachineOptions } from "../kernel/options.js";
import { checkMemory } from "./checkMemory.js";
import { PG_TAIL } from "./frames.js";
import { __GFP_COMP, ALLOC_WAIT, GFP_ATOMIC, GFP_HIGHUSER_MOVABLE, GFP_USER, PAGE_ANON, PAGE_KERNEL } from "./gfp.js";
import { allocCharged, allocPages, CHARGE_FAILED, HOOK_WAIT, putPage } from "./pageAlloc.js";
import { mmPart } from "./part.js";
import { NR_STATS, VMSTAT_NAMES, VMSTAT_SLOTS } from "./vmstat.js";
import { fallbackOrders } from "./zone.js";

function core(machine: MachineOptions = { memory: "32M" }): Core {
  return (builder<object>([mmPart], { machine, cmdline: "transparent_hugepage=never" }).boot() as { core: Core }).core;
}

describe("frames", () => {
  it("cost 16 bytes a page, and what a package adds", () => {
    const k = core();
    expect(k.mm.bytesPerPage).toBe(16);
    k.mm.addColumn("toy", "Uint16")[5] = 7;
    expect(k.mm.bytesPerPage).toBe(18);
    expect(k.mm.columns.get("toy")?.[5]).toBe(7);
    expect(() => k.mm.addColumn("toy", "Uint8")).toThrow(TypeError);
    expect(() => k.mm.addColumn("x", "Float64" as "Uint8")).toThrow(/Uint8/);
  });
});

describe("counters", () => {
  it("are as many as 6.18 shows in /proc/vmstat, each with a number of its own", () => {
    expect(VMSTAT_NAMES.length).toBe(NR_STATS);
    expect(VMSTAT_SLOTS.size).toBe(NR_STATS);
  });
});

describe("zones", () => {
  it("count their free blocks before any frame is touched as afterwards", () => {
    // pieces at both ends of both zones
    const k = core({ nodes: 2, nodeMemory: ["31M", "41484K"], cpus: 2 });
    const { mm } = k;
    const blocks = (): unknown => mm.zones.map((z) => [[...z.nrFree], [...z.heads], z.free, z.virgin, z.virginEnd]);
    const before = blocks();
    expect(mm.zones.map((z) => z.nrFree.reduce((a, n, order) => a + (n << order), z.virginEnd - z.virgin))).toEqual(
      mm.zones.map((z) => z.free),
    );
    expect(mm.frames.flags[0]).not.toBe(0);
    expect(blocks()).toEqual(before);
    expect(() => checkMemory(k)).not.toThrow();
  });
  it("are 16 MiB of DMA, DMA32 up to 4 GiB, and Normal above", () => {
    expect(core({ memory: "6G" }).mm.zones.map((z) => [z.name, z.start, z.end])).toEqual([
      ["DMA", 0, 4096],
      ["DMA32", 4096, 1048576],
      ["Normal", 1048576, 1572864],
    ]);
  });
  it("have watermarks a quarter of min apart", () => {
    const m = core({ memory: "1G" }).mm;
    expect(m.sysctl.minFreeKbytes).toBe(4095);
    for (const z of m.zones) expect([z.low, z.high]).toEqual([z.min + step(z), z.min + 2 * step(z)]);
    function step(z: { min: number; managed: number }): number {
      return Math.max(Math.floor(z.min / 4), Math.floor(z.managed / 1000));
    }
  });
  it("fall back by distance, equally far nodes in turn", () => {
    const flat = Array.from({ length: 4 }, (_, i) => Array.from({ length: 4 }, (_, j) => (i === j ? 10 : 20)));
    expect(fallbackOrders([1, 1, 1, 1], flat)[1]).toEqual([1, 2, 3, 0]);
    expect(fallbackOrders([1, 0, 1, 1], flat)[1]).not.toContain(1);
  });
});

describe("the page allocator", () => {
  it("gives aligned blocks, and merges them again when all are back", () => {
    const k = core();
    const before = k.mm.read(0);
    const got: number[] = [];
    for (const order of [0, 3, 0, 9, 1, 5]) {
      const r = k.mm.request(null, GFP_USER | __GFP_COMP, PAGE_KERNEL);
      r.order = order;
      const pfn = allocPages(k.mm, r);
      expect(pfn % (1 << order)).toBe(0);
      if (order > 0) expect(k.mm.frames.flags[pfn + 1] & PG_TAIL).not.toBe(0);
      got.push(pfn);
    }
    checkMemory(k);
    for (const pfn of got) putPage(k.mm, pfn);
    expect(k.mm.read(0)).toBe(before);
    checkMemory(k);
  });
  it("counts hits, misses and foreign by the node that was wanted and the one that served", () => {
    const k = core({ cpus: 2, nodeMemory: ["16M", "16M"] });
    const m = k.mm;
    let last = 0;
    for (let i = 0; i < 6000; i++) {
      const r = m.request(null, GFP_USER, PAGE_KERNEL);
      r.nid = 1;
      const pfn = allocPages(m, r);
      if (pfn === 0) break;
      last = m.nodeOf(pfn);
    }
    expect(last).toBe(0);
    const of = (name: string, nid: number): number => m.readNode(m.stat(name), nid);
    expect(of("numa_miss", 0)).toBe(of("numa_foreign", 1));
    expect(of("numa_miss", 0)).toBeGreaterThan(0);
    expect(of("numa_hit", 1)).toBe(of("numa_other", 1));
    expect(of("numa_local", 0)).toBe(of("numa_miss", 0));
  });
  it("keeps a reserve from ordinary requests that atomic ones may use", () => {
    const k = core();
    const take = (gfp: number): number => {
      let n = 0;
      while (allocPages(k.mm, k.mm.request(null, gfp, PAGE_KERNEL)) > 0) n++;
      return n;
    };
    take(GFP_USER);
    expect(k.mm.read(0)).toBeGreaterThan(0);
    expect(take(GFP_ATOMIC)).toBeGreaterThan(0);
  });
  it("asks the reclaim hook before it gives up, and stops when the hook sleeps", () => {
    const k = core();
    const held: number[] = [];
    for (;;) {
      const pfn = allocPages(k.mm, k.mm.request(null, GFP_USER, PAGE_KERNEL));
      if (pfn === 0) break;
      held.push(pfn);
    }
    let sleep = false;
    k.hooks.reclaim.tap(100, "toy", () => {
      if (sleep) return HOOK_WAIT;
      for (const pfn of held.splice(0, 64)) putPage(k.mm, pfn);
      return 64;
    });
    expect(allocPages(k.mm, k.mm.request(null, GFP_USER, PAGE_KERNEL))).toBeGreaterThan(0);
    while (held.length > 0) if (allocPages(k.mm, k.mm.request(null, GFP_USER, PAGE_KERNEL)) <= 0) break;
    sleep = true;
    let r = 1;
    while (r > 0) r = allocPages(k.mm, k.mm.request(null, GFP_USER, PAGE_KERNEL));
    expect(r).toBe(ALLOC_WAIT);
    expect(k.mm.depth).toBe(0);
  });
  it("gives the page back when the charge is refused or sleeps", () => {
    const k = core();
    let answer = 12;
    k.hooks.pageCharge.tap(100, "toy", () => answer);
    const before = k.mm.read(0);
    expect(allocCharged(k.mm, k.mm.request(null, GFP_HIGHUSER_MOVABLE, PAGE_ANON))).toBe(CHARGE_FAILED);
    answer = HOOK_WAIT;
    expect(allocCharged(k.mm, k.mm.request(null, GFP_HIGHUSER_MOVABLE, PAGE_ANON))).toBe(ALLOC_WAIT);
    expect(k.mm.read(0)).toBe(before);
    checkMemory(k);
  });
});

describe("checkMemory", () => {
  it("notices a frame that is neither free nor in use", () => {
    const k = core();
    const pfn = allocPages(k.mm, k.mm.request(null, GFP_USER, PAGE_KERNEL));
    k.mm.frames.refcount[pfn] = 0;
    expect(() => checkMemory(k)).toThrow(`frame ${pfn} is lost`);
  });
});

/** The joints that reclaim, swap, placement and userfaultfd stand on, used as those packages use them. */
import { describe, expect, it } from "vitest";
import type { Core } from "../kernel/core.js";
import { builder } from "../kernel/createKernel.js";
import type { Kernel } from "../kernel/kernel.js";
import type { BareSys } from "../sys/bareSys.js";
import type { MemorySys } from "../sys/memorySys.js";
import { checkMemory } from "./checkMemory.js";
import { FAULT_OK } from "./fault.js";
import { followPage } from "./followPage.js";
import { migratePage } from "./migrate.js";
import type { Mm } from "./mm.js";
import { oomBadness, oomScore } from "./oomBadness.js";
import { getPage, putPage } from "./pageAlloc.js";
import { PTE_PROTNONE, pteSlot } from "./pageTable.js";
import { mmPart } from "./part.js";
import type { SwapOps } from "./swap.js";
import { tryToUnmap } from "./unmapPage.js";
import { fillPage } from "./userPage.js";

type K = Kernel<object, BareSys & MemorySys>;
const AT = 0x200000000;
const RW_ANON = [3, 0x32] as const;

function machine(nodeMemory: string[] = ["32M"]): { k: K; core: Core; mm: Mm } {
  const k = builder<BareSys & MemorySys>([mmPart], {
    machine: { nodeMemory, cpus: nodeMemory.length },
  }).boot() as unknown as K;
  return { k, core: k.core, mm: k.init.mm as Mm };
}

describe("swap", () => {
  it("takes a page from every process that maps it and gives it back at the next use", () => {
    const { k, core, mm } = machine();
    const m = core.mm;
    const counts = new Map<number, number>();
    let page = 0;
    const swap: SwapOps = {
      totalPages: () => 100,
      freePages: () => 100 - counts.size,
      cachedPages: () => 0,
      areaLines: () => "",
      swapIn: () => {
        getPage(m, page);
        return page;
      },
      dup: (e) => void counts.set(e, (counts.get(e) ?? 0) + 1),
      free: (e) => void counts.set(e, (counts.get(e) ?? 0) - 1),
    };
    core.contracts.swap = swap;
    const s = k.sys(k.init);
    s.mmap(AT, 4096, ...RW_ANON);
    s.store(AT, "swapped");
    const child = k.tasks.find(s.fork());
    if (child === null) throw new Error("no child");
    page = followPage(m, mm, AT);
    getPage(m, page); // reclaim isolates it
    expect(tryToUnmap(m, page, 9)).toBe(true);
    expect([mm.rss[1], mm.rss[2], counts.get(9)]).toEqual([0, 1, 2]);
    expect(new TextDecoder().decode(s.load(AT, 7))).toBe("swapped");
    k.sys(child).store(AT, "SW");
    expect(new TextDecoder().decode(s.load(AT, 7))).toBe("swapped");
    expect(counts.get(9)).toBe(0);
    expect(k.init.majFlt).toBe(1);
    putPage(m, page);
    checkMemory(core);
  });
  it("leaves locked memory alone", () => {
    const { k, core, mm } = machine();
    const s = k.sys(k.init);
    s.mmap(AT, 4096, ...RW_ANON);
    s.mlock(AT, 4096);
    expect(tryToUnmap(core.mm, followPage(core.mm, mm, AT), 1)).toBe(false);
    checkMemory(core);
  });
});

describe("placement", () => {
  it("moves a page to another node with its contents, mappings and counters", () => {
    const { k, core, mm } = machine(["16M", "16M"]);
    const m = core.mm;
    const s = k.sys(k.init);
    s.mmap(AT, 8192, ...RW_ANON);
    s.store(AT, "moved");
    s.fork();
    const from = followPage(m, mm, AT);
    const to = migratePage(m, null, from, 1 - m.nodeOf(from));
    expect(m.nodeOf(to)).toBe(1 - m.nodeOf(from));
    expect(followPage(m, mm, AT)).toBe(to);
    expect(new TextDecoder().decode(s.load(AT, 5))).toBe("moved");
    expect(m.readNode(m.stat("nr_anon_pages"), m.nodeOf(to))).toBe(1);
    checkMemory(core);
  });
  it("does not move a page that somebody else holds", () => {
    const { k, core, mm } = machine(["16M", "16M"]);
    const s = k.sys(k.init);
    s.mmap(AT, 4096, ...RW_ANON);
    s.touch(AT, 1, true);
    const pfn = followPage(core.mm, mm, AT);
    getPage(core.mm, pfn);
    expect(migratePage(core.mm, null, pfn, 1)).toBe(-11);
    putPage(core.mm, pfn);
    checkMemory(core);
  });
  it("hears of a hinted page once, which is then usable again", () => {
    const { k, core, mm } = machine();
    const s = k.sys(k.init);
    s.mmap(AT, 4096, ...RW_ANON);
    s.touch(AT, 1, true);
    let hints = 0;
    core.hooks.faultHint.tap(200, "toy", () => {
      hints++;
      return FAULT_OK;
    });
    core.mm.pt.fl[pteSlot(core.mm, mm, AT)] |= PTE_PROTNONE;
    s.touch(AT, 1, false);
    s.touch(AT, 1, true);
    expect(hints).toBe(1);
  });
});

describe("userfaultfd", () => {
  it("fills a missing page once: a second time it is there already", () => {
    const { k, core, mm } = machine();
    const s = k.sys(k.init);
    s.mmap(AT, 8192, ...RW_ANON);
    const fill = (addr: number, d: number | "zero page"): unknown => fillPage(core.mm, k.init.ctx, mm, addr, d);
    expect(fill(AT, 65)).toBe(0);
    expect(fill(AT, 66)).toBe(-17);
    expect(fill(AT + 4096, "zero page")).toBe(0);
    expect(fill(AT + 0x100000, 1)).toBe(-2);
    expect([...s.load(AT + 4095, 2)]).toEqual([65, 0]);
    checkMemory(core);
  });
});

describe("oom_score", () => {
  it("is two thirds of 1000 for a tiny process, 0 for one that is never killed, and follows oom_score_adj", () => {
    const { k, core } = machine(["1G"]); // the integer divisions show on small machines
    const t = k.tasks.find(k.sys(k.init).fork());
    if (t === null) throw new Error("no child");
    expect(oomScore(core.mm, t)).toBe(666);
    expect(oomBadness(k.init, 1000)).toBe(null);
    t.signal.oomScoreAdj = -1000;
    expect(oomScore(core.mm, t)).toBe(0);
    t.signal.oomScoreAdj = 1000;
    expect(oomScore(core.mm, t)).toBe(1332);
  });
});

describe("state", () => {
  it("of memory survives a checkpoint: contents, mappings and counters are as before", () => {
    const make = (): K => builder<BareSys & MemorySys>([mmPart], { machine: { memory: "4M" } }).boot() as unknown as K;
    const k = make();
    const s = k.sys(k.init);
    s.mmap(AT, 5 * 4096, ...RW_ANON);
    s.mmap(AT + 0x10000, 4096, 3, 0x31);
    s.store(AT, "private");
    s.store(AT + 0x10000, "shared");
    s.fork();
    const saved = JSON.parse(JSON.stringify(k.checkpoint()));
    const b = builder<BareSys & MemorySys>([mmPart], { machine: { memory: "4M" } }).restore(saved) as unknown as K;
    checkMemory(b.core);
    const r = b.sys(b.init);
    expect(new TextDecoder().decode(r.load(AT, 7))).toBe("private");
    expect(new TextDecoder().decode(r.load(AT + 0x10000, 6))).toBe("shared");
    r.store(AT, "P");
    s.store(AT, "P");
    expect(b.mm.read(0)).toBe(k.mm.read(0));
    checkMemory(b.core);
  });
});

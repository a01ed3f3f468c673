/** The memory.* files of cgroup v2. Kernel document admin-guide/cgroup-v2, "Memory Interface Files". */
import {
  type CgroupFile,
  type Css,
  type Ctx,
  EAGAIN,
  EINVAL,
  Errno,
  fail,
  kstrtoint,
  type OpenFile,
} from "@kernelkit/core";
import { type MemCgroup, S_KERNEL_STACK, S_PAGETABLES, S_PERCPU, S_SLAB, STAT_NAMES, statIndex } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { bytesOf, memparsePages } from "./memparse.js";
import { PAGE_COUNTER_MAX, pageCounterSetLow, pageCounterSetMin } from "./pageCounter.js";
import { reclaimSubtree } from "./reclaim.js";

const of = (css: Css | null): MemCgroup => (css as Css).data as MemCgroup;
const limit = (pages: number): string => (pages === PAGE_COUNTER_MAX ? "max\n" : `${bytesOf(pages)}\n`);
const S_SLAB_SUM = statIndex("slab");
const S_KERNEL = statIndex("kernel");
const FIRST_EVENT = statIndex("workingset_refault_anon");

/** Statistics that are kept by node: counters of pages and objects, and of the working set. */
const NUMA_STATS: readonly number[] = STAT_NAMES.map((_, i) => i).filter(
  (i) =>
    i <= statIndex("workingset_nodereclaim") &&
    !["kernel", "percpu", "sock", "vmalloc", "zswap", "zswapped", "slab"].includes(STAT_NAMES[i]),
);

/** A statistic as memory.stat shows it: bytes, or a number of events. */
export function statValue(m: MemCgroup, i: number): number {
  const s = m.stats;
  if (i === S_SLAB || i === S_PERCPU) return s[i];
  if (i === S_SLAB_SUM) return s[S_SLAB] + s[S_SLAB - 1];
  if (i === S_KERNEL) return (s[S_KERNEL_STACK] + s[S_PAGETABLES]) * 4096 + s[S_PERCPU] + s[S_SLAB] + s[S_SLAB - 1];
  return i < FIRST_EVENT ? s[i] * 4096 : s[i];
}

function statText(s: MemcgSystem, m: MemCgroup): string {
  let out = "";
  for (let i = 0; i < STAT_NAMES.length; i++)
    if (!s.hidden.includes(STAT_NAMES[i])) out += `${STAT_NAMES[i]} ${statValue(m, i)}\n`;
  return out;
}

/** A decimal, octal or hexadecimal number that must be 0 or 1. */
function bit(text: string): boolean {
  const n = kstrtoint(text.trim(), 0);
  return n instanceof Errno || (n !== 0 && n !== 1) ? fail(EINVAL) : n === 1;
}

function lowerMax(s: MemcgSystem, m: MemCgroup, c: Ctx, pages: number): undefined | ReturnType<Ctx["sleep"]> {
  const f = c.frame(() => ({ tries: 16, drained: false }));
  m.memory.max = pages;
  if (m.memory.usage > pages && !f.drained) {
    f.drained = true;
    s.drainAll();
  }
  while (m.memory.usage > pages) {
    if (f.tries > 0) {
      if (reclaimSubtree(s, m, m.memory.usage - pages, false) === 0) f.tries--;
      continue;
    }
    if (!s.oom(m)) return undefined;
    return c.sleep(null, c.k.time.nextTick());
  }
  return undefined;
}

function reclaim(s: MemcgSystem, m: MemCgroup, text: string): void {
  const words = text.trim().split(/\s+/);
  const want = memparsePages(words[0], "\u0000");
  for (const w of words.slice(1)) {
    const v = /^swappiness=(\d+|max)$/.exec(w);
    if (v === null || (v[1] !== "max" && Number(v[1]) > 200)) fail(EINVAL);
  }
  let freed = 0;
  for (let tries = 16; freed < want && tries > 0; ) {
    const n = reclaimSubtree(s, m, want - freed, true);
    freed += n;
    if (n === 0) tries--;
  }
  if (freed < want) fail(EAGAIN);
}

/** The files; `swap` etc. follow the system's options. */
export function v2Files(s: MemcgSystem): CgroupFile[] {
  const own = (name: string, show: (m: MemCgroup, file: OpenFile) => string): CgroupFile => ({
    name,
    mode: 0o444,
    notOnRoot: true,
    show: (_c, _g, css, file) => show(of(css), file),
  });
  const set = (
    name: string,
    show: (m: MemCgroup) => string,
    store: (m: MemCgroup, text: string, c: Ctx) => ReturnType<NonNullable<CgroupFile["store"]>>,
  ): CgroupFile => ({
    name,
    mode: 0o644,
    notOnRoot: true,
    show: (_c, _g, css) => show(of(css)),
    store: (c, _g, css, text) => store(of(css), text, c),
  });
  return [
    own("current", (m) => `${bytesOf(m.memory.usage)}\n`),
    {
      name: "peak",
      mode: 0o644,
      notOnRoot: true,
      show(_c, _g, css, file) {
        const { memory, peaks } = of(css);
        const own = peaks.get(file.serial);
        return `${bytesOf(own === undefined ? memory.watermark : Math.max(own, memory.localWatermark))}\n`;
      },
      store(_c, _g, css, _text, file) {
        const { memory, peaks } = of(css);
        for (const [f, v] of peaks) peaks.set(f, Math.max(v, memory.localWatermark));
        memory.localWatermark = memory.usage;
        peaks.set(file.serial, memory.usage);
      },
    },
    set(
      "min",
      (m) => limit(m.memory.min),
      (m, t) => pageCounterSetMin(m.memory, memparsePages(t, "max")),
    ),
    set(
      "low",
      (m) => limit(m.memory.low),
      (m, t) => pageCounterSetLow(m.memory, memparsePages(t, "max")),
    ),
    set(
      "high",
      (m) => limit(m.memory.high),
      (m, t) => {
        const pages = memparsePages(t, "max");
        m.memory.high = pages;
        for (let i = 0; i < 16 && m.memory.usage > pages; i++) {
          if (i === 0) s.drainAll();
          if (m.memory.usage > pages) reclaimSubtree(s, m, m.memory.usage - pages, false);
        }
      },
    ),
    set(
      "max",
      (m) => limit(m.memory.max),
      (m, t, c) => lowerMax(s, m, c, memparsePages(t, "max")),
    ),
    own("events", (m) => s.eventsText(m.events)),
    own("events.local", (m) => s.eventsText(m.eventsLocal)),
    { name: "stat", mode: 0o444, show: (_c, _g, css) => statText(s, of(css)) },
    {
      name: "numa_stat",
      mode: 0o444,
      show: (_c, _g, css) => NUMA_STATS.map((i) => `${STAT_NAMES[i]} N0=${statValue(of(css), i)}\n`).join(""),
    },
    set(
      "oom.group",
      (m) => `${m.oomGroup ? 1 : 0}\n`,
      (m, t) => {
        m.oomGroup = bit(t);
      },
    ),
    { name: "reclaim", mode: 0o200, store: (_c, _g, css, text) => reclaim(s, of(css), text) },
    own("swap.current", (m) => `${bytesOf(m.swap.usage)}\n`),
    set(
      "swap.high",
      (m) => limit(m.swap.high),
      (m, t) => {
        m.swap.high = memparsePages(t, "max");
      },
    ),
    set(
      "swap.max",
      (m) => limit(m.swap.max),
      (m, t) => {
        m.swap.max = memparsePages(t, "max");
      },
    ),
    own("zswap.current", () => "0\n"),
    set(
      "zswap.max",
      (m) => limit(m.zswapMax),
      (m, t) => {
        m.zswapMax = memparsePages(t, "max");
      },
    ),
    set(
      "zswap.writeback",
      (m) => `${m.zswapWriteback ? 1 : 0}\n`,
      (m, t) => {
        m.zswapWriteback = bit(t);
      },
    ),
    own("swap.events", () => "high 0\nmax 0\nfail 0\n"),
  ];
}

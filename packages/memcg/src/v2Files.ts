/** The memory.* files of cgroup v2. Kernel document admin-guide/cgroup-v2, "Memory Interface Files". */
import { type CgroupFile, type Ctx, EAGAIN, EINVAL, fail, WAIT } from "@kernelkit/core";
import { bitIn, command, limitFile, numberIn, reclaimTo, type StoreResult, setting, shown } from "./counterFiles.js";
import type { MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { bytesOf, memparsePages } from "./memparse.js";
import { outOfMemory } from "./oom.js";
import { PAGE_COUNTER_MAX, type PageCounter, pageCounterSetLow, pageCounterSetMin } from "./pageCounter.js";
import { pressureFiles } from "./pressureFiles.js";
import { BY_PROACTIVE, reclaimSubtree } from "./reclaim.js";
import { S_ZSWAP, STAT_NAMES, shownStat, statIndex } from "./stats.js";
import { statText } from "./statText.js";

const limit = (pages: number): string => (pages === PAGE_COUNTER_MAX ? "max\n" : `${bytesOf(pages)}\n`);
/** A number no limit is: memory.reclaim has no word for one. */
const NO_WORD = "\u0000";

/** Statistics that are kept by node: counters of pages and objects, and of the working set. */
const NUMA_STATS: readonly number[] = STAT_NAMES.map((_, i) => i).filter(
  (i) =>
    i <= statIndex("workingset_nodereclaim") &&
    !["kernel", "percpu", "sock", "vmalloc", "zswap", "zswapped", "slab"].includes(STAT_NAMES[i]),
);

/** A statistic of a node: everything is on the only one, or by where the pages are. */
function nodeStat(m: MemCgroup, i: number, nid: number): number {
  const read = (n: number): number => {
    if (m.byNode === null) return m.total(n);
    let sum = 0;
    for (const g of m.subtree()) sum += (g.byNode as Float64Array)[nid * STAT_NAMES.length + n];
    return sum;
  };
  return shownStat(i, read);
}

function numaStat(s: MemcgSystem, m: MemCgroup): string {
  let out = "";
  for (const i of NUMA_STATS) {
    out += STAT_NAMES[i];
    for (let nid = 0; nid < s.k.mm.nodes; nid++) out += ` N${nid}=${nodeStat(m, i, nid)}`;
    out += "\n";
  }
  return out;
}

/** memory.max below usage: reclaim, then kills until it fits or nobody is left. */
function setMax(s: MemcgSystem, m: MemCgroup, pages: number, c: Ctx): StoreResult {
  m.memory.max = pages;
  while (m.memory.usage > pages) {
    const fits = reclaimTo(s, m, m.memory, pages, c);
    if (fits === "sleep") return WAIT;
    if (fits || !outOfMemory(s, m, null)) return undefined;
    return c.sleep(null, c.k.time.nextTick());
  }
  return undefined;
}

function setHigh(s: MemcgSystem, m: MemCgroup, pages: number, c: Ctx): void {
  m.memory.high = pages;
  for (let i = 0; i < 16 && m.memory.usage > pages; i++) {
    if (i === 0) s.drainAll();
    const want = m.memory.usage - pages;
    if (want > 0) reclaimSubtree(s, m, { want, c, maySwap: true });
  }
}

/** `8M`, `8M swappiness=60`. EINVAL; EAGAIN: less came free. */
function reclaim(s: MemcgSystem, m: MemCgroup, text: string, c: Ctx): void {
  const words = text.trim().split(/\s+/);
  if (words[0] === "") return fail(EINVAL);
  const want = memparsePages(words[0], NO_WORD);
  let swappiness: number | undefined;
  for (const w of words.slice(1)) {
    const v = /^swappiness=(0x[0-9a-f]+|\d+|max)$/i.exec(w);
    if (v === null || !s.era.reclaimSwappiness) return fail(EINVAL);
    swappiness = v[1] === "max" ? 200 : numberIn(v[1], 0, 200);
  }
  let freed = 0;
  for (let tries = 16; freed < want && tries > 0; ) {
    const n = reclaimSubtree(s, m, {
      want: want - freed,
      by: BY_PROACTIVE,
      c,
      maySwap: true,
      ...(swappiness === undefined ? {} : { swappiness }),
    });
    freed += n;
    if (n === 0) {
      tries--;
      s.drainAll();
    }
  }
  if (freed < want) fail(EAGAIN);
}

/** A peak that can be reset for one open file. */
function peakFile(
  name: string,
  counter: (m: MemCgroup) => PageCounter,
  peaks: (m: MemCgroup) => Map<number, number>,
  reset: boolean,
): CgroupFile {
  const show = (m: MemCgroup, file: { serial: number }): string => {
    const own = peaks(m).get(file.serial);
    const c = counter(m);
    return `${bytesOf(own === undefined ? c.watermark : Math.max(own, c.localWatermark))}\n`;
  };
  if (!reset) return shown(name, show);
  return setting(name, show, (m, _text, _c, file) => {
    const c = counter(m);
    for (const [f, v] of peaks(m)) peaks(m).set(f, Math.max(v, c.localWatermark));
    c.localWatermark = c.usage;
    peaks(m).set(file.serial, c.usage);
  });
}

export function v2Files(s: MemcgSystem): CgroupFile[] {
  const max = (name: string, get: (m: MemCgroup) => number, set: (m: MemCgroup, n: number, c: Ctx) => StoreResult) =>
    limitFile(name, "max", limit, get, set);
  return [
    shown("current", (m) => `${bytesOf(m.memory.usage)}\n`),
    peakFile(
      "peak",
      (m) => m.memory,
      (m) => m.peaks,
      s.era.swapPeak,
    ),
    max(
      "min",
      (m) => m.memory.min,
      (m, n) => pageCounterSetMin(m.memory, n),
    ),
    max(
      "low",
      (m) => m.memory.low,
      (m, n) => pageCounterSetLow(m.memory, n),
    ),
    max(
      "high",
      (m) => m.memory.high,
      (m, n, c) => setHigh(s, m, n, c),
    ),
    max(
      "max",
      (m) => m.memory.max,
      (m, n, c) => setMax(s, m, n, c),
    ),
    shown("events", (m) => s.eventsText(m.events)),
    shown("events.local", (m) => s.eventsText(m.eventsLocal)),
    shown(
      "stat",
      (m) => {
        if (s.trace.flush.on) s.trace.flush.emit(m.id);
        return statText(s, m);
      },
      true,
    ),
    shown("numa_stat", (m) => numaStat(s, m), true),
    setting(
      "oom.group",
      (m) => `${m.oomGroup ? 1 : 0}\n`,
      (m, t) => {
        m.oomGroup = bitIn(t);
      },
    ),
    command("reclaim", (m, text, c) => reclaim(s, m, text, c)),
    ...pressureFiles(s),
    shown("swap.current", (m) => `${bytesOf(m.swap.usage)}\n`),
    max(
      "swap.high",
      (m) => m.swap.high,
      (m, n) => {
        m.swap.high = n;
      },
    ),
    max(
      "swap.max",
      (m) => m.swap.max,
      (m, n) => {
        m.swap.max = n;
      },
    ),
    ...(s.era.swapPeak
      ? [
          peakFile(
            "swap.peak",
            (m) => m.swap,
            (m) => m.swapPeaks,
            true,
          ),
        ]
      : []),
    shown("swap.events", (m) => s.swapEventsText(m.events)),
    shown("zswap.current", (m) => `${m.total(S_ZSWAP)}\n`),
    max(
      "zswap.max",
      (m) => m.zswapMax,
      (m, n) => {
        m.zswapMax = n;
      },
    ),
    setting(
      "zswap.writeback",
      (m) => `${m.zswapWriteback ? 1 : 0}\n`,
      (m, t) => {
        m.zswapWriteback = bitIn(t);
      },
    ),
  ];
}

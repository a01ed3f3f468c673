/** The memory.* files of cgroup v1. Kernel document admin-guide/cgroup-v1/memory. */
import { type CgroupFile, type Css, EBUSY, EINVAL, Errno, fail, kstrtoint, kstrtoul } from "@kernelkit/core";
import {
  MEMCG_OOM_KILL,
  type MemCgroup,
  S_ANON,
  S_ANON_THP,
  S_FILE,
  S_FILE_DIRTY,
  S_FILE_MAPPED,
  S_LRU,
  S_PGFAULT,
  S_PGMAJFAULT,
  S_SHMEM,
  S_WRITEBACK,
  statIndex,
} from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { bytesOf, memparsePages } from "./memparse.js";
import { PAGE_COUNTER_MAX, type PageCounter } from "./pageCounter.js";
import { reclaimSubtree } from "./reclaim.js";
import { statValue } from "./v2Files.js";

const of = (css: Css | null): MemCgroup => (css as Css).data as MemCgroup;

/** A number in the range, else EINVAL. */
function numberIn(text: string, min: number, max: number): number {
  const n = kstrtoint(text.trim(), 0);
  return n instanceof Errno || n < min || n > max ? fail(EINVAL) : n;
}

/** Reclaim until the counter fits below `pages`; EBUSY if it does not. */
function resize(s: MemcgSystem, m: MemCgroup, c: PageCounter, pages: number): void {
  if (c.usage > pages) s.drainAll();
  for (let tries = 16; c.usage > pages && tries > 0; ) if (reclaimSubtree(s, m, c.usage - pages, false) === 0) tries--;
  if (c.usage > pages) fail(EBUSY);
  c.max = pages;
}

function leastMax(counter: PageCounter): number {
  let max = PAGE_COUNTER_MAX;
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) max = Math.min(max, c.max);
  return max;
}

const STAT: readonly (readonly [string, number])[] = [
  ["rss", S_ANON],
  ["rss_huge", S_ANON_THP],
  ["shmem", S_SHMEM],
  ["mapped_file", S_FILE_MAPPED],
  ["dirty", S_FILE_DIRTY],
  ["writeback", S_WRITEBACK],
  ["workingset_refault_anon", statIndex("workingset_refault_anon")],
  ["workingset_refault_file", statIndex("workingset_refault_file")],
];

function statLines(m: MemCgroup, prefix: string): string {
  let out = `${prefix}cache ${statValue(m, S_FILE)}\n`;
  for (const [name, i] of STAT) out += `${prefix}${name} ${statValue(m, i)}\n`;
  out += `${prefix}swap ${bytesOf(m.swap.usage)}\n${prefix}swapcached 0\n${prefix}pgpgin ${m.pgpgin}\n${prefix}pgpgout ${m.pgpgout}\n`;
  out += `${prefix}pgfault ${m.stats[S_PGFAULT]}\n${prefix}pgmajfault ${m.stats[S_PGMAJFAULT]}\n`;
  ["inactive_anon", "active_anon", "inactive_file", "active_file", "unevictable"].forEach((n, i) => {
    out += `${prefix}${n} ${m.stats[S_LRU + i] * 4096}\n`;
  });
  return out;
}

/** The own part of the statistics: those of the subtree without the children's. */
function statText(m: MemCgroup): string {
  return (
    statLines(m, "") +
    `hierarchical_memory_limit ${bytesOf(leastMax(m.memory))}\nhierarchical_memsw_limit ${bytesOf(leastMax(m.memsw))}\n` +
    statLines(m, "total_")
  );
}

export function v1Files(s: MemcgSystem): CgroupFile[] {
  const usage = (name: string, of2: (m: MemCgroup) => PageCounter): CgroupFile[] => [
    { name: `${name}usage_in_bytes`, mode: 0o444, show: (_c, _g, css) => `${bytesOf(of2(of(css)).usage)}\n` },
    {
      name: `${name}max_usage_in_bytes`,
      mode: 0o644,
      show: (_c, _g, css) => `${bytesOf(of2(of(css)).watermark)}\n`,
      store(_c, _g, css) {
        s.drainAll();
        const c = of2(of(css));
        c.watermark = c.usage;
      },
    },
    {
      name: `${name}failcnt`,
      mode: 0o644,
      show: (_c, _g, css) => `${of2(of(css)).failcnt}\n`,
      store(_c, _g, css) {
        of2(of(css)).failcnt = 0;
      },
    },
  ];
  const limit = (
    name: string,
    counter: (m: MemCgroup) => PageCounter,
    set: (m: MemCgroup, n: number) => void,
  ): CgroupFile => ({
    name,
    mode: 0o644,
    show: (_c, _g, css) => `${bytesOf(counter(of(css)).max)}\n`,
    store: (_c, g, css, text) => {
      const pages = memparsePages(text, "-1");
      if (g.parent === null) fail(EINVAL);
      set(of(css), pages);
    },
  });
  const number = (
    name: string,
    get: (m: MemCgroup) => number,
    set: (m: MemCgroup, n: number) => void,
    max: number,
  ): CgroupFile => ({
    name,
    mode: 0o644,
    show: (_c, _g, css) => `${get(of(css))}\n`,
    store: (_c, _g, css, text) => set(of(css), numberIn(text, 0, max)),
  });
  return [
    ...usage("", (m) => m.memory),
    limit(
      "limit_in_bytes",
      (m) => m.memory,
      (m, n) => {
        if (n > m.memsw.max) fail(EINVAL);
        resize(s, m, m.memory, n);
      },
    ),
    ...usage("memsw.", (m) => m.memsw),
    limit(
      "memsw.limit_in_bytes",
      (m) => m.memsw,
      (m, n) => {
        if (n < m.memory.max) fail(EINVAL);
        resize(s, m, m.memsw, n);
      },
    ),
    {
      name: "soft_limit_in_bytes",
      mode: 0o644,
      show: (_c, _g, css) => `${bytesOf(of(css).softLimit)}\n`,
      store(_c, _g, css, text) {
        of(css).softLimit = memparsePages(text, "-1");
      },
    },
    {
      name: "kmem.usage_in_bytes",
      mode: 0o444,
      show: (_c, _g, css) => `${statValue(of(css), statIndex("kernel"))}\n`,
    },
    ...usage("kmem.", (m) => m.kmem).slice(1),
    {
      name: "kmem.limit_in_bytes",
      mode: 0o644,
      show: () => `${bytesOf(PAGE_COUNTER_MAX)}\n`,
      store: (_c, _g, _css, text) => void memparsePages(text, "-1"),
    },
    { name: "kmem.slabinfo", mode: 0o444, show: () => "" },
    ...usage("kmem.tcp.", (m) => m.tcpmem),
    limit(
      "kmem.tcp.limit_in_bytes",
      (m) => m.tcpmem,
      (m, n) => resize(s, m, m.tcpmem, n),
    ),
    { name: "stat", mode: 0o444, show: (_c, _g, css) => statText(of(css)) },
    number(
      "swappiness",
      (m) => m.swappiness,
      (m, n) => {
        m.swappiness = n;
      },
      200,
    ),
    {
      name: "use_hierarchy",
      mode: 0o644,
      show: () => "1\n",
      store: (_c, _g, _css, text) => void numberIn(text, 1, 1),
    },
    {
      name: "move_charge_at_immigrate",
      mode: 0o644,
      show: () => "0\n",
      store(_c, _g, _css, text) {
        const n = kstrtoul(text.trim(), 0);
        if (n instanceof Errno || n !== 0n) fail(EINVAL);
      },
    },
    {
      name: "force_empty",
      mode: 0o200,
      store(_c, g, css) {
        if (g.parent === null) fail(EINVAL);
        s.drainAll();
        const m = of(css);
        for (let tries = 5; m.memory.usage > 0 && tries > 0; tries--)
          if (reclaimSubtree(s, m, m.memory.usage, false) === 0) break;
      },
    },
    {
      name: "oom_control",
      mode: 0o644,
      show: (_c, _g, css) =>
        `oom_kill_disable ${of(css).oomKillDisable ? 1 : 0}\nunder_oom 0\noom_kill ${of(css).eventsLocal[MEMCG_OOM_KILL]}\n`,
      store(_c, g, css, text) {
        const n = numberIn(text, 0, 1);
        if (g.parent === null) fail(EINVAL);
        of(css).oomKillDisable = n === 1;
      },
    },
    { name: "pressure_level", mode: 0o444 },
  ];
}

/** memory.stat and memory.numa_stat of v1: the group alone, then with all below it. Kernel document admin-guide/cgroup-v1/memory, "stat file". */
import {
  LRU_ACTIVE_ANON,
  LRU_ACTIVE_FILE,
  LRU_INACTIVE_ANON,
  LRU_INACTIVE_FILE,
  LRU_UNEVICTABLE,
  type MemCgroup,
} from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { bytesOf } from "../memparse.js";
import { PAGE_COUNTER_MAX, type PageCounter } from "../pageCounter.js";
import { S_LRU, STAT_NAMES, shownStat, statIndex } from "../stats.js";

/** The lowest limit from here to the root. */
function leastMax(counter: PageCounter): string {
  let max = PAGE_COUNTER_MAX;
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) max = Math.min(max, c.max);
  return bytesOf(max);
}

/** Names of the file, and the statistic behind each; "swap" is counted apart. */
const LINES: readonly (readonly [string, string])[] = [
  ["cache", "file"],
  ["rss", "anon"],
  ["rss_huge", "anon_thp"],
  ["shmem", "shmem"],
  ["mapped_file", "file_mapped"],
  ["dirty", "file_dirty"],
  ["writeback", "file_writeback"],
  ["workingset_refault_anon", "workingset_refault_anon"],
  ["workingset_refault_file", "workingset_refault_file"],
  ["swap", ""],
  ["swapcached", "swapcached"],
  ["pgpgin", "pgpgin"],
  ["pgpgout", "pgpgout"],
  ["pgfault", "pgfault"],
  ["pgmajfault", "pgmajfault"],
  ["inactive_anon", "inactive_anon"],
  ["active_anon", "active_anon"],
  ["inactive_file", "inactive_file"],
  ["active_file", "active_file"],
  ["unevictable", "unevictable"],
];

function swapOf(m: MemCgroup, below: boolean): number {
  let n = m.swapEntries;
  if (below) for (const k of m.kids) n += swapOf(k, true);
  return n;
}

function lines(m: MemCgroup, below: boolean): string {
  const prefix = below ? "total_" : "";
  const read = (i: number): number => (below ? m.total(i) : m.local[i]);
  let out = "";
  for (const [name, stat] of LINES) {
    const value = stat === "" ? swapOf(m, below) * 4096 : shownStat(statIndex(stat), read);
    out += `${prefix}${name} ${value}\n`;
  }
  return out;
}

export function legacyStat(m: MemCgroup): string {
  return (
    lines(m, false) +
    `hierarchical_memory_limit ${leastMax(m.memory)}\nhierarchical_memsw_limit ${leastMax(m.memsw)}\n` +
    lines(m, true)
  );
}

const GROUPS: readonly (readonly [string, readonly number[]])[] = [
  ["total", [LRU_INACTIVE_ANON, LRU_ACTIVE_ANON, LRU_INACTIVE_FILE, LRU_ACTIVE_FILE, LRU_UNEVICTABLE]],
  ["file", [LRU_INACTIVE_FILE, LRU_ACTIVE_FILE]],
  ["anon", [LRU_INACTIVE_ANON, LRU_ACTIVE_ANON]],
  ["unevictable", [LRU_UNEVICTABLE]],
];

/** Pages of some lists on a node. */
function onNode(m: MemCgroup, lrus: readonly number[], nid: number): number {
  let n = 0;
  for (const lru of lrus) n += m.byNode === null ? m.size[lru] : m.byNode[nid * STAT_NAMES.length + S_LRU + lru];
  return n;
}

export function legacyNumaStat(s: MemcgSystem, m: MemCgroup): string {
  let out = "";
  for (const below of [false, true]) {
    const groups = below ? [...m.subtree()] : [m];
    for (const [name, lrus] of GROUPS) {
      const nodes = Array.from({ length: s.k.mm.nodes }, (_, nid) =>
        groups.reduce((n, g) => n + onNode(g, lrus, nid), 0),
      );
      const sum = nodes.reduce((a, b) => a + b, 0);
      out += `${below ? "hierarchical_" : ""}${name}=${sum}${nodes.map((n, nid) => ` N${nid}=${n}`).join("")}\n`;
    }
  }
  return out;
}

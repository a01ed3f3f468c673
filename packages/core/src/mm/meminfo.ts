/** Memory in kB: /proc/meminfo and the meminfo of a node. proc_meminfo(5). */
import type { Core } from "../kernel/core.js";
import { padLeft } from "../lib/text.js";
import { RESERVED_PFNS } from "./frames.js";
import type { MmSystem } from "./mmSystem.js";
import { commitLimit } from "./overcommit.js";
import {
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  NR_FILE_DIRTY,
  NR_FILE_MAPPED,
  NR_FILE_PAGES,
  NR_FREE_PAGES,
  NR_KERNEL_STACK_KB,
  NR_LRU_BASE,
  NR_MLOCK,
  NR_PAGETABLE,
  NR_SHMEM,
  NR_WRITEBACK,
} from "./vmstat.js";

/** What can be had without swapping, pages: free memory and clean caches less what is kept back. `si_mem_available()` */
export function memAvailable(m: MmSystem): number {
  let low = 0;
  for (const z of m.zones) low += z.low;
  const free = m.read(NR_FREE_PAGES) - m.totalReserve;
  const cache = m.read(NR_LRU_BASE + 2) + m.read(NR_LRU_BASE + 3);
  const slab = m.read(m.stat("nr_slab_reclaimable")) + m.read(m.stat("nr_kernel_misc_reclaimable"));
  const half = (n: number): number => n - Math.min(Math.floor(n / 2), low);
  return Math.max(0, free + half(cache) + half(slab));
}

/** Lines that are not kept in pages: `k.mm.meminfo` may have them, in kB. */
function given(m: MmSystem, name: string, otherwise = 0): number {
  return m.meminfo.get(name)?.() ?? otherwise;
}

/** A row: the key and the label with its blanks. */
type Rows = readonly (readonly [name: string, label: string])[];

function rows(names: string): Rows {
  return names.split(" ").map((name) => [name, `${name}:`.padEnd(16)]);
}

/** Rows that the machine and its nodes have in common, by name, in kB; `r` reads a counter. */
function shared(m: MmSystem, r: (slot: number) => number) {
  const lru = (i: number): number => r(NR_LRU_BASE + i) * 4;
  const pages = (name: string): number => r(m.stat(name)) * 4;
  return {
    Active: lru(1) + lru(3),
    Inactive: lru(0) + lru(2),
    "Active(anon)": lru(1),
    "Inactive(anon)": lru(0),
    "Active(file)": lru(3),
    "Inactive(file)": lru(2),
    Unevictable: lru(4),
    Mlocked: r(NR_MLOCK) * 4,
    Dirty: r(NR_FILE_DIRTY) * 4,
    Writeback: r(NR_WRITEBACK) * 4,
    FilePages: r(NR_FILE_PAGES) * 4,
    Mapped: r(NR_FILE_MAPPED) * 4,
    AnonPages: r(NR_ANON_MAPPED) * 4,
    Shmem: r(NR_SHMEM) * 4,
    KernelStack: r(NR_KERNEL_STACK_KB),
    PageTables: r(NR_PAGETABLE) * 4,
    SecPageTables: pages("nr_sec_page_table_pages"),
    NFS_Unstable: 0,
    Bounce: 0,
    WritebackTmp: 0,
    KReclaimable: pages("nr_slab_reclaimable") + pages("nr_kernel_misc_reclaimable"),
    Slab: pages("nr_slab_reclaimable") + pages("nr_slab_unreclaimable"),
    SReclaimable: pages("nr_slab_reclaimable"),
    SUnreclaim: pages("nr_slab_unreclaimable"),
    AnonHugePages: r(NR_ANON_THPS) * 4,
    ShmemHugePages: pages("nr_shmem_hugepages"),
    ShmemPmdMapped: pages("nr_shmem_pmdmapped"),
    FileHugePages: pages("nr_file_hugepages"),
    FilePmdMapped: pages("nr_file_pmdmapped"),
  };
}

function lines(values: Record<string, number>, names: Rows, prefix = ""): string {
  let s = "";
  for (const [name, label] of names) s += `${prefix}${label}${padLeft(values[name], 8)} kB\n`;
  return s;
}

/** Labels of /proc/meminfo, with their blanks. */
const MEMINFO: readonly string[] = /* @__PURE__ */ rows(
  "MemTotal MemFree MemAvailable Buffers Cached SwapCached Active Inactive Active(anon) Inactive(anon) Active(file) " +
    "Inactive(file) Unevictable Mlocked SwapTotal SwapFree Zswap Zswapped Dirty Writeback AnonPages Mapped Shmem KReclaimable " +
    "Slab SReclaimable SUnreclaim KernelStack PageTables SecPageTables NFS_Unstable Bounce WritebackTmp CommitLimit " +
    "Committed_AS VmallocTotal VmallocUsed VmallocChunk Percpu AnonHugePages ShmemHugePages ShmemPmdMapped FileHugePages " +
    "FilePmdMapped Balloon DirectMap4k DirectMap2M DirectMap1G",
).map(([, label]) => label);
/** There are no reserved huge pages. */
const HUGEPAGES =
  "HugePages_Total:       0\nHugePages_Free:        0\nHugePages_Rsvd:        0\nHugePages_Surp:        0\n" +
  "Hugepagesize:       2048 kB\nHugetlb:               0 kB\n";
/** Line of a number that is always the same, and longer than others. */
const VMALLOC_TOTAL = 35;
const NODE_MEMINFO: Rows = /* @__PURE__ */ rows(
  "MemTotal MemFree MemUsed SwapCached Active Inactive Active(anon) Inactive(anon) Active(file) Inactive(file) Unevictable " +
    "Mlocked Dirty Writeback FilePages Mapped AnonPages Shmem KernelStack PageTables SecPageTables NFS_Unstable Bounce " +
    "WritebackTmp KReclaimable Slab SReclaimable SUnreclaim AnonHugePages ShmemHugePages ShmemPmdMapped FileHugePages " +
    "FilePmdMapped",
);

/** Values of /proc/meminfo in the order of its lines (those without a label of their own excepted), kB. */
export function meminfoValues(k: Core): number[] {
  const m = k.mm;
  const v = shared(m, (slot) => m.read(slot));
  const { swap } = k.contracts;
  const swapCached = (swap?.cachedPages() ?? 0) * 4;
  const buffers = given(m, "Buffers");
  const physical = m.frames.nr * 4;
  const map1G = Math.floor(physical / 1048576) * 1048576;
  const map2M = Math.floor((physical - map1G) / 2048) * 2048;
  return [
    m.totalram * 4,
    m.read(NR_FREE_PAGES) * 4,
    memAvailable(m) * 4,
    buffers,
    Math.max(0, v.FilePages - swapCached - buffers),
    swapCached,
    v.Active,
    v.Inactive,
    v["Active(anon)"],
    v["Inactive(anon)"],
    v["Active(file)"],
    v["Inactive(file)"],
    v.Unevictable,
    v.Mlocked,
    (swap?.totalPages() ?? 0) * 4,
    (swap?.freePages() ?? 0) * 4,
    given(m, "Zswap"),
    given(m, "Zswapped"),
    v.Dirty,
    v.Writeback,
    v.AnonPages,
    v.Mapped,
    v.Shmem,
    v.KReclaimable,
    v.Slab,
    v.SReclaimable,
    v.SUnreclaim,
    v.KernelStack,
    v.PageTables,
    v.SecPageTables,
    v.NFS_Unstable,
    v.Bounce,
    v.WritebackTmp,
    commitLimit(m) * 4,
    m.committed * 4,
    34359738367,
    given(m, "VmallocUsed"),
    0,
    given(m, "Percpu"),
    v.AnonHugePages,
    v.ShmemHugePages,
    v.ShmemPmdMapped,
    v.FileHugePages,
    v.FilePmdMapped,
    m.read(m.stat("nr_balloon_pages")) * 4,
    physical - map1G - map2M,
    map2M,
    map1G,
  ];
}

/** /proc/meminfo. */
export function meminfoText(k: Core): string {
  const kb = meminfoValues(k);
  let s = "";
  for (let i = 0; i < kb.length; i++) {
    // huge pages stand before the map of physical memory
    if (i === kb.length - 3) s += HUGEPAGES;
    s += `${MEMINFO[i]}${padLeft(kb[i], 8)} kB\n`;
  }
  return s;
}

/**
 * /proc/meminfo as bytes: all numbers have a place of eight digits, so a text that was made once (`last`) is filled in anew.
 * null: a number does not fit.
 */
export function meminfoBytes(k: Core, last: Uint8Array): Uint8Array | null {
  const kb = meminfoValues(k);
  if (last.length !== kb.length * 28 + 3 + HUGEPAGES.length) return null;
  let end = 0;
  for (let i = 0; i < kb.length; i++) {
    let v = kb[i];
    end += 24;
    if (i === VMALLOC_TOTAL) end += 3;
    else {
      if (i === kb.length - 3) end += HUGEPAGES.length;
      if (v >= 1e8) return null;
      let p = end;
      do {
        const q = Math.floor(v / 10);
        last[--p] = 48 + v - q * 10;
        v = q;
      } while (v > 0);
      while (p > end - 8) last[--p] = 32;
    }
    end += 4;
  }
  return last;
}

/** /sys/devices/system/node/nodeN/meminfo. */
export function nodeMeminfoText(k: Core, nid: number): string {
  const m = k.mm;
  const v: Record<string, number> = shared(m, (slot) => m.readNode(slot, nid));
  v.MemTotal = m.zones.reduce((a, z) => a + (z.nid === nid ? z.managed : 0), nid === 0 ? RESERVED_PFNS : 0) * 4;
  v.MemFree = m.readNode(NR_FREE_PAGES, nid) * 4;
  v.MemUsed = v.MemTotal - v.MemFree;
  v.SwapCached = m.readNode(m.stat("nr_swapcached"), nid) * 4;
  const prefix = `Node ${nid} `;
  const count = (name: string): string => `${prefix}${`${name}:`.padEnd(16)}${"0".padStart(6)}\n`;
  return lines(v, NODE_MEMINFO, prefix) + count("HugePages_Total") + count("HugePages_Free") + count("HugePages_Surp");
}

/**
 * The invariants of memory, checked from scratch: what property tests of core and of packages call after each operation. It looks at
 * every frame and every entry, so use a small machine (16M). Throws an Error that names the first invariant that does not hold.
 */
import type { Core } from "../kernel/core.js";
import { AddressSpace } from "./addressSpace.js";
import {
  HPAGE_PMD_NR,
  PG_ANON,
  PG_BUDDY,
  PG_HEAD,
  PG_LRU,
  PG_MLOCKED,
  PG_ORDER_SHIFT,
  PG_SWAPBACKED,
  PG_TABLE,
  PG_TAIL,
  RESERVED_PFNS,
} from "./frames.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { forEachPte, rssKind } from "./pageMap.js";
import { PTE_HUGE, PTE_SPECIAL, PTE_WRITE, PTRS } from "./pageTable.js";
import { rmapWalk } from "./rmap.js";
import { ShmemObject } from "./shmemZero.js";
import { VM_ACCOUNT, VM_LOCKED, VM_SHARED } from "./vma.js";
import { vmStatAccount } from "./vmaMerge.js";
import {
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  NR_FILE_MAPPED,
  NR_FILE_PAGES,
  NR_LRU_BASE,
  NR_MLOCK,
  NR_PAGETABLE,
  NR_SHMEM,
  NR_ZONE_LRU_BASE,
} from "./vmstat.js";
import { MAX_ORDER_PAGES, NR_ORDERS } from "./zone.js";

function expect(what: string, is: number, should: number): void {
  if (is !== should) throw new Error(`${what}: ${is}, should be ${should}`);
}

function checkZones(m: MmSystem): void {
  const { frames: f } = m;
  for (const z of m.zones) {
    const free = new Uint8Array(z.end - z.start);
    let n = 0;
    for (let o = 0; o < NR_ORDERS; o++) {
      let blocks = 0;
      let prev = 0;
      for (let pfn = z.heads[o]; pfn !== 0; prev = pfn, pfn = f.index[pfn]) {
        expect(`alignment of free block ${pfn} of order ${o}`, pfn % (1 << o), 0);
        expect(`flags of free block ${pfn}`, f.flags[pfn], PG_BUDDY | (o << PG_ORDER_SHIFT));
        expect(`back link of free block ${pfn}`, f.owner[pfn], prev);
        const buddy = pfn ^ (1 << o);
        const same = buddy >= z.start && buddy < z.end && f.flags[buddy] === f.flags[pfn];
        if (o < NR_ORDERS - 1 && same) throw new Error(`free blocks ${pfn} and ${buddy} of order ${o} are buddies`);
        for (let i = pfn; i < pfn + (1 << o); i++) {
          if (free[i - z.start]++ !== 0) throw new Error(`frame ${i} is free twice`);
          expect(`users of free frame ${i}`, f.refcount[i], 0);
        }
        blocks++;
        n += 1 << o;
      }
      expect(`free blocks of order ${o} in zone ${z.name}`, z.nrFree[o], blocks);
    }
    free.fill(1, z.virgin - z.start, z.virginEnd - z.start);
    expect(`free pages of zone ${z.name}`, z.free, n + z.virginEnd - z.virgin);
    expect(
      "alignment of untouched memory",
      z.virgin % MAX_ORDER_PAGES,
      z.virgin === z.virginEnd ? z.virgin % MAX_ORDER_PAGES : 0,
    );
    let used = 0;
    for (let pfn = Math.max(z.start, RESERVED_PFNS); pfn < z.end; pfn++) {
      if (free[pfn - z.start] !== 0) continue;
      used++;
      if (f.refcount[f.head(pfn)] === 0) throw new Error(`frame ${pfn} is lost: neither free nor in use`);
    }
    expect(`free and used pages of zone ${z.name}`, z.free + used, z.managed);
  }
}

class Tally {
  readonly maps: Map<number, number> = new Map();
  readonly cached: Map<number, number> = new Map();
  tables = 0;
  committed = 0;
  add(pfn: number): void {
    this.maps.set(pfn, (this.maps.get(pfn) ?? 0) + 1);
  }
}

function checkMm(m: MmSystem, mm: Mm, t: Tally): void {
  const rss = [0, 0, 0, 0];
  const sums = { totalVm: 0, dataVm: 0, execVm: 0, stackVm: 0 };
  let locked = 0;
  let last = 0;
  let entries = 0;
  let huges = 0;
  const { pt, frames: f } = m;
  for (const v of mm.vmas) {
    if (v.start < last || v.start >= v.end || v.start % 4096 !== 0 || v.end % 4096 !== 0)
      throw new Error(`area ${v.start.toString(16)}-${v.end.toString(16)} is out of order`);
    last = v.end;
    vmStatAccount(sums as unknown as Mm, v.flags, v.pages);
    if ((v.flags & VM_LOCKED) !== 0) locked += v.pages;
    if ((v.flags & VM_ACCOUNT) !== 0) t.committed += v.pages;
    if (v.mapping !== null && v.mapping.iMmap?.[v.mmapIndex] !== v)
      throw new Error("an area is not in its mapping's list");
    if (v.anonVma !== null && v.anonVma.vmas[v.anonIndex] !== v) throw new Error("an area is not in its owner's list");
    forEachPte(m, mm, v.start, v.end, (addr, slot, huge) => {
      entries++;
      const e = pt.val[slot];
      if (e < 0) {
        rss[2]++;
        return;
      }
      if (huge) huges++;
      if ((pt.fl[slot] & PTE_SPECIAL) !== 0) return;
      t.add(e);
      rss[rssKind(f.flags[e])] += huge ? HPAGE_PMD_NR : 1;
      if ((pt.fl[slot] & PTE_WRITE) !== 0 && (v.flags & VM_SHARED) === 0)
        expect(`processes that may write private frame ${e} (at ${addr.toString(16)})`, f.mapcount[e], 1);
    });
  }
  for (let i = 0; i < 4; i++) expect(`rss[${i}] of mm ${mm.serial}`, mm.rss[i], rss[i]);
  expect("VmSize in pages", mm.totalVm, sums.totalVm);
  expect("VmData in pages", mm.dataVm, sums.dataVm);
  expect("exec_vm", mm.execVm, sums.execVm);
  expect("VmStk in pages", mm.stackVm, sums.stackVm);
  expect("VmLck in pages", mm.lockedVm, locked);
  checkTables(m, mm, t, entries, huges);
}

function checkTables(m: MmSystem, mm: Mm, t: Tally, entries: number, huges: number): void {
  const { pt } = m;
  let tables = mm.puds.length + mm.pmds.length + mm.deposits.length;
  let found = 0;
  for (const pmd of mm.pmds) {
    let n = 0;
    for (let i = pmd * PTRS; i < pmd * PTRS + PTRS; i++) {
      if (pt.val[i] === 0) continue;
      n++;
      if ((pt.fl[i] & PTE_HUGE) !== 0) {
        found++;
        continue;
      }
      tables++;
      const id = pt.val[i];
      let used = 0;
      for (let s = id * PTRS; s < id * PTRS + PTRS; s++) if (pt.val[s] !== 0) used++;
      expect(`entries of page table ${id}`, pt.count[id], used);
      found += used;
    }
    expect(`entries of PMD table ${pmd}`, pt.count[pmd], n);
  }
  expect("tables set aside", mm.deposits.length, huges);
  expect("entries outside of areas", found - entries, 0);
  expect("VmPTE in pages", mm.pgtablesBytes / 4096, tables);
  t.tables += tables;
}

function checkMappings(m: MmSystem, t: Tally): void {
  for (let id = 1; id < m.owners.length; id++) {
    const o = m.owners[id];
    if (!(o instanceof AddressSpace)) continue;
    let n = 0;
    for (let i = o.nextPage(0); i >= 0; i = o.nextPage(i + 1)) {
      const pfn = o.lookup(i);
      n++;
      t.cached.set(pfn, id);
      expect(`owner of cached frame ${pfn}`, m.frames.owner[pfn], id);
      expect(`index of cached frame ${pfn}`, m.indexOf(pfn), i);
    }
    expect(`pages of mapping ${id}`, o.nrpages, n);
  }
}

function checkPages(m: MmSystem, t: Tally): void {
  const { frames: f } = m;
  const lru = [0, 0, 0, 0, 0];
  let anon = 0;
  let file = 0;
  let filePages = 0;
  let shmem = 0;
  let thps = 0;
  let mlocked = 0;
  for (let pfn = RESERVED_PFNS; pfn < f.nr; pfn++) {
    const fl = f.flags[pfn];
    if ((fl & (PG_BUDDY | PG_TAIL)) !== 0 || f.refcount[pfn] === 0) continue;
    const n = (fl & PG_HEAD) !== 0 ? HPAGE_PMD_NR : 1;
    const maps = t.maps.get(pfn) ?? 0;
    expect(`mapcount of frame ${pfn}`, f.mapcount[pfn], maps);
    if ((fl & PG_LRU) !== 0) lru[m.lruOf(pfn)] += n;
    if ((fl & PG_MLOCKED) !== 0) mlocked += n;
    if ((fl & PG_TABLE) !== 0) continue;
    const cached = t.cached.has(pfn);
    if ((fl & PG_ANON) !== 0 || cached) expect(`references of frame ${pfn}`, f.refcount[pfn], maps + (cached ? 1 : 0));
    if ((fl & PG_ANON) !== 0) {
      if (maps > 0) anon += n;
      if (n > 1) thps += n;
    } else if (cached) {
      filePages += n;
      if ((fl & PG_SWAPBACKED) !== 0) shmem += n;
      if (maps > 0) file += n;
    }
    let found = 0;
    rmapWalk(m, pfn, () => {
      found++;
      return true;
    });
    expect(`entries found by reverse mapping of frame ${pfn}`, found, maps);
  }
  for (let i = 0; i < 5; i++) {
    expect(`pages on list ${i}`, m.read(NR_LRU_BASE + i), lru[i]);
    expect(`pages on list ${i} by zone`, m.read(NR_ZONE_LRU_BASE + i), lru[i]);
  }
  expect("nr_anon_pages", m.read(NR_ANON_MAPPED), anon);
  expect("nr_mapped", m.read(NR_FILE_MAPPED), file);
  expect("nr_file_pages", m.read(NR_FILE_PAGES), filePages);
  expect("nr_shmem", m.read(NR_SHMEM), shmem);
  expect("nr_anon_transparent_hugepages in pages", m.read(NR_ANON_THPS), thps);
  expect("nr_mlock", m.read(NR_MLOCK), mlocked);
  expect("nr_page_table_pages", m.read(NR_PAGETABLE), t.tables);
}

/** Check all invariants of `k.mm`. */
export function checkMemory(k: Core): void {
  const m = k.mm;
  checkZones(m);
  const t = new Tally();
  const mms = new Set<Mm>();
  const shared = new Set<AddressSpace>();
  for (const task of k.tasks.all()) if (task.mm !== null) mms.add(task.mm);
  for (const mm of mms) {
    checkMm(m, mm, t);
    for (const v of mm.vmas) if (v.mapping !== null) shared.add(v.mapping);
  }
  for (const s of shared) if (s.host instanceof ShmemObject) t.committed += s.host.promised;
  checkMappings(m, t);
  checkPages(m, t);
  expect("Committed_AS in pages", m.committed, t.committed);
}

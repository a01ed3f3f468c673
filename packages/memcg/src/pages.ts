/** Pages come and go: who pays, and on which group's lists they stand. The listeners of core's page hooks. */
import {
  __GFP_NORETRY,
  type AllocRequest,
  HOOK_WAIT,
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  NR_FILE_DIRTY,
  NR_FILE_MAPPED,
  NR_FILE_PAGES,
  NR_PAGETABLE,
  NR_SHMEM,
  NR_WRITEBACK,
  PAGE_FILE,
  PAGE_KERNEL,
  PAGE_MIGRATE,
  PAGE_TABLE,
  type PageRun,
  PG_HEAD,
  PG_LAZYFREE,
  PG_ORDER_SHIFT,
  statePages,
  stateSlot,
} from "@kernelkit/core";
import { CHARGE_FAULT, CHARGE_NORETRY, tryCharge, uncharge } from "./charge.js";
import { handleOverHigh } from "./high.js";
import { LRU_INACTIVE_ANON, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem, TaskMemory } from "./memcgSystem.js";
import {
  S_ANON,
  S_ANON_THP,
  S_FILE,
  S_FILE_DIRTY,
  S_FILE_MAPPED,
  S_LRU,
  S_PAGETABLES,
  S_PGACTIVATE,
  S_PGDEACTIVATE,
  S_PGFAULT,
  S_PGLAZYFREE,
  S_PGMAJFAULT,
  S_PGPGIN,
  S_PGPGOUT,
  S_SHMEM,
  S_THP_FAULT,
  S_WRITEBACK,
  STAT_NAMES,
} from "./stats.js";
import { CHARGE_BATCH, stockOf } from "./stock.js";
import { checkEvents } from "./v1/legacyEvents.js";
import { ageNonresident, fileRefault } from "./workingset.js";

/** The statistic that goes with a counter of the machine, -1: none. */
const STAT_OF: Int16Array = /* @__PURE__ */ (() => {
  const a = new Int16Array(256).fill(-1);
  const pairs: readonly (readonly [number, number])[] = [
    [NR_ANON_MAPPED, S_ANON],
    [NR_FILE_PAGES, S_FILE],
    [NR_FILE_MAPPED, S_FILE_MAPPED],
    [NR_SHMEM, S_SHMEM],
    [NR_FILE_DIRTY, S_FILE_DIRTY],
    [NR_WRITEBACK, S_WRITEBACK],
    [NR_ANON_THPS, S_ANON_THP],
    [NR_PAGETABLE, S_PAGETABLES],
  ];
  for (const [slot, stat] of pairs) a[slot] = stat;
  return a;
})();

/** The group that a page is charged to. */
function payer(s: MemcgSystem, r: AllocRequest): MemCgroup {
  const { task } = r;
  return s.chargeTo ?? (task === null ? s.root : s.ofTask(task));
}

/** Hook pageCharge: 0, ENOMEM, HOOK_WAIT. */
export function pageCharge(s: MemcgSystem, pfn: number, r: AllocRequest): number {
  const { kind, task } = r;
  if (kind === PAGE_KERNEL || kind === PAGE_MIGRATE) return 0;
  const own = task === null ? undefined : (task.slots[s.slot] as TaskMemory | undefined);
  const m = payer(s, r);
  if (m.id === 0) {
    if (kind === PAGE_FILE && r.mapping !== null) fileRefault(s, pfn, m, r.mapping, r.index);
    return 0;
  }
  const n = 1 << r.order;
  if (kind === PAGE_TABLE) return s.kmem.chargePage(pfn, m, r.c, task);
  if (
    own !== undefined &&
    own.overHigh >= CHARGE_BATCH &&
    r.c !== null &&
    task !== null &&
    handleOverHigh(s, task, r.c)
  )
    return HOOK_WAIT;
  const flags = ((r.gfp & __GFP_NORETRY) !== 0 ? CHARGE_NORETRY : 0) | (r.mm !== null ? CHARGE_FAULT : 0);
  const e = tryCharge(s, m, n, r.c, task, flags);
  if (e !== 0) return e;
  if (r.order === 9) m.stat(S_THP_FAULT, 1);
  s.owner[pfn] = m.id;
  s.k.cgroup.cssGet(m.css, n);
  if (kind === PAGE_FILE && r.mapping !== null) fileRefault(s, pfn, m, r.mapping, r.index);
  m.stat(S_PGPGIN, n);
  if (s.listeners > 0) checkEvents(s, m, n);
  return 0;
}

/** Hook chargeRun: pages that the CPU's stock holds for who pays, where nothing but the stock has to be looked at. */
export function chargeRun(s: MemcgSystem, r: AllocRequest, n: number): number {
  const m = payer(s, r);
  s.runFor = m;
  if (m.id === 0) return n;
  const own = r.task === null ? undefined : (r.task.slots[s.slot] as TaskMemory | undefined);
  if (s.listeners > 0 || s.oomWaiters > 0 || (own !== undefined && own.overHigh >= CHARGE_BATCH)) return 0;
  const stock = stockOf(s);
  return stock.memcg === m ? Math.min(n, stock.pages) : 0;
}

/** Hook pageRun: they are charged to who was asked about, and are the newest of its inactive list. */
export function pageRun(s: MemcgSystem, run: PageRun): void {
  const m = s.runFor ?? s.root;
  const { pfns, n } = run;
  const { owner } = s;
  if (m.id !== 0) {
    stockOf(s).pages -= n;
    for (let i = 0; i < n; i++) owner[pfns[i]] = m.id;
    s.k.cgroup.cssGet(m.css, n);
    m.local[S_PGPGIN] += n;
  }
  s.lists.addRun(m.lru, LRU_INACTIVE_ANON, pfns, n);
  s.lastDel = 0;
  m.size[LRU_INACTIVE_ANON] += n;
  m.local[S_ANON] += n;
  m.local[S_LRU + LRU_INACTIVE_ANON] += n;
  const { byNode } = m;
  if (byNode === null) return;
  for (let i = 0; i < n; i++) {
    const at = s.k.mm.nodeOf(pfns[i]) * STAT_NAMES.length;
    byNode[at + S_ANON]++;
    byNode[at + S_LRU + LRU_INACTIVE_ANON]++;
  }
}

/** Hooks pageFault and faultRun: so many faults of the running task are complete. */
export function countFaults(s: MemcgSystem, n: number, major: boolean): void {
  const { current } = s.k;
  if (current === null) return;
  const m = s.ofTask(current);
  m.local[S_PGFAULT] += n;
  if (s.trace.countEvents.on) s.trace.countEvents.emit(m.id, S_PGFAULT, n);
  if (major) m.local[S_PGMAJFAULT] += n;
}

/** Hook pageUncharge. */
export function pageUncharge(s: MemcgSystem, pfn: number, order: number): void {
  const m = s.groups[s.owner[pfn]];
  s.owner[pfn] = 0;
  if (!m || m.isRoot) return;
  const n = 1 << order;
  if (!s.kmem.unchargePage(pfn, m, n)) m.stat(S_PGPGOUT, n);
  uncharge(s, m, n);
  if (s.listeners > 0) checkEvents(s, m, n);
  s.k.cgroup.cssPut(m.css, n);
}

/** Hook pageSplit: what the head had, each has. */
export function pageSplit(s: MemcgSystem, pfn: number, order: number): void {
  s.owner.fill(s.owner[pfn], pfn, pfn + (1 << order));
}

/** Hook pageMigrate: the charge goes with the data. */
export function pageMigrate(s: MemcgSystem, from: number, to: number): void {
  s.owner[to] = s.owner[from];
  s.owner[from] = 0;
}

function addStat(s: MemcgSystem, m: MemCgroup, pfn: number, stat: number, n: number): void {
  m.local[stat] += n;
  if (s.trace.modLruvec.on) s.trace.modLruvec.emit(m.id, stat, n);
  if (m.byNode !== null) m.byNode[s.k.mm.nodeOf(pfn) * STAT_NAMES.length + stat] += n;
}

/** Hook pageState. */
export function pageState(s: MemcgSystem, pfn: number, change: number): void {
  const stat = STAT_OF[stateSlot(change)];
  if (stat >= 0) addStat(s, s.ofPage(pfn), pfn, stat, statePages(change));
}

function pagesOf(flags: number): number {
  return (flags & PG_HEAD) !== 0 ? 1 << (flags >>> PG_ORDER_SHIFT) : 1;
}

/** Hook lruAdd. A page that was on another list a moment ago was activated, deactivated or made lazily free. */
export function lruAdd(s: MemcgSystem, pfn: number, lru: number): void {
  const m = s.groups[s.owner[pfn]] ?? s.root;
  const flags = s.k.mm.frames.flags[pfn];
  const n = pagesOf(flags);
  if (s.lastDel === pfn && s.lastLru !== lru) {
    if (s.lastLru < 2 && lru === 2) {
      if ((flags & PG_LAZYFREE) !== 0) m.stat(S_PGLAZYFREE, n);
    } else if (lru === s.lastLru + 1 && (lru & 1) === 1) {
      m.stat(S_PGACTIVATE, n);
      ageNonresident(m, n);
    } else if (lru === s.lastLru - 1 && (lru & 1) === 0) m.stat(S_PGDEACTIVATE, n);
  }
  s.lastDel = 0;
  s.lists.add(m.lru, lru, pfn);
  m.size[lru] += n;
  addStat(s, m, pfn, S_LRU + lru, n);
}

/** Hook lruDel. */
export function lruDel(s: MemcgSystem, pfn: number, lru: number): void {
  const m = s.groups[s.owner[pfn]] ?? s.root;
  s.lastDel = pfn;
  s.lastLru = lru;
  s.lists.del(m.lru, lru, pfn);
  const n = pagesOf(s.k.mm.frames.flags[pfn]);
  m.size[lru] -= n;
  addStat(s, m, pfn, S_LRU + lru, -n);
}

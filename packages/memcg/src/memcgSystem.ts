/**
 * Charging: who pays for a page, and what happens when a limit is reached. Kernel document admin-guide/cgroup-v2, "Memory".
 *
 * A page is charged where core's allocator asks (hook pageCharge): a batch of 64 pages at a time, what is left over stays in the
 * CPU's stock. At the limit: reclaim, then the OOM killer, then ENOMEM - a page fault tries again instead.
 */
import {
  __GFP_NORETRY,
  type AllocRequest,
  type Core,
  ENOMEM,
  HOOK_WAIT,
  type Mm,
  NR_ANON_MAPPED,
  NR_ANON_THPS,
  NR_FILE_DIRTY,
  NR_FILE_MAPPED,
  NR_FILE_PAGES,
  NR_PAGETABLE,
  NR_SHMEM,
  NR_WRITEBACK,
  oomBadness,
  PAGE_KERNEL,
  PAGE_MIGRATE,
  PAGE_TABLE,
  PG_HEAD,
  PG_LAZYFREE,
  PG_ORDER_SHIFT,
  statePages,
  stateSlot,
  TASK_KILLABLE,
  type Task,
} from "@kernelkit/core";
import { calculateHighDelay } from "./highDelay.js";
import {
  EVENT_NAMES,
  MEMCG_HIGH,
  MEMCG_MAX,
  MEMCG_OOM,
  MEMCG_OOM_GROUP_KILL,
  MEMCG_OOM_KILL,
  type MemCgroup,
  S_ANON,
  S_ANON_THP,
  S_FILE,
  S_FILE_DIRTY,
  S_FILE_MAPPED,
  S_LRU,
  S_PAGETABLES,
  S_PGLAZYFREE,
  S_SHMEM,
  S_THP_FAULT,
  S_WRITEBACK,
} from "./memCgroup.js";
import { type PageCounter, pageCounterCharge, pageCounterTryCharge, pageCounterUncharge } from "./pageCounter.js";
import { reclaimSubtree } from "./reclaim.js";

const CHARGE_BATCH = 64;
const MAX_RECLAIM_RETRIES = 16;

/** What a CPU holds charged in advance. */
export class Stock {
  memcg: MemCgroup | null = null;
  pages = 0;
}

/** What the package keeps of a task. */
export interface TaskMemory {
  /** Who pays for its stack and objects. */
  payer: MemCgroup | null;
  /** Pages charged above a high limit since it was last delayed. */
  overHigh: number;
}

export class MemcgSystem {
  /** By id; a freed id is null. */
  readonly groups: (MemCgroup | null)[] = [];
  readonly stocks: Stock[] = [];
  readonly next: Int32Array;
  readonly prev: Int32Array;
  readonly owner: Uint16Array;
  /** Index of the controller. */
  index = -1;
  root!: MemCgroup;
  recursiveProtection = false;
  /** Names that memory.stat leaves out. */
  hidden: readonly string[] = [];
  /** Index of the task's slot. */
  slot = -1;
  private lastDel = 0;
  private lastLru = 0;
  private readonly statOf: Map<number, number>;

  constructor(readonly k: Core) {
    const { mm } = k;
    this.next = mm.addColumn("memcg.lruNext", "Int32");
    this.prev = mm.addColumn("memcg.lruPrev", "Int32");
    this.owner = mm.addColumn("memcg", "Uint16");
    for (let i = 0; i < k.cpus.nr; i++) this.stocks.push(new Stock());
    this.statOf = new Map([
      [NR_ANON_MAPPED, S_ANON],
      [NR_FILE_PAGES, S_FILE],
      [NR_FILE_MAPPED, S_FILE_MAPPED],
      [NR_SHMEM, S_SHMEM],
      [NR_FILE_DIRTY, S_FILE_DIRTY],
      [NR_WRITEBACK, S_WRITEBACK],
      [NR_ANON_THPS, S_ANON_THP],
      [NR_PAGETABLE, S_PAGETABLES],
    ]);
  }

  ofTask(t: Task): MemCgroup {
    return this.k.cgroup.css(t, this.index).data as MemCgroup;
  }
  ofPage(pfn: number): MemCgroup {
    return this.groups[this.owner[this.k.mm.frames.head(pfn)]] ?? this.root;
  }
  byCounter(c: PageCounter): MemCgroup {
    return this.groups.find((g) => g?.memory === c) ?? this.root;
  }

  // --- events ---

  event(m: MemCgroup, e: number): void {
    m.eventsLocal[e]++;
    this.k.cgroup.notify(m.css.cgroup, "memory.events.local");
    for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
      g.events[e]++;
      if (!g.isRoot) this.k.cgroup.notify(g.css.cgroup, "memory.events");
    }
  }

  eventsText(counts: readonly number[]): string {
    return EVENT_NAMES.map((n, i) => `${n} ${counts[i]}\n`).join("");
  }

  // --- charging ---

  private stock(): Stock {
    return this.stocks[this.k.currentCpu] ?? this.stocks[0];
  }

  drainStock(s: Stock): void {
    if (s.memcg !== null && s.pages > 0) this.giveBack(s.memcg, s.pages);
    s.memcg = null;
    s.pages = 0;
  }
  drainAll(): void {
    for (const s of this.stocks) this.drainStock(s);
  }

  /** Memory with swap is counted beside memory in v1; its limit is never the lower one, so memory's decides. */
  private tryCounters(m: MemCgroup, n: number): PageCounter | null {
    const over = pageCounterTryCharge(m.memory, n);
    if (over === null && !m.css.cgroup.root.v2) pageCounterCharge(m.memsw, n);
    return over;
  }

  private giveBack(m: MemCgroup, n: number): void {
    pageCounterUncharge(m.memory, n);
    if (!m.css.cgroup.root.v2) pageCounterUncharge(m.memsw, n);
  }

  private refill(m: MemCgroup, n: number): void {
    const s = this.stock();
    if (s.memcg !== m) {
      this.drainStock(s);
      s.memcg = m;
    }
    s.pages += n;
    if (s.pages > CHARGE_BATCH) {
      this.giveBack(m, s.pages);
      s.pages = 0;
    }
  }

  /** Charge n pages: 0, ENOMEM, or HOOK_WAIT. `r`: the allocation, null for kernel objects. */
  tryCharge(m: MemCgroup, n: number, r: AllocRequest | null): number {
    if (m.isRoot) return 0;
    const s = this.stock();
    if (s.memcg === m && s.pages >= n) {
      s.pages -= n;
      return 0;
    }
    if (n < CHARGE_BATCH && this.tryCounters(m, CHARGE_BATCH) === null) {
      this.refill(m, CHARGE_BATCH - n);
      return 0;
    }
    let drained = false;
    for (let retries = MAX_RECLAIM_RETRIES; ; retries--) {
      const over = this.tryCounters(m, n);
      if (over === null) return 0;
      if (!drained) {
        drained = true;
        this.drainAll();
        retries++;
        continue;
      }
      const at = this.byCounter(over);
      this.event(at, MEMCG_MAX);
      const freed = reclaimSubtree(this, at, Math.max(n, 32), false);
      this.drainAll();
      if (r !== null && (r.gfp & __GFP_NORETRY) !== 0 && freed === 0) return ENOMEM;
      if (freed > 0 && retries > 0) continue;
      if (n > 8) return ENOMEM;
      if (this.oom(at)) {
        // a victim is dying: its memory is on the way
        if (r?.task != null && this.dying(r.task)) return ENOMEM;
        if (r?.c != null) return this.waitTick(r);
        pageCounterCharge(m.memory, n);
        if (!m.css.cgroup.root.v2) pageCounterCharge(m.memsw, n);
        return 0;
      }
      // nobody can be killed: a fault spins, a system call fails
      if (r?.c != null && r.mm !== null && r.kind !== PAGE_TABLE) return this.waitTick(r);
      return ENOMEM;
    }
  }

  private waitTick(r: AllocRequest): number {
    r.c?.sleep(null, this.k.time.nextTick(), 2);
    return HOOK_WAIT;
  }

  dying(t: Task): boolean {
    return t.exiting || t.signal.groupExit || t.pending.set.has(9) || t.signal.pending.set.has(9);
  }

  uncharge(m: MemCgroup, n: number): void {
    if (!m.isRoot) this.refill(m, n);
  }

  // --- OOM ---

  private *tasks(m: MemCgroup): Generator<Task> {
    for (const g of m.css.cgroup.subtree()) for (const t of g.tasks) if (t.signal.leader === t) yield t;
  }

  /** Kill somebody in the subtree: true if somebody is or was being killed. */
  oom(m: MemCgroup): boolean {
    let victim: Task | null = null;
    let most = Number.NEGATIVE_INFINITY;
    const total = Math.min(m.memory.max, this.k.mm.totalram);
    for (const t of this.tasks(m)) {
      if (t.exiting) continue;
      if (this.dying(t)) return true;
      const points = oomBadness(t, total);
      if (points !== null && points > most) {
        most = points;
        victim = t;
      }
    }
    this.event(m, MEMCG_OOM);
    if (victim === null) return false;
    let group: MemCgroup | null = null;
    for (let g: MemCgroup | null = this.ofTask(victim); g !== null; g = g.parent) {
      if (g.oomGroup) group = g;
      if (g === m) break;
    }
    this.kill(victim, m);
    if (group !== null) {
      this.event(group, MEMCG_OOM_GROUP_KILL);
      this.k.log(6, `Tasks in ${group.css.cgroup.path} are going to be killed due to memory.oom.group set`);
      for (const t of [...this.tasks(group)]) if (!t.exiting && t.signal.oomScoreAdj !== -1000) this.kill(t, m);
    }
    return true;
  }

  private kill(t: Task, m: MemCgroup): void {
    const mm = t.mm as Mm | null;
    const kb = (n: number): string => `${n * 4}kB`;
    this.event(this.ofTask(t), MEMCG_OOM_KILL);
    this.k.mm.count(this.k.mm.stat("oom_kill"), 1);
    this.k.log(
      6,
      `oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${m.css.cgroup.path},` +
        `task_memcg=${this.ofTask(t).css.cgroup.path},task=${t.comm},pid=${t.nr},uid=${t.cred.uid}`,
    );
    if (mm !== null)
      this.k.log(
        3,
        `Memory cgroup out of memory: Killed process ${t.nr} (${t.comm}) total-vm:${kb(mm.totalVm)}, anon-rss:${kb(mm.rss[1])}, ` +
          `file-rss:${kb(mm.rss[0])}, shmem-rss:${kb(mm.rss[3])}, UID:${t.cred.uid} pgtables:${mm.pgtablesBytes / 1024}kB ` +
          `oom_score_adj:${t.signal.oomScoreAdj}`,
      );
    this.k.signals.kill(t);
  }

  // --- pages ---

  private payer(r: AllocRequest): MemCgroup {
    return r.task === null ? this.root : this.ofTask(r.task);
  }

  pageCharge(pfn: number, r: AllocRequest): number {
    if (r.kind === PAGE_KERNEL || r.kind === PAGE_MIGRATE) return 0;
    const m = this.payer(r);
    const n = 1 << r.order;
    if (m.isRoot) return 0;
    if (r.c !== null && r.task !== null && this.throttle(r.task, r)) return HOOK_WAIT;
    const e = this.tryCharge(m, n, r);
    if (e !== 0) return e;
    if (r.task !== null) this.noteHigh(m, r.task, n);
    if (r.order === 9) m.stat(S_THP_FAULT, 1);
    this.owner[pfn] = m.id;
    if (!m.isRoot) this.k.cgroup.cssGet(m.css, n);
    return 0;
  }

  /** Pages that a task charged above a high limit are remembered: it pays for each batch. */
  private noteHigh(m: MemCgroup, t: Task, n: number): void {
    for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
      if (g.memory.usage <= g.memory.high) continue;
      (t.slots[this.slot] as TaskMemory).overHigh += n;
      return;
    }
  }

  /** A task that is over a high limit reclaims, then sleeps for as long as the overage says: true if it sleeps now. */
  private throttle(t: Task, r: AllocRequest): boolean {
    const own = t.slots[this.slot] as TaskMemory;
    if (own.overHigh < CHARGE_BATCH || this.dying(t)) return false;
    const n = own.overHigh;
    own.overHigh = 0;
    let delay = 0;
    for (let retries = MAX_RECLAIM_RETRIES; ; ) {
      let freed = 0;
      delay = 0;
      for (let m: MemCgroup | null = this.ofTask(t); m !== null && !m.isRoot; m = m.parent) {
        const c = m.memory;
        if (c.usage <= c.high) continue;
        this.event(m, MEMCG_HIGH);
        freed += reclaimSubtree(this, m, n, false);
        this.drainAll();
        delay = Math.max(delay, calculateHighDelay(c.usage, c.high, n, this.k.time.hz));
      }
      if (delay <= this.k.time.hz / 100 || (freed === 0 && --retries <= 0)) break;
    }
    if (delay <= this.k.time.hz / 100) return false;
    r.c?.sleep(null, this.k.now + delay * (1e9 / this.k.time.hz), TASK_KILLABLE);
    return true;
  }

  pageUncharge(pfn: number, order: number): void {
    const m = this.groups[this.owner[pfn]];
    this.owner[pfn] = 0;
    if (!m || m.isRoot) return;
    this.uncharge(m, 1 << order);
    this.k.cgroup.cssPut(m.css, 1 << order);
  }

  pageSplit(pfn: number, order: number): void {
    this.owner.fill(this.owner[pfn], pfn, pfn + (1 << order));
  }

  pageMigrate(from: number, to: number): void {
    this.owner[to] = this.owner[from];
    this.owner[from] = 0;
  }

  pageState(pfn: number, change: number): void {
    const s = this.statOf.get(stateSlot(change));
    if (s !== undefined) this.ofPage(pfn).stat(s, statePages(change));
  }

  private pagesOf(pfn: number): number {
    const fl = this.k.mm.frames.flags[pfn];
    return (fl & PG_HEAD) !== 0 ? 1 << (fl >>> PG_ORDER_SHIFT) : 1;
  }

  lruAdd(pfn: number, lru: number): void {
    const m = this.ofPage(pfn);
    if (lru === 2 && this.lastDel === pfn && this.lastLru < 2) {
      if ((this.k.mm.frames.flags[pfn] & PG_LAZYFREE) !== 0) m.stat(S_PGLAZYFREE, this.pagesOf(pfn));
    }
    const h = m.head[lru];
    this.next[pfn] = h;
    this.prev[pfn] = 0;
    if (h !== 0) this.prev[h] = pfn;
    else m.tail[lru] = pfn;
    m.head[lru] = pfn;
    const n = this.pagesOf(pfn);
    m.size[lru] += n;
    m.stat(S_LRU + lru, n);
  }

  lruDel(pfn: number, lru: number): void {
    const m = this.ofPage(pfn);
    this.lastDel = pfn;
    this.lastLru = lru;
    const n = this.next[pfn];
    const p = this.prev[pfn];
    if (p !== 0) this.next[p] = n;
    else m.head[lru] = n;
    if (n !== 0) this.prev[n] = p;
    else m.tail[lru] = p;
    const pages = this.pagesOf(pfn);
    m.size[lru] -= pages;
    m.stat(S_LRU + lru, -pages);
  }
}

/**
 * NUMA balancing of 6.18 for single processes: the tick queues a scan when enough run time has passed; the scan, done by the task on its
 * way back to user mode, arms pages; the fault on an armed page moves it where it is used, by a two-stage filter. Kernel document
 * admin-guide/sysctl/kernel, "numa_balancing". Groups and the moving of tasks between nodes are not done.
 */
import {
  type ColumnOf,
  type Core,
  type Fault,
  type Mm,
  MPOL_BIND,
  migratePage,
  PG_ANON,
  PG_DIRTY,
  PG_HEAD,
  PG_KSM,
  PMD_BYTES,
  PTE_HUGE,
  PTE_PROTNONE,
  PTE_SPECIAL,
  PTE_WRITE,
  pmdSlot,
  pteBase,
  type Task,
  VM_ACCESS,
  VM_HUGETLB,
  VM_MIXEDMAP,
  VM_READ,
  VM_SHARED,
  VM_WRITE,
  type Vma,
  vmaPosition,
} from "@kernelkit/core";
import { vmaMigratable } from "../migrate.js";
import { maskHasNode } from "../policy/nodes.js";
import type { MmNuma, NumaSystem, TaskNuma } from "../state.js";
import { type ScanKnobs, shouldNumaMigrateMemory, taskScanLimits, updateTaskScanPeriod } from "./algorithms.js";

const WORK = "numa.scan";
/** Address space a scan looks at, in multiples of what it may arm. */
const VIRTUAL = 8;

export class ModernBalancer {
  private readonly k: Core;
  /** Who used a page last: CPU << 8 | low byte of the pid, plus one; 0: nobody. */
  private readonly cpupid: ColumnOf<"Int32">;
  private readonly pteUpdates: number;
  private readonly hugePteUpdates: number;
  private readonly hintFaults: number;
  private readonly hintFaultsLocal: number;
  private readonly pagesMigrated: number;

  constructor(private readonly sys: NumaSystem) {
    const { k } = sys;
    this.k = k;
    this.cpupid = k.mm.addColumn("numa.cpupid", "Int32");
    this.pteUpdates = k.mm.stat("numa_pte_updates");
    this.hugePteUpdates = k.mm.stat("numa_huge_pte_updates");
    this.hintFaults = k.mm.stat("numa_hint_faults");
    this.hintFaultsLocal = k.mm.stat("numa_hint_faults_local");
    this.pagesMigrated = k.mm.stat("numa_pages_migrated");
  }

  install(): void {
    const { hooks, works } = this.k;
    works.define(WORK, (t) => this.taskNumaWork(t));
    hooks.tick.tap(200, "numa", (_cpu, t) => this.taskTickNuma(t));
    hooks.faultHint.tap(200, "numa", (f, c) => {
      if (c !== null) this.hintFault(f, c.task);
      return undefined;
    });
    hooks.pageFree.tap(200, "numa", (pfn, order) => {
      if (order === 0) this.cpupid[pfn] = 0;
      else this.cpupid.fill(0, pfn, pfn + (1 << order));
    });
    hooks.pageMigrate.tap(200, "numa", (from, to) => {
      this.cpupid[to] = this.cpupid[from];
    });
    const { proc } = this.k;
    proc.numaSched = (t) => this.schedLines(t);
  }

  private get knobs(): ScanKnobs {
    const s = this.sys.settings;
    return { scanSizeMb: s.scanSize, periodMinMs: s.scanPeriodMin, periodMaxMs: s.scanPeriodMax };
  }
  private mmNuma(mm: Mm): MmNuma {
    return mm.slots[this.sys.mmSlot] as MmNuma;
  }

  // --- scan ---

  /** Each tick of a running task: is it time to scan? */
  private taskTickNuma(t: Task): void {
    const { mm } = t;
    if ((this.sys.settings.balancing & 1) === 0 || mm === null || t.exiting) return;
    const n = this.sys.task(t);
    if (n.workPending) return;
    if (n.scanPeriodMs === 0) n.scanPeriodMs = taskScanLimits(mm.rssPages, this.knobs).start;
    if (t.se.sumExecNs - n.nodeStampNs <= n.scanPeriodMs * 1e6) return;
    n.nodeStampNs += n.scanPeriodMs * 1e6;
    if (this.k.now < this.mmNuma(mm).nextScanNs) return;
    n.workPending = this.k.works.add(t, WORK, null);
  }

  private taskNumaWork(t: Task): void {
    const n = this.sys.task(t);
    n.workPending = false;
    const { mm } = t;
    if (mm === null || t.exiting) return;
    const s = this.mmNuma(mm);
    if (this.k.now < s.nextScanNs) return;
    s.nextScanNs = this.k.now + n.scanPeriodMs * 1e6;
    this.scan(mm, s);
  }

  /** Arm up to scan_size of pages from where the last scan stopped. */
  scan(mm: Mm, s: MmNuma): void {
    const bytes = this.sys.settings.scanSize * 2 ** 20;
    let pages = bytes / 4096;
    let virtual = bytes * VIRTUAL;
    const node = this.k.mm.numaNodeId();
    let i = vmaPosition(mm.vmas, s.scanOffset);
    if (i === mm.vmas.length) {
      s.scanSeq++;
      s.scanOffset = 0;
      i = 0;
    }
    for (; i < mm.vmas.length; i++) {
      const v = mm.vmas[i];
      if (!this.scanned(v)) continue;
      let at = Math.max(s.scanOffset, v.start);
      while (at < v.end) {
        const end = Math.min(v.end, (Math.floor(at / PMD_BYTES) + 1) * PMD_BYTES);
        pages -= this.arm(mm, v, at, end, node);
        virtual -= end - at;
        at = end;
        s.scanOffset = at;
        if (pages <= 0 || virtual <= 0) return;
      }
    }
    s.scanOffset = 0;
    s.scanSeq++;
  }

  /** Does balancing look at the area at all? */
  private scanned(v: Vma): boolean {
    if (!vmaMigratable(v) || (v.flags & (VM_HUGETLB | VM_MIXEDMAP)) !== 0 || (v.flags & VM_ACCESS) === 0) return false;
    const p = this.sys.vmaPolicy(v, v.start);
    if (p !== null && !p.migrateOnFault) return false;
    return v.file === null || (v.flags & (VM_READ | VM_WRITE)) !== VM_READ;
  }

  /** Arm what is mapped in [start, end), within one 2 MiB region; how many entries were looked at and armed. */
  private arm(mm: Mm, v: Vma, start: number, end: number, node: number): number {
    const m = this.k.mm;
    const { pt, frames } = m;
    const region = Math.floor(start / PMD_BYTES);
    const pmd = pmdSlot(mm, region);
    if (pmd < 0) return 0;
    const single = mm.refs === 1;
    if ((pt.fl[pmd] & PTE_HUGE) !== 0) {
      if ((pt.fl[pmd] & (PTE_PROTNONE | PTE_SPECIAL)) !== 0) return 0;
      if (single && m.nodeOf(pt.val[pmd]) === node) return 0;
      pt.fl[pmd] |= PTE_PROTNONE;
      m.stats[this.hugePteUpdates]++;
      m.stats[this.pteUpdates]++;
      return 512;
    }
    const base = pteBase(m, mm, region);
    if (base < 0) return 0;
    const first = base + (start - region * PMD_BYTES) / 4096;
    const last = first + (end - start) / 4096;
    const cow = (v.flags & (VM_SHARED | VM_WRITE)) === VM_WRITE;
    const { val, fl } = pt;
    const { flags, mapcount } = frames;
    let armed = 0;
    for (let s = first; s < last; s++) {
      const pfn = val[s];
      if (pfn <= 0 || (fl[s] & (PTE_PROTNONE | PTE_SPECIAL)) !== 0) continue;
      const pf = flags[pfn];
      if ((pf & PG_KSM) !== 0 || (cow && mapcount[pfn] > 1)) continue;
      if ((pf & (PG_ANON | PG_DIRTY)) === PG_DIRTY) continue;
      if (single && m.nodeOf(pfn) === node) continue;
      fl[s] |= PTE_PROTNONE;
      armed++;
    }
    m.stats[this.pteUpdates] += armed;
    return armed;
  }

  // --- fault ---

  private hintFault(f: Fault, t: Task): void {
    const m = this.k.mm;
    const { frames } = m;
    const entry = m.pt.val[f.slot];
    const head = frames.head(entry);
    const huge = (frames.flags[head] & PG_HEAD) !== 0;
    const src = m.nodeOf(head);
    const here = m.numaNodeId();
    const n = this.sys.task(t);
    m.stats[this.hintFaults]++;
    if (src === here) m.stats[this.hintFaultsLocal]++;
    const last = this.cpupid[head] - 1;
    this.cpupid[head] = ((t.cpu << 8) | (t.nr & 255)) + 1;
    const priv = last < 0 || (last & 255) === (t.nr & 255);
    let at = src;
    let failed = false;
    if (src !== here && this.mayMove(f, n, t, last, src, here)) {
      if ((m.pt.fl[f.slot] & PTE_WRITE) === 0 && (f.vma.flags & VM_SHARED) === 0 && frames.mapcount[head] > 1)
        failed = true;
      else {
        const to = migratePage(m, null, head, here);
        if (to > 0) {
          m.stats[this.pagesMigrated] += huge ? 512 : 1;
          n.pagesMigrated += huge ? 512 : 1;
          at = here;
        } else failed = true;
      }
    }
    this.taskNumaFault(n, t, at, here, priv, failed, huge ? 512 : 1);
  }

  private mayMove(f: Fault, n: TaskNuma, t: Task, last: number, src: number, dst: number): boolean {
    if (!this.sys.hasMemory(dst)) return false;
    const p = this.sys.vmaPolicy(f.vma, f.addr) ?? n.policy;
    if (p !== null) {
      if (!p.migrateOnFault) return false;
      if (!maskHasNode(p.mask, dst) && (p.mode === MPOL_BIND || p.nodes.length > 0)) return false;
    }
    return shouldNumaMigrateMemory({
      pid: t.nr,
      preferred: n.preferredNid,
      scanSeq: n.scanSeq,
      last: last < 0 ? null : { pid: last & 255, nid: this.k.options.machine.cpuNode[last >> 8] },
      src,
      dst,
      group: null,
    });
  }

  /** Statistics of a hint fault, and placement once per pass. */
  private taskNumaFault(
    n: TaskNuma,
    t: Task,
    mem: number,
    cpu: number,
    priv: boolean,
    failed: boolean,
    pages: number,
  ): void {
    const size = this.sys.nodes * 2;
    if (n.faults.length === 0) {
      n.faults = new Array(size).fill(0);
      n.buffer = new Array(size).fill(0);
    }
    const mm = t.mm as Mm;
    const { scanSeq } = this.mmNuma(mm);
    if (n.scanSeq !== scanSeq) {
      n.scanSeq = scanSeq;
      this.placement(n, mm);
    }
    n.buffer[mem * 2 + (priv ? 1 : 0)] += pages;
    n.locality[mem === cpu ? 1 : 0] += pages;
    if (failed) n.locality[2] += pages;
  }

  private placement(n: TaskNuma, mm: Mm): void {
    let shared = 0;
    let own = 0;
    let most = 0;
    n.preferredNid = -1;
    n.totalFaults = 0;
    for (let nid = 0; nid < this.sys.nodes; nid++) {
      let sum = 0;
      for (let i = nid * 2; i < nid * 2 + 2; i++) {
        n.faults[i] += n.buffer[i] - (n.faults[i] >> 1);
        sum += n.faults[i];
      }
      shared += n.buffer[nid * 2];
      own += n.buffer[nid * 2 + 1];
      n.totalFaults += sum;
      if (sum > most) {
        most = sum;
        n.preferredNid = nid;
      }
    }
    n.buffer.fill(0);
    const limits = taskScanLimits(mm.rssPages, this.knobs);
    const [remote, local, failed] = n.locality;
    const r = updateTaskScanPeriod({
      period: n.scanPeriodMs,
      periodMax: limits.max,
      limits,
      remote,
      local,
      failed,
      shared,
      private: own,
    });
    n.scanPeriodMs = r.period;
    if (r.clear) n.locality.fill(0);
  }

  /** The end of /proc/PID/sched. */
  private schedLines(t: Task): string {
    if (t.mm === null) return "";
    const n = this.sys.task(t);
    const line = (name: string, v: number): string => `${name.padEnd(45)}:${String(v).padStart(21)}\n`;
    let s = line("mm->numa_scan_seq", this.mmNuma(t.mm).scanSeq);
    s += line("numa_pages_migrated", n.pagesMigrated);
    s += line("numa_preferred_nid", n.preferredNid);
    s += line("total_numa_faults", n.totalFaults);
    s += `current_node=${this.k.options.machine.cpuNode[t.cpu]}, numa_group_id=0\n`;
    for (let nid = 0; nid < this.sys.nodes; nid++) {
      const [shared, own] = n.faults.length === 0 ? [0, 0] : n.faults.slice(nid * 2, nid * 2 + 2);
      s += `numa_faults node=${nid} task_private=${own} task_shared=${shared} group_private=0 group_shared=0\n`;
    }
    return s;
  }
}

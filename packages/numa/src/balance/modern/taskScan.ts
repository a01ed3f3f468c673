/**
 * The scan of 6.18, `task_numa_work()`: the task itself, on its way back to user mode, arms up to scan_size of its address space from
 * where the last scan stopped. Areas are left out for the reasons that sched_skip_vma_numa names.
 */
import {
  type Mm,
  type Task,
  type Tracepoint,
  VM_ACCESS,
  VM_HUGETLB,
  VM_MIXEDMAP,
  VM_READ,
  VM_WRITE,
  type Vma,
  vmaPosition,
} from "@kernelkit/core";
import { vmaMigratable } from "../../migrate.js";
import type { NumaSystem } from "../../state.js";
import type { ArmRule, Hinting } from "../hinting.js";
import { type MmNuma, VmaNumab } from "../taskNuma.js";

/** Address space a scan looks at, in multiples of what it may arm. */
const VIRTUAL = 8;
/** An area forgets who used it after so many scan delays. */
const PID_RESET_DELAYS = 4;

export type SkipReason =
  | "unsuitable"
  | "shared_ro"
  | "inaccessible"
  | "scan_delay"
  | "pid_inactive"
  | "ignored"
  | "seq_completed";

/** Bit 0..63 of a pid: the top six bits of its product with the golden ratio. `hash_32()` */
function pidBit(pid: number): number {
  return Math.imul(pid, 0x61c88647) >>> 26;
}

/** The task uses the area: it may scan it. `vma_set_access_pid_bit()` */
export function setAccessPid(v: VmaNumab, pid: number): void {
  const bit = pidBit(pid);
  if (bit < 32) v.active1lo |= 1 << bit;
  else v.active1hi |= 1 << (bit - 32);
}

export class TaskScan {
  private readonly skipped: Tracepoint<[offset: number, start: number, end: number, reason: SkipReason]>;
  private readonly rule: ArmRule = { anonOnly: false, skipNode: -1, counts: null, accept: null };

  constructor(
    private readonly sys: NumaSystem,
    private readonly hinting: Hinting,
    /** Is the page (of a slow tier) to be armed? null: tiers do not matter. */
    private readonly tierRule: () => ((pfn: number) => boolean) | null,
  ) {
    const hex = (n: number): string => n.toString(16).toUpperCase();
    this.skipped = sys.k.trace.define(
      "sched",
      "sched_skip_vma_numa",
      (offset: number, start: number, end: number, reason: SkipReason) =>
        `numa_scan_offset=${hex(offset)} vma_start=${hex(start)} vma_end=${hex(end)} reason=${reason}`,
    );
  }

  /** Arm the next window of `mm` on behalf of `t`: entries armed. */
  scan(mm: Mm, t: Task): number {
    const { settings, k } = this.sys;
    const s = this.sys.mm(mm);
    const { rule } = this;
    rule.skipNode = mm.refs === 1 ? k.mm.numaNodeId() : -1;
    rule.accept = this.tierRule();
    if (s.scanOffset !== 0 && vmaPosition(mm.vmas, s.scanOffset) === mm.vmas.length) this.nextPass(s);
    const first = this.window(mm, s, t, settings.scanSize * 2 ** 20, false);
    // areas that none of the pass's tasks has used lately are scanned only if there is nothing else
    if (first.end && first.pidsSkipped && first.armed === 0)
      return this.window(mm, s, t, settings.scanSize * 2 ** 20, true).armed;
    return first.armed;
  }

  private nextPass(s: MmNuma): void {
    s.scanSeq++;
    s.scanOffset = 0;
  }

  private window(
    mm: Mm,
    s: MmNuma,
    t: Task,
    bytes: number,
    force: boolean,
  ): { armed: number; end: boolean; pidsSkipped: boolean } {
    let left = bytes;
    let virtual = bytes * VIRTUAL;
    let armed = 0;
    let pidsSkipped = false;
    for (let i = vmaPosition(mm.vmas, s.scanOffset); i < mm.vmas.length; i++) {
      const v = mm.vmas[i];
      const reason = this.skip(s, v, t, force);
      if (reason !== null) {
        pidsSkipped ||= reason === "pid_inactive";
        if (reason === "seq_completed") s.scanOffset = v.end;
        if (this.skipped.on) this.skipped.emit(s.scanOffset, v.start, v.end, reason);
        continue;
      }
      for (let at = Math.max(s.scanOffset, v.start); at < v.end; ) {
        const end = Math.min(v.end, Math.ceil((at + left) / 2097152) * 2097152);
        const n = this.hinting.arm(mm, v, at, end, this.rule);
        armed += n;
        if (n > 0) left -= end - at;
        virtual -= end - at;
        at = end;
        s.scanOffset = at;
        if (left <= 0 || virtual <= 0) return { armed, end: false, pidsSkipped };
      }
      const numab = this.sys.numab(v);
      if (numab !== null) numab.prevScanSeq = s.scanSeq;
      // one area that nobody seems to use is enough for a forced scan
      if (force) return { armed, end: false, pidsSkipped };
    }
    this.nextPass(s);
    return { armed, end: true, pidsSkipped };
  }

  /** Why an area is not scanned now; null: it is. */
  private skip(s: MmNuma, v: Vma, t: Task, force: boolean): SkipReason | null {
    if (!vmaMigratable(v) || (v.flags & (VM_HUGETLB | VM_MIXEDMAP)) !== 0) return "unsuitable";
    const p = this.sys.vmaPolicy(v, v.start);
    if (p !== null && !p.migrateOnFault) return "unsuitable";
    if (v.file !== null && (v.flags & (VM_READ | VM_WRITE)) === VM_READ) return "shared_ro";
    if ((v.flags & VM_ACCESS) === 0) return "inaccessible";
    const { now } = this.sys.k;
    const delay = this.sys.settings.scanDelay * 1e6;
    let b = this.sys.numab(v);
    if (b === null) {
      b = new VmaNumab(s.scanSeq, now + delay, now + delay * (1 + PID_RESET_DELAYS));
      v.slots[this.sys.numabSlot] = b;
    }
    if (s.scanSeq > 0 && now < b.nextScanNs) return "scan_delay";
    if (s.scanSeq > 0 && now > b.pidsActiveResetNs) {
      b.pidsActiveResetNs += delay * PID_RESET_DELAYS;
      b.active0lo = b.active1lo;
      b.active0hi = b.active1hi;
      b.active1lo = 0;
      b.active1hi = 0;
    }
    if (b.prevScanSeq === s.scanSeq) return "seq_completed";
    return force || this.accessed(s, v, b, t) ? null : "pid_inactive";
  }

  /** Has the task used the area lately, or is the scan to go on all the same? `vma_is_accessed()` */
  private accessed(s: MmNuma, v: Vma, b: VmaNumab, t: Task): boolean {
    if (s.scanSeq - b.startScanSeq < 2) return true;
    const bit = pidBit(t.nr);
    const bits = bit < 32 ? b.active0lo | b.active1lo : b.active0hi | b.active1hi;
    if (((bits >>> (bit & 31)) & 1) !== 0) return true;
    if (s.scanOffset > v.start) return true;
    return s.scanSeq > b.prevScanSeq + t.signal.threads.length;
  }
}

/** Dirty memory of a group as writeback asks for it. Linux's mem_cgroup_wb_stats(); kernel document admin-guide/cgroup-v2, "Writeback". */
import type { MemcgWbStats } from "@kernelkit/core";
import { LRU_ACTIVE_FILE, LRU_INACTIVE_FILE, type MemCgroup } from "./memCgroup.js";
import { PAGE_COUNTER_MAX, type PageCounter } from "./pageCounter.js";
import { S_FILE_DIRTY, S_WRITEBACK } from "./stats.js";

export function wbStats(m: MemCgroup, out: MemcgWbStats): void {
  out.filepages = 0;
  for (const g of m.subtree()) out.filepages += g.size[LRU_INACTIVE_FILE] + g.size[LRU_ACTIVE_FILE];
  out.dirty = m.total(S_FILE_DIRTY);
  out.writeback = m.total(S_WRITEBACK);
  out.headroom = Number.POSITIVE_INFINITY;
  for (let c: PageCounter | null = m.memory; c !== null && c.parent !== null; c = c.parent) {
    const limit = Math.min(c.max, c.high);
    if (limit < PAGE_COUNTER_MAX) out.headroom = Math.min(out.headroom, Math.max(0, limit - c.usage));
  }
}

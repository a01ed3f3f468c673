/**
 * memory.high: a task that charged above it reclaims, then sleeps for as long as the overage says. Kernel document
 * admin-guide/cgroup-v2, "memory.high".
 */
import { type Ctx, TASK_KILLABLE, type Task } from "@kernelkit/core";
import { MAX_RECLAIM_RETRIES, taskMemory } from "./charge.js";
import { dying } from "./dying.js";
import { calculateHighDelay } from "./highDelay.js";
import { MEMCG_HIGH, MEMCG_SWAP_HIGH, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { reclaimSubtree } from "./reclaim.js";
import { CHARGE_BATCH } from "./stock.js";

/** Penalty in jiffies for swap above memory.swap.high, the highest of the ancestors; each counts it. */
function swapDelay(s: MemcgSystem, m: MemCgroup, n: number): number {
  let delay = 0;
  for (let g: MemCgroup | null = m; g !== null && !g.isRoot; g = g.parent) {
    if (g.swap.usage <= g.swap.high) continue;
    s.event(g, MEMCG_SWAP_HIGH);
    delay = Math.max(delay, calculateHighDelay(g.swap.usage, g.swap.high, n, s.k.time.hz));
  }
  return delay;
}

/** Linux's mem_cgroup_handle_over_high(): true if the task sleeps now, and is to come again. */
export function handleOverHigh(s: MemcgSystem, t: Task, c: Ctx): boolean {
  const own = taskMemory(s, t);
  if (own.overHigh < CHARGE_BATCH || dying(t)) return false;
  const n = own.overHigh;
  const { hz } = s.k.time;
  own.overHigh = 0;
  const of = s.ofTask(t);
  let delay = 0;
  for (let retries = MAX_RECLAIM_RETRIES; ; ) {
    let freed = 0;
    delay = 0;
    for (let m: MemCgroup | null = of; m !== null && !m.isRoot; m = m.parent) {
      const { memory } = m;
      if (memory.usage <= memory.high) continue;
      s.event(m, MEMCG_HIGH);
      freed += reclaimSubtree(s, m, { want: n, c, maySwap: true });
      delay = Math.max(delay, calculateHighDelay(memory.usage, memory.high, n, hz));
    }
    delay = Math.min(delay + swapDelay(s, of, n), 2 * hz);
    if (delay <= hz / 100 || (freed === 0 && --retries <= 0)) break;
  }
  if (delay <= hz / 100) return false;
  const until = s.k.now + delay * (1e9 / hz);
  s.stall(of, until, t);
  c.sleep(null, until, TASK_KILLABLE);
  return true;
}

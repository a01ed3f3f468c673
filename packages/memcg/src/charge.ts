/**
 * Charging: counters, the CPUs' stock, and what happens at a limit. Kernel document admin-guide/cgroup-v2, "memory.max".
 *
 * 64 pages are charged at a time; what is left over stays in the CPU's stock for the next. At the limit: reclaim, then the OOM
 * killer, then ENOMEM - a page fault tries again instead.
 */
import { type Ctx, ENOMEM, HOOK_WAIT, TASK_KILLABLE, TASK_UNINTERRUPTIBLE, type Task } from "@kernelkit/core";
import { dying } from "./dying.js";
import { MEMCG_MAX, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem, TaskMemory } from "./memcgSystem.js";
import { enterOom, leaveOom, outOfMemory } from "./oom.js";
import { type PageCounter, pageCounterTryCharge, pageCounterUncharge } from "./pageCounter.js";
import { reclaimSubtree } from "./reclaim.js";
import { CHARGE_BATCH, refill, stockOf } from "./stock.js";

export const MAX_RECLAIM_RETRIES = 16;
/** Above this many pages (2^3) nobody is killed for a charge. */
const COSTLY = 8;

/** A charge of user memory in a fault: where nobody can be killed it tries for ever. */
export const CHARGE_FAULT = 1;
/** Not worth reclaiming twice (huge pages). */
export const CHARGE_NORETRY = 2;
/** Room for several small charges to come. */
export const CHARGE_ROOM = 4;

/** Memory, and in v1 memory with swap before it: null, or the counter that refuses. */
function tryCounters(m: MemCgroup, n: number): PageCounter | null {
  if (m.v2) return pageCounterTryCharge(m.memory, n);
  const swap = pageCounterTryCharge(m.memsw, n);
  if (swap !== null) return swap;
  const over = pageCounterTryCharge(m.memory, n);
  if (over !== null) pageCounterUncharge(m.memsw, n);
  return over;
}

/** n pages of the group are free again. */
export function uncharge(s: MemcgSystem, m: MemCgroup, n: number): void {
  if (m.isRoot) return;
  refill(s, m, n);
  if (m.underOom > 0) oomRecover(s, m);
}

/** Memory of the group came free, or its limit changed: those who wait for the end of a shortage look again. */
export function oomRecover(s: MemcgSystem, m: MemCgroup): void {
  for (let g: MemCgroup | null = m; g !== null; g = g.parent)
    if (g.underOom > 0) s.k.sched.wakeUp(g.oomWait, Number.MAX_SAFE_INTEGER);
}

/** The group whose counter this is. */
function ofCounter(m: MemCgroup, c: PageCounter): MemCgroup {
  let g = m;
  while (g.memory !== c && g.memsw !== c && g.parent !== null) g = g.parent;
  return g;
}

/**
 * Charge n pages to `m`: 0, ENOMEM, or HOOK_WAIT (with `c`: the call sleeps and asks again). `task`: on whose behalf, null: nobody's.
 */
export function tryCharge(
  s: MemcgSystem,
  m: MemCgroup,
  n: number,
  c: Ctx | null,
  task: Task | null,
  flags: number,
): number {
  if (m.isRoot) return 0;
  if (s.oomWaiters > 0 && task !== null) leaveOom(s, task);
  const stock = stockOf(s);
  if (stock.memcg === m && stock.pages >= n) {
    stock.pages -= n;
    return 0;
  }
  if (n < CHARGE_BATCH && tryCounters(m, CHARGE_BATCH) === null) {
    refill(s, m, CHARGE_BATCH - n);
    if (task !== null) noteHigh(s, m, task, CHARGE_BATCH);
    return 0;
  }
  return chargeExactly(s, m, n, c, task, flags);
}

/** Near the limit: just n pages, with all that may have to be done for them. */
function chargeExactly(
  s: MemcgSystem,
  m: MemCgroup,
  n: number,
  c: Ctx | null,
  task: Task | null,
  flags: number,
): number {
  let drained = false;
  for (let retries = MAX_RECLAIM_RETRIES; ; ) {
    const over = tryCounters(m, n);
    if (over === null) {
      if (task !== null) noteHigh(s, m, task, n);
      return 0;
    }
    if (!drained) {
      drained = true;
      s.drainAll();
      continue;
    }
    const at = ofCounter(m, over);
    s.event(at, MEMCG_MAX);
    const freed = reclaimSubtree(s, at, { want: n, c, maySwap: over === at.memory });
    s.drainAll();
    if ((flags & CHARGE_NORETRY) !== 0 && freed === 0) return ENOMEM;
    if (freed > 0 && n <= COSTLY) continue;
    // what is being written comes free without anybody's help
    if (s.pendingIo > 0 && c !== null && task !== null && !dying(task)) return waitTick(s, m, c);
    if (retries-- > 0) continue;
    if (task !== null && dying(task)) return ENOMEM;
    if (n > COSTLY && (flags & CHARGE_ROOM) === 0) return ENOMEM;
    const fault = (flags & CHARGE_FAULT) !== 0 && c !== null;
    if (at.oomKillDisable && task !== null) {
      if (!fault) return ENOMEM;
      enterOom(s, at, task);
      (c as Ctx).sleep(at.oomWait, undefined, TASK_KILLABLE);
      return HOOK_WAIT;
    }
    const killed = outOfMemory(s, at, task);
    if (killed && task !== null && dying(task)) {
      // it is the victim itself: another round of attempts, then it goes
      retries = MAX_RECLAIM_RETRIES;
      continue;
    }
    // a victim is dying: its memory is on the way. Where nobody can be killed a fault spins, a system call fails
    return c !== null && (killed || fault) ? waitTick(s, m, c) : ENOMEM;
  }
}

/** Pages that a task charged above a high limit are remembered: it pays for each batch on its way. */
function noteHigh(s: MemcgSystem, m: MemCgroup, t: Task, n: number): void {
  for (let g: MemCgroup | null = m; g !== null; g = g.parent) {
    if (g.memory.usage <= g.memory.high && g.swap.usage <= g.swap.high) continue;
    taskMemory(s, t).overHigh += n;
    return;
  }
}

/** Sleep until the next tick, for want of memory. */
function waitTick(s: MemcgSystem, m: MemCgroup, c: Ctx): number {
  const until = s.k.time.nextTick();
  s.stall(m, until, c.task);
  c.sleep(null, until, TASK_UNINTERRUPTIBLE);
  return HOOK_WAIT;
}

/**
 * Is there room for n more pages of `task`'s group? If not, it is made as for a charge: HOOK_WAIT, the call sleeps and asks again;
 * else the charges to come say themselves whether they fit.
 */
export function makeRoom(s: MemcgSystem, n: number, c: Ctx, task: Task): number {
  const m = s.ofTask(task);
  if (m.isRoot || m.margin() >= n) return 0;
  const e = tryCharge(s, m, n, c, task, CHARGE_ROOM);
  if (e === 0) uncharge(s, m, n);
  return e === HOOK_WAIT ? HOOK_WAIT : 0;
}

export function taskMemory(s: MemcgSystem, t: Task): TaskMemory {
  return t.slots[s.slot] as TaskMemory;
}

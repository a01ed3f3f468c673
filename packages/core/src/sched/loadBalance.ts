/**
 * Which CPU a task runs on: where it wakes, what an idle CPU takes from the others, and two tasks that change places. sched-domains
 * (kernel documentation), here with one domain.
 */
import { PF_NO_SETAFFINITY, TASK_RUNNING, type Task } from "../task/task.js";
import { maskHas } from "./cpus.js";
import { isRt } from "./runQueue.js";
import type { Scheduler } from "./scheduler.js";

/** Where a waking task goes: where it was if that is free, an idle CPU, else the one with least. */
export function selectCpu(s: Scheduler, t: Task): number {
  const { cpus, hooks } = s.k;
  if (hooks.selectCpu.on !== null) {
    const c = hooks.selectCpu.on(t, t.cpu);
    if (c !== undefined && cpus.online[c] === 1 && maskHas(t.cpusMask, c)) return c;
  }
  const prev = t.cpu;
  const prevOk = cpus.online[prev] === 1 && maskHas(t.cpusMask, prev);
  // a bound kernel thread has nowhere else to go
  if (prevOk && (s.rqs[prev].nrRunning === 0 || (t.flags & PF_NO_SETAFFINITY) !== 0)) return prev;
  let best = -1;
  for (let c = 0; c < cpus.nr; c++) {
    if (cpus.online[c] === 0 || !maskHas(t.cpusMask, c)) continue;
    const rq = s.rqs[c];
    if (rq.nrRunning === 0 && cpus.forcedIdleUntil[c] <= s.k.now) return c;
    if (isRt(t)) {
      const curr = cpus.curr[c];
      const prio = curr === null ? 0 : curr.se.rtPriority;
      if (prio < t.se.rtPriority && (best < 0 || prio < (cpus.curr[best]?.se.rtPriority ?? 0))) best = c;
    } else if (best < 0 || rq.nrRunning < s.rqs[best].nrRunning) best = c;
  }
  if (isRt(t) ? best < 0 : prevOk && (best < 0 || s.rqs[best].nrRunning >= s.rqs[prev].nrRunning))
    return prevOk ? prev : anyAllowed(s, t);
  return best;
}

/** Lowest online CPU the task may use; any online one if its mask has none (its mask is then widened by hotplug). */
export function anyAllowed(s: Scheduler, t: Task): number {
  const { cpus } = s.k;
  for (let c = 0; c < cpus.nr; c++) if (cpus.online[c] === 1 && maskHas(t.cpusMask, c)) return c;
  return cpus.online.indexOf(1);
}

/** Exchange the places of two tasks that are on CPUs or queued there; neither CPU is idle in between. `migrate_swap()` */
export function swapTasks(s: Scheduler, a: Task, b: Task): void {
  const { k } = s;
  const { curr } = k.cpus;
  const from = a.cpu;
  const to = b.cpu;
  if (from === to) return;
  if (k.trace.schedMigrateTask.on) {
    k.trace.schedMigrateTask.emit(a, to);
    k.trace.schedMigrateTask.emit(b, from);
  }
  const running = [from, to].map((cpu) => (curr[cpu] === a || curr[cpu] === b ? curr[cpu] : null));
  for (const t of [a, b]) {
    const { cpu } = t;
    const ran = curr[cpu] === t;
    if (!ran && !t.se.queued) continue;
    s.deactivate(t);
    if (!ran) continue;
    curr[cpu] = null;
    s.stopSteps(cpu);
    t.needResched = false;
  }
  for (const [t, cpu] of [
    [a, to],
    [b, from],
  ] as const) {
    if (t.state === TASK_RUNNING) s.activate(t, cpu);
    else t.cpu = cpu;
  }
  if (running[0] !== null && curr[from] === null) s.schedule(from, running[0]);
  if (running[1] !== null && curr[to] === null) s.schedule(to, running[1]);
}

/** What a CPU with nothing to do should take: a task that waits on the CPU with most. */
export function pullFor(s: Scheduler, cpu: number): Task | null {
  const { migrateDegrades } = s.k.hooks;
  const task = migrateDegrades.on === null ? null : pullable(s, cpu, (t) => migrateDegrades.on?.(t, cpu) !== true);
  return task ?? pullable(s, cpu, null);
}

/** A task that waits on the CPU with most, of those that `fits` allows. */
function pullable(s: Scheduler, cpu: number, fits: ((t: Task) => boolean) | null): Task | null {
  let best = -1;
  let task: Task | null = null;
  for (let c = 0; c < s.rqs.length; c++) {
    if (c === cpu) continue;
    const rq = s.rqs[c];
    if (rq.rt.length + rq.fair.length === 0 || (best >= 0 && rq.nrRunning <= s.rqs[best].nrRunning)) continue;
    const may = (x: Task): boolean => maskHas(x.cpusMask, cpu) && (fits === null || fits(x));
    const t = rq.rt.find(may) ?? findLast(rq.fair, may);
    if (t !== undefined) {
      best = c;
      task = t;
    }
  }
  return task;
}

function findLast<T>(a: readonly T[], f: (x: T) => boolean): T | undefined {
  for (let i = a.length - 1; i >= 0; i--) if (f(a[i])) return a[i];
  return undefined;
}

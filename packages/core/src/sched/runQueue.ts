/**
 * One CPU's run queue: real-time tasks by priority and arrival above fair tasks by virtual deadline (EEVDF).
 *
 * Fair tasks: a task's vruntime advances by (ns * 1024 / weight); its deadline is vruntime + slice * 1024 / weight and is
 * renewed each time a slice is used up; the earliest deadline runs. `avgVruntime` is the weighted mean of the tasks that are
 * here (the zero-lag point): a sleeper is put back at the mean less the lag it left with. sched-eevdf (kernel documentation).
 */
import type { Task } from "../task/task.js";

/** Load weights of nice -20 .. 19: each step is a factor of about 1.25, nice 0 is 1024. */
export const SCHED_WEIGHTS: readonly number[] = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991,
  1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];
const WEIGHT_IDLEPRIO = 3;
export const SCHED_OTHER_ = 0;
const SCHED_IDLE_ = 5;

export function weightOf(t: Task): number {
  return t.se.policy === SCHED_IDLE_ ? WEIGHT_IDLEPRIO : SCHED_WEIGHTS[t.se.nice + 20];
}

export function isRt(t: Task): boolean {
  return t.se.rtPriority > 0;
}

export class RunQueue {
  /** Queued fair tasks: a heap on (deadline, seq). The running task is not in it. */
  readonly fair: Task[] = [];
  /** Queued real-time tasks: highest priority first, then arrival. */
  readonly rt: Task[] = [];
  /** Sums over fair tasks here, running one included. */
  sumWeight = 0;
  sumWeightedV = 0;
  /** Runnable tasks, running one included. */
  nrRunning = 0;
  nrFair = 0;
  seq = 0;

  constructor(readonly cpu: number) {}

  get avgVruntime(): number {
    return this.sumWeight === 0 ? 0 : this.sumWeightedV / this.sumWeight;
  }

  /** Load as the balancer sees it: sum of fair weights. */
  get load(): number {
    return this.sumWeight;
  }

  /** Count a fair task in (it becomes runnable here). */
  attach(t: Task): void {
    this.nrRunning++;
    if (isRt(t)) return;
    const w = weightOf(t);
    this.nrFair++;
    this.sumWeight += w;
    this.sumWeightedV += w * t.se.vruntime;
  }

  /** Count a task out. */
  detach(t: Task): void {
    this.nrRunning--;
    if (isRt(t)) return;
    const w = weightOf(t);
    this.nrFair--;
    this.sumWeight -= w;
    this.sumWeightedV -= w * t.se.vruntime;
    if (this.nrFair === 0) {
      this.sumWeight = 0;
      this.sumWeightedV = 0;
    }
  }

  /** Put into the queue (not counted: see attach). */
  push(t: Task, front = false): void {
    t.se.queued = true;
    t.se.seq = front ? -++this.seq : ++this.seq;
    if (isRt(t)) {
      const p = t.se.rtPriority;
      let i = 0;
      while (i < this.rt.length && (front ? this.rt[i].se.rtPriority > p : this.rt[i].se.rtPriority >= p)) i++;
      // splice makes an array each time: not for the usual queue of one
      if (i === this.rt.length) this.rt.push(t);
      else this.rt.splice(i, 0, t);
      return;
    }
    let i = this.fair.length;
    this.fair.push(t);
    while (i > 0) {
      const p = (i - 1) >> 1;
      const pt = this.fair[p];
      if (!before(t, pt)) break;
      this.fair[i] = pt;
      pt.se.heapIndex = i;
      i = p;
    }
    this.fair[i] = t;
    t.se.heapIndex = i;
  }

  /** Take out of the queue (not counted: see detach). */
  remove(t: Task): void {
    t.se.queued = false;
    if (isRt(t)) {
      const i = this.rt.indexOf(t);
      if (i >= 0 && i === this.rt.length - 1) this.rt.pop();
      else if (i >= 0) this.rt.splice(i, 1);
      return;
    }
    const { fair } = this;
    let i = t.se.heapIndex;
    t.se.heapIndex = -1;
    const last = fair.pop() as Task;
    if (last === t) return;
    // sift `last` from the hole
    while (i > 0) {
      const p = (i - 1) >> 1;
      if (!before(last, fair[p])) break;
      fair[i] = fair[p];
      fair[i].se.heapIndex = i;
      i = p;
    }
    for (;;) {
      let c = 2 * i + 1;
      if (c >= fair.length) break;
      if (c + 1 < fair.length && before(fair[c + 1], fair[c])) c++;
      if (!before(fair[c], last)) break;
      fair[i] = fair[c];
      fair[i].se.heapIndex = i;
      i = c;
    }
    fair[i] = last;
    last.se.heapIndex = i;
  }

  /** The task that should run next, or null. */
  first(): Task | null {
    return this.rt.length > 0 ? this.rt[0] : this.fair.length > 0 ? this.fair[0] : null;
  }
}

function before(a: Task, b: Task): boolean {
  return a.se.deadline < b.se.deadline || (a.se.deadline === b.se.deadline && a.se.seq < b.se.seq);
}

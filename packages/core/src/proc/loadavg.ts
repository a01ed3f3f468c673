/**
 * Load averages: every five seconds the number of tasks that run or wait uninterruptibly goes into three averages, in fixed
 * point with 11 bits. Nothing ticks for it: when a CPU goes idle or leaves idle, and when somebody looks, the periods that
 * have passed are made up for with the number of tasks there was. proc_loadavg(5), getloadavg(3).
 */
import type { Core } from "../kernel/core.js";
import { TASK_KILLABLE, TASK_UNINTERRUPTIBLE } from "../task/task.js";

const FSHIFT = 11;
const FIXED_1 = 1 << FSHIFT;
/** exp(-5 s / 1, 5, 15 min) in fixed point. */
const EXP: readonly number[] = [1884, 2014, 2037];
/** ns between two samples: five seconds and one tick. */
const SAMPLE_TICKS_MORE = 1;

/** Fixed-point a^n. */
function fixedPower(x: number, n: number): number {
  let result = FIXED_1;
  for (; n > 0; n = Math.floor(n / 2)) {
    if (n % 2 === 1) result = Math.floor((result * x + (FIXED_1 >> 1)) / FIXED_1);
    x = Math.floor((x * x + (FIXED_1 >> 1)) / FIXED_1);
  }
  return result;
}

function calcLoad(load: number, exp: number, active: number): number {
  const v = load * exp + active * (FIXED_1 - exp) + (active >= load ? FIXED_1 - 1 : 0);
  return Math.floor(v / FIXED_1);
}

export class LoadAvg {
  /** The three averages, fixed point. */
  readonly avenrun: number[] = [0, 0, 0];
  /** Samples taken. */
  samples = 0;
  private readonly periodNs: number;

  constructor(readonly k: Core) {
    this.periodNs = 5e9 + SAMPLE_TICKS_MORE * Math.round(1e9 / k.time.hz);
    // what counts is how it was until now: one task ran on a CPU that goes idle, none on one that leaves idle
    k.hooks.idleEnter.tap(950, "loadavg", (cpu) => this.look(cpu, 1));
    k.hooks.idleExit.tap(950, "loadavg", (cpu) => this.look(cpu, 0));
  }

  private look(cpu: number, ran: number): void {
    const { now } = this.k;
    if (now < (this.samples + 1) * this.periodNs) return;
    const n = Math.floor(now / this.periodNs) - this.samples;
    const next = this.after(n, this.active(cpu) + ran);
    for (let i = 0; i < 3; i++) this.avenrun[i] = next[i];
    this.samples += n;
  }

  /** Tasks that run or are in uninterruptible sleep; those of CPU `but` are left out. */
  active(but: number = -1): number {
    const { sched, cpus } = this.k;
    let n = 0;
    for (let cpu = 0; cpu < cpus.nr; cpu++)
      if (cpu !== but) n += sched.rqs[cpu].nrRunning + (cpus.curr[cpu] === null ? 0 : 1);
    for (const pid of this.k.tasks.initPidNs.pids.values()) {
      const t = pid.task;
      if (t !== null && (t.state === TASK_UNINTERRUPTIBLE || t.state === TASK_KILLABLE)) n++;
    }
    return n;
  }

  private after(n: number, tasks: number): number[] {
    return this.avenrun.map((load, i) => calcLoad(load, fixedPower(EXP[i], n), tasks * FIXED_1));
  }

  /** The averages now, fixed point with 11 bits. Changes nothing. */
  now(): number[] {
    const n = Math.floor(this.k.now / this.periodNs) - this.samples;
    return n > 0 ? this.after(n, this.active()) : this.avenrun.slice();
  }

  /** `0.06 0.11 0.40` */
  text(): string {
    return this.now()
      .map((v) => {
        const x = v + Math.floor(FIXED_1 / 200);
        const frac = Math.floor(((x % FIXED_1) * 100) / FIXED_1);
        return `${Math.floor(x / FIXED_1)}.${frac < 10 ? "0" : ""}${frac}`;
      })
      .join(" ");
  }
}

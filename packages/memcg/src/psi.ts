/**
 * Pressure stall information of memory: how long tasks of a group were held up for want of memory. Kernel document accounting/psi.
 *
 * A stall's end is known when it begins (a delay, a read, a wait for the next tick), so "some" is the union of intervals that is added
 * to as they come, and running averages are caught up when somebody looks. "full" is a stall that began while no other task of the
 * group could run.
 */
import { EBUSY, EINVAL, fail } from "@kernelkit/core";

const PERIOD_NS = 2e9;
const WINDOWS: readonly number[] = [10, 60, 300];
/** Shortest window of kernels before 6.5. */
const MIN_WINDOW_US = 500_000;
const MAX_WINDOW_US = 10_000_000;

/** The union of the stalls of one kind. */
class PsiLine {
  /** ns of stall, up to `end`. */
  total = 0;
  /** The last stall's end. */
  end = 0;
  /** Stalls that are not in the averages yet: starts and ends. */
  readonly recent: number[] = [];
  /** Percent over 10, 60, 300 s. */
  readonly avg: number[] = [0, 0, 0];
  /** Up to where the averages go. */
  rolled = 0;

  add(from: number, to: number): void {
    const start = Math.max(from, this.end);
    if (to <= start) return;
    this.total += to - start;
    this.end = to;
    this.recent.push(start, to);
  }

  /** ns of stall between two instants, the later ones not rolled yet. */
  between(from: number, to: number): number {
    let ns = 0;
    for (let i = 0; i < this.recent.length; i += 2)
      ns += Math.max(0, Math.min(this.recent[i + 1], to) - Math.max(this.recent[i], from));
    return ns;
  }

  private roll(now: number): void {
    // after ten minutes without a stall nothing is left of any average
    if (now - this.rolled > 300 * PERIOD_NS && this.recent.length === 0) {
      this.avg.fill(0);
      this.rolled = Math.floor(now / PERIOD_NS) * PERIOD_NS;
    }
    for (; this.rolled + PERIOD_NS <= now; this.rolled += PERIOD_NS) {
      const share = (100 * this.between(this.rolled, this.rolled + PERIOD_NS)) / PERIOD_NS;
      WINDOWS.forEach((s, i) => {
        const keep = Math.exp(-2 / s);
        this.avg[i] = this.avg[i] * keep + share * (1 - keep);
      });
    }
    // a trigger's window reaches ten seconds back
    while (this.recent.length > 0 && this.recent[1] < this.rolled - MAX_WINDOW_US * 1000) this.recent.splice(0, 2);
  }

  text(name: string, now: number): string {
    this.roll(now);
    const us = Math.floor((this.total - Math.max(0, this.end - now)) / 1000);
    return `${name} avg10=${this.avg[0].toFixed(2)} avg60=${this.avg[1].toFixed(2)} avg300=${this.avg[2].toFixed(2)} total=${us}\n`;
  }
}

/** A trigger of an open memory.pressure: told when stalls within the window exceed the threshold, once a window. */
class PsiTrigger {
  lastEvent: number = Number.NEGATIVE_INFINITY;
  /** It has fired, and poll(2) has not said so yet. */
  event = false;
  constructor(
    readonly full: boolean,
    readonly stallNs: number,
    readonly windowNs: number,
  ) {}
}

export class PsiGroup {
  readonly some: PsiLine = new PsiLine();
  readonly full: PsiLine = new PsiLine();
  /** cgroup.pressure */
  enabled = true;
  /** By the serial number of the file it was written to. */
  readonly triggers: Map<number, PsiTrigger> = new Map();

  /** A task is held up from `now` to `until`; `full`: nobody else of the group can run. True: a trigger fires. */
  stall(now: number, until: number, full: boolean): boolean {
    if (!this.enabled) return false;
    this.some.add(now, until);
    if (full) this.full.add(now, until);
    let fired = false;
    for (const t of this.triggers.values()) {
      const line = t.full ? this.full : this.some;
      if (until < t.lastEvent + t.windowNs || line.between(until - t.windowNs, until) < t.stallNs) continue;
      t.lastEvent = until;
      t.event = true;
      fired = true;
    }
    return fired;
  }

  /** poll(2) of an open file: "none", it has no trigger; was there an event since it was last asked? */
  poll(file: number): "none" | "event" | "quiet" {
    const t = this.triggers.get(file);
    if (t === undefined) return "none";
    const fired = t.event;
    t.event = false;
    return fired ? "event" : "quiet";
  }

  text(now: number): string {
    return this.some.text("some", now) + this.full.text("full", now);
  }

  /**
   * `some 150000 1000000`: microseconds of stall within a window; what follows is not looked at. Without privilege the window is whole
   * periods of two seconds; kernels before 6.5 (`old`) let nobody else in and want half a second at least. EINVAL; EBUSY: the file has
   * a trigger.
   */
  addTrigger(text: string, file: number, privileged: boolean, old: boolean): void {
    const m = /^(some|full)\s+\+?(\d+)\s+\+?(\d+)/.exec(text);
    if (m === null) return fail(EINVAL);
    const stall = Number(m[2]);
    const window = Number(m[3]);
    const least = old ? MIN_WINDOW_US : 1;
    if (window < least || window > MAX_WINDOW_US || stall === 0 || stall > window) return fail(EINVAL);
    if (!privileged && (window * 1000) % PERIOD_NS !== 0) return fail(EINVAL);
    if (this.triggers.has(file)) return fail(EBUSY);
    this.triggers.set(file, new PsiTrigger(m[1] === "full", stall * 1000, window * 1000));
    return undefined;
  }
}

/** State classes of this file. */
export const PSI_CLASSES: readonly (new (...args: never[]) => object)[] = [PsiLine, PsiTrigger, PsiGroup];

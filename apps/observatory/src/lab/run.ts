/**
 * A run: a scenario, its settings, a seed, and a journal of inputs with their instants. The same run gives the same digest, in
 * Node and in a page, at any speed, looked at or not. Any instant can be gone to: back to the nearest snapshot, then
 * forward through the journal.
 *
 * An instant is (ns, k): everything up to and including `ns` has happened, and then k more events of the queue.
 */
import type { Knobs } from "@kernelkit/core/stories";
import type { AssembledKernel } from "kernelkit/kernel";
import { type Compose, composeOf } from "./compose.js";
import { History } from "./history.js";
import { keeps, Recorded } from "./recorded.js";
import type { KernelEvent, Scenario } from "./scenario.js";
import { Snapshots } from "./snapshots.js";

export interface Instant {
  readonly ns: number;
  readonly k: number;
}
export const earlier = (a: Instant, b: Instant): boolean => a.ns < b.ns || (a.ns === b.ns && a.k < b.k);

/** An input: what was done, and when. */
export interface Entry extends Instant {
  readonly control: string;
  readonly value: number | string;
}

export interface RunSpec {
  readonly settings: Knobs;
  readonly seed: number;
}

/** Work, in ms, after which another snapshot pays; and so many times what the last one cost, whatever the machine. */
const SNAPSHOT_AFTER_MS = 150;
const SNAPSHOT_COSTS = 8;

/** Inputs that are no control of the scenario (the shell): answered by who owns the run. */
export type Extra = (run: Run, e: Entry) => void | Promise<void>;

export class Run {
  kernel!: AssembledKernel;
  history: History;
  snapshots: Snapshots = new Snapshots();
  journal: Entry[] = [];
  /** Entries applied so far. */
  applied = 0;
  /** Where the kernel is. */
  base = 0;
  steps = 0;
  /** The furthest it has been. */
  frontier: Instant = { ns: 0, k: 0 };
  /** A replay that came out differently: a sentence. */
  mismatch: string | null = null;
  private worked = 0;
  /** Of the last snapshot, ms. */
  private cost = 0;
  private codes = new Uint8Array(0);
  /** Asked of every event that happens, in replays too; the first one it takes is kept in `hit` until that is cleared. */
  alarm: ((e: KernelEvent) => boolean) | null = null;
  hit: KernelEvent | null = null;
  /** Events that have been asked about or recorded. */
  seen = 0;
  private broken = false;
  private foreign = false;

  constructor(
    readonly scenario: Scenario,
    readonly spec: RunSpec,
    private readonly extra: Extra = () => {},
    private readonly compose: Compose = composeOf(scenario),
  ) {
    this.history = new History(scenario.binNs, scenario.gauges.length);
    this.codes = new Uint8Array(scenario.lanes?.max ?? 0);
    this.make();
    scenario.setup(this.kernel, spec.settings);
    this.base = this.kernel.now;
    this.frontier = { ns: this.base, k: 0 };
    if (this.base % scenario.binNs === 0) this.sample();
    this.snapshot();
  }

  get at(): Instant {
    return { ns: this.base, k: this.steps };
  }
  /** Virtual time now, ns: with steps taken, that of the last event. */
  get now(): number {
    return this.kernel.now;
  }

  /** A kernel of this run's options, as booted, with observers. */
  blank(): AssembledKernel {
    const { scenario, spec } = this;
    const kernel = this.compose({ ...scenario.options(spec.settings), seed: spec.seed }).boot();
    scenario.statics?.(kernel);
    for (const p of scenario.programs) kernel.core.programs.add(p);
    return kernel;
  }

  private make(): void {
    const kernel = this.blank();
    this.kernel = kernel;
    this.broken = false;
    const { scenario } = this;
    const replays = (): boolean => earlier({ ns: this.base, k: this.steps }, this.frontier);
    const deaf = (): boolean => this.kernel !== kernel || (this.alarm === null && replays());
    const record = (e: KernelEvent): void => {
      this.seen++;
      if (this.hit === null && this.alarm?.(e) === true) this.hit = e;
      if (!replays()) this.history.event(e);
    };
    const who = (): readonly [number, string] => {
      const t = kernel.core.current ?? kernel.cpus.curr[kernel.core.currentCpu];
      return t === null || t === undefined ? [0, "<idle>"] : [t.nr, t.comm];
    };
    for (const pattern of scenario.traces) {
      kernel.trace.listen(pattern, (name, ...args) => {
        if (deaf()) return;
        const tp = kernel.trace.points.get(name);
        const where = tp?.where?.(...(args as never[]));
        const t = where?.task;
        const [pid, comm] = t === undefined ? who() : t === null ? [0, "<idle>"] : [t.nr, t.comm];
        const lazy = tp !== undefined && keeps(args);
        const words = lazy ? null : (tp?.print(...(args as never[])) ?? "");
        const value = scenario.value?.(name, args) ?? Number.NaN;
        const cpu = where?.cpu ?? kernel.core.currentCpu;
        const { currentId, currentCause } = kernel.core.events;
        const print = lazy ? (tp.print as (...a: never[]) => string) : null;
        record(new Recorded(kernel.now, name, cpu, pid, comm, value, currentId, currentCause, words, print, args));
      });
    }
    scenario.watch?.(kernel, (e) => {
      if (deaf()) return;
      const [pid, comm] = who();
      const { currentId, currentCause } = kernel.core.events;
      record({
        ns: kernel.now,
        name: e.name,
        cpu: e.cpu ?? kernel.core.currentCpu,
        pid: e.pid ?? pid,
        comm: e.comm ?? comm,
        text: e.text,
        value: e.value ?? Number.NaN,
        event: currentId,
        cause: currentCause,
      });
    });
  }

  // --- forward ---

  /** To an instant; `enough()` is asked after each bin. True: there. Rejects with what the kernel threw; the run can still go back. */
  async advance(to: Instant, enough: () => boolean = () => false): Promise<boolean> {
    const started = performance.now();
    try {
      for (;;) {
        const entry = this.journal[this.applied];
        const goal: Instant = entry !== undefined && !earlier(to, entry) ? entry : to;
        while (this.base < goal.ns) {
          this.toBin(goal.ns);
          if (enough()) return false;
        }
        while (this.steps < goal.k) this.one();
        this.reached();
        if (entry === undefined || goal !== entry) return true;
        this.applied++;
        await this.apply(entry);
      }
    } catch (e) {
      this.broken = true;
      throw e;
    } finally {
      this.worked += performance.now() - started;
      if (
        this.worked > Math.max(SNAPSHOT_AFTER_MS, SNAPSHOT_COSTS * this.cost) &&
        this.steps === 0 &&
        !this.broken &&
        !earlier(this.at, this.frontier)
      )
        this.snapshot();
    }
  }

  /** To the next bin, or to `limit` if that is nearer. */
  private toBin(limit: number): void {
    const { binNs } = this.scenario;
    const next = Math.min(limit, (Math.floor(this.base / binNs) + 1) * binNs);
    if (next > this.kernel.now) this.kernel.core.runTo(next);
    this.base = next;
    this.steps = 0;
    if (next % binNs === 0) this.sample();
    this.reached();
  }

  /** One event, if there is one before the next bin; false: none. */
  private one(): boolean {
    const { binNs } = this.scenario;
    const end = (Math.floor(this.base / binNs) + 1) * binNs;
    const { core } = this.kernel;
    let looked = 0;
    if (!core.sched.stepsPending && core.events.peek() > end) return false;
    core.runTo(end, () => ++looked > 1);
    this.steps++;
    return true;
  }

  /** Step one event forward: to the next thing that happens, at most `withinNs` ahead. */
  stepEvent(withinNs = 10e9): void {
    const end = this.base + withinNs;
    while (!this.one() && this.base < end) this.toBin(end);
    this.reached();
  }

  private reached(): void {
    if (earlier(this.frontier, this.at)) this.frontier = this.at;
  }

  private sample(): void {
    const { scenario, history, kernel } = this;
    const bin = Math.round(this.base / scenario.binNs);
    if (bin >= history.end) {
      const names = scenario.lanes?.names(kernel) ?? [];
      this.codes.fill(0);
      scenario.lanes?.read(kernel, this.codes);
      history.push(bin, (g) => scenario.gauges[g].read(kernel), names, this.codes);
    }
    if (this.base % 1e9 !== 0) return;
    const second = this.base / 1e9;
    const digest = kernel.digest();
    const before = history.digests.get(second);
    if (before === undefined) history.digests.set(second, digest);
    else if (before !== digest) this.mismatch ??= `the replay differs from the first pass at second ${second}`;
  }

  private async apply(e: Entry): Promise<void> {
    const control = this.scenario.controls.find((c) => c.name === e.control);
    // what an input is told stands with who made it; in a replay the same refusal comes again
    if (control === undefined) await this.extra(this, e);
    else
      try {
        control.apply(this.kernel, e.value);
      } catch {}
  }

  /** Make an input here. What it throws is for who made it; it stands in the journal either way. */
  input(control: string, value: number | string): void {
    const c = this.scenario.controls.find((x) => x.name === control);
    if (c === undefined) throw new RangeError(`there is no control '${control}'`);
    this.note({ ...this.at, control, value });
    c.apply(this.kernel, value);
  }

  /** An input that is about to be made by the caller. */
  note(e: Entry): void {
    this.journal.length = this.applied;
    this.journal.push(e);
    this.applied++;
  }

  // --- back ---

  private snapshot(): void {
    if (this.snapshots.has(this.base)) return;
    const started = performance.now();
    this.snapshots.add({ ns: this.base, applied: this.applied, text: JSON.stringify(this.kernel.checkpoint()) });
    this.cost = performance.now() - started;
    this.worked = 0;
  }

  /** To the nearest snapshot before an instant, unless the kernel is already between that and the instant. */
  rewind(to: Instant): void {
    const s = this.snapshots.before(to.ns) ?? this.snapshots.first;
    if (!this.broken && !this.foreign && !earlier(to, this.at) && this.base >= s.ns) return;
    if (this.broken) this.make();
    (this.kernel as unknown as { restore(c: unknown): void }).restore(JSON.parse(s.text));
    this.base = s.ns;
    this.steps = 0;
    this.applied = s.applied;
    this.foreign = false;
  }

  /** The kernel's state belongs to another branch: the next rewind must take a snapshot. */
  leavePast(): void {
    this.foreign = true;
  }

  /** An instant, or the beginning of the run if it is before that. */
  within(to: Instant): Instant {
    const { ns } = this.snapshots.first;
    return to.ns < ns ? { ns, k: 0 } : to;
  }

  /** To any instant of the run, all at once. */
  async seek(to: Instant): Promise<void> {
    this.rewind(to);
    await this.advance(this.within(to));
  }

  /** The instant one event before this one. */
  async stepBack(): Promise<void> {
    const { binNs } = this.scenario;
    if (this.steps > 0) return this.seek({ ns: this.base, k: this.steps - 1 });
    // the last event before here: walk forward to here, from ever further back until something happens on the way
    const here = this.base;
    const first = this.snapshots.first.ns;
    for (let far = binNs; ; far *= 8) {
      const from = Math.max(first, Math.floor((here - far) / binNs) * binNs);
      await this.seek({ ns: from, k: 0 });
      const last = await this.lastBefore(here);
      if (last !== null) return this.seek(last);
      if (from <= first) return this.seek({ ns: first, k: 0 });
    }
  }

  /** Walk to `here`: the instant before the last event on the way, null if there was none. */
  private async lastBefore(here: number): Promise<Instant | null> {
    const { binNs } = this.scenario;
    const { core } = this.kernel;
    let last: Instant | null = null;
    while (this.base < here) {
      const entry = this.journal[this.applied];
      const end = Math.min(here, (Math.floor(this.base / binNs) + 1) * binNs, entry?.ns ?? Number.POSITIVE_INFINITY);
      while (core.sched.stepsPending || core.events.peek() <= end) {
        const at = this.at;
        if (!this.one() || this.kernel.now > end) break;
        last = at;
      }
      await this.advance({ ns: end, k: entry?.ns === end ? entry.k : 0 });
    }
    return last;
  }

  /** Events recorded at the cursor or before it. */
  eventsUpTo(): readonly KernelEvent[] {
    const { events } = this.history;
    let hi = events.length;
    let lo = 0;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (events[mid].ns <= this.kernel.now) lo = mid + 1;
      else hi = mid;
    }
    return events.slice(0, lo);
  }
}

/**
 * Kernels on one clock: the one looked at, and others beside it (rival designs under the same inputs, or other views). Time passes for all
 * of them together, whatever each costs; where one goes, all go.
 *
 * One thing at a time changes the kernels: what does waits for what does now, and between two slices of work the mailbox is
 * looked at, so that a pause or a later seek is never far away.
 */
import type { Branches } from "./branches.js";
import { eventFilter } from "./eventFilter.js";
import { BadRequest, LATEST_NS } from "./protocol.js";
import type { Instant, Run } from "./run.js";
import type { KernelEvent } from "./scenario.js";

const SLICE_MS = 8;
/** A stalled page or a sleeping machine must not become a leap, ms. */
const LONGEST_GAP_MS = 100;
/** Kernels beside each other are never further apart than this while they run, ns. */
const ABREAST_NS = 50e6;
/** After an event that is to be seen slowly: so many events at this speed. */
const SLOW_EVENTS = 12;
const SLOW_SPEED = 0.002;

export interface Side {
  readonly run: Run;
  readonly branches: Branches;
}

export interface Watch {
  readonly filter: string;
  readonly act: "stop" | "slow";
}

export class Clock {
  sides: readonly Side[] = [];
  speed = 0;
  achieved = 0;
  seeking = false;
  /** Rises with everything that may change a frame. */
  changes = 0;
  /** What stopped or slowed the run, in words; "" when nothing did. */
  halted = "";
  watch: Watch | null = null;
  private goal = 0;
  private lastTick = 0;
  private seeks = 0;
  private ticking = false;
  private chain: Promise<unknown> = Promise.resolve();
  private slowFrom = -1;
  private wanted = 0;

  constructor(
    private readonly later: (fn: () => void) => void,
    private readonly crashed: (e: unknown) => void,
  ) {}

  /** The kernel looked at. BadRequest before the first boot. */
  get main(): Side {
    const s = this.sides[0];
    if (s === undefined) throw new BadRequest("nothing has been booted");
    return s;
  }

  /** What changes the kernels waits for what changes them now. */
  alone<T>(fn: () => Promise<T> | T): Promise<T> {
    const next = this.chain.then(fn, fn);
    this.chain = next.catch(() => {});
    return next.finally(() => {
      this.changes++;
    });
  }

  /** New kernels. */
  put(sides: readonly Side[]): void {
    this.sides = sides;
    this.achieved = 0;
    this.halted = "";
    this.setWatch(null);
  }

  stop(): void {
    this.speed = 0;
    this.slowFrom = -1;
    this.seeks++;
    this.changes++;
  }

  /** What is to stop or slow the run. FilterError. */
  setWatch(w: Watch | null): void {
    const fits = w === null ? null : eventFilter(w.filter);
    this.watch = w;
    this.slowFrom = -1;
    this.halted = "";
    for (const [i, { run }] of this.sides.entries()) {
      run.alarm = i === 0 ? fits : null;
      run.hit = null;
    }
    this.changes++;
  }

  /** Stopped: all at one instant. */
  async pause(): Promise<Instant> {
    const all = this.sides.map((s) => s.run.base);
    const last = Math.max(...all);
    if (all.some((ns) => ns < last)) await this.go({ ns: last, k: 0 }, this.seeks);
    return this.main.run.at;
  }

  async step(unit: "event" | "jiffy" | "second", dir: number): Promise<Instant> {
    const { run } = this.main;
    if (unit === "event") {
      if (dir > 0) run.stepEvent();
      else await this.muted(() => run.stepBack());
      for (const other of this.sides.slice(1)) await other.run.seek({ ns: run.base, k: 0 });
      return run.at;
    }
    const ns = unit === "second" ? 1e9 : 1e9 / run.kernel.core.time.hz;
    const there = dir > 0 ? Math.floor(run.base / ns) + 1 : Math.ceil((run.base + (run.steps > 0 ? 1 : 0)) / ns) - 1;
    return await this.seek({ ns: Math.max(0, Math.round(there * ns)), k: 0 });
  }

  /** A new seek: those before it are over. */
  claim(): number {
    return ++this.seeks;
  }

  /** Back if need be, then forward in slices; a later seek takes its place (ESEEK). */
  async seek(to: Instant, mine: number = this.claim()): Promise<Instant> {
    const { run } = this.main;
    if (mine !== this.seeks) throw new BadRequest("a later one took its place", "ESEEK");
    const goal = run.within(to);
    run.rewind(goal);
    for (const other of this.sides.slice(1)) other.run.rewind(other.run.within({ ns: goal.ns, k: 0 }));
    await this.go(goal, mine);
    return run.at;
  }

  /** Forward, in slices. */
  async go(to: Instant, mine: number): Promise<void> {
    this.seeking = true;
    try {
      await this.muted(async () => {
        for (const [i, { run }] of this.sides.entries()) {
          const goal = i === 0 ? to : run.within({ ns: to.ns, k: 0 });
          for (;;) {
            const end = performance.now() + SLICE_MS;
            if (await run.advance(goal, () => performance.now() > end)) break;
            await new Promise<void>((r) => this.later(r));
            if (mine !== this.seeks) throw new BadRequest("a later one took its place", "ESEEK");
          }
        }
      });
    } finally {
      this.seeking = false;
      this.changes++;
    }
  }

  /** Going somewhere is not running: nothing stops it. */
  private async muted(fn: () => Promise<void>): Promise<void> {
    const { run } = this.main;
    const { alarm } = run;
    run.alarm = null;
    try {
      await fn();
    } finally {
      run.alarm = alarm;
    }
  }

  run(speed: number): void {
    this.speed = speed;
    this.halted = "";
    this.slowFrom = -1;
    this.lastTick = 0;
    this.goal = 0;
    this.changes++;
    if (!this.ticking) this.tick();
  }

  /** A slice of running, then the mailbox. */
  private tick(): void {
    const { sides, speed } = this;
    if (speed === 0 || sides.length === 0) {
      this.ticking = false;
      return;
    }
    this.ticking = true;
    const now = performance.now();
    const gap = this.lastTick === 0 ? 16 : Math.max(0.1, Math.min(now - this.lastTick, LONGEST_GAP_MS));
    this.lastTick = now;
    const seeks = this.seeks;
    void this.alone(async () => {
      if (this.speed === 0 || seeks !== this.seeks || sides !== this.sides) return;
      await this.slice(gap, speed);
    }).then(
      () => this.later(() => this.tick()),
      (e) => {
        // a seek that took the place of a run's own is no crash
        if (!(e instanceof BadRequest)) this.crashed(e);
        this.speed = 0;
        this.ticking = false;
      },
    );
  }

  private async slice(gap: number, speed: number): Promise<void> {
    const { sides } = this;
    const { run } = this.main;
    const before = run.base;
    if (sides.every((s) => s.run.base >= this.goal)) {
      const far = sides.length === 1 ? 3600e9 : ABREAST_NS;
      this.goal = Math.min(LATEST_NS, Math.round(before + Math.min(gap * speed * 1e6, far)));
    }
    const to = { ns: this.goal, k: 0 };
    for (const s of sides) {
      const end = performance.now() + SLICE_MS / sides.length;
      if (s.run.base < to.ns) await s.run.advance(to, () => s.run.hit !== null || performance.now() > end);
    }
    const rate = (run.base - before) / (gap * 1e6);
    this.achieved = this.achieved === 0 ? rate : this.achieved * 0.9 + rate * 0.1;
    if (this.slowFrom >= 0 && run.seen - this.slowFrom >= SLOW_EVENTS) {
      this.slowFrom = -1;
      this.speed = this.wanted;
      this.halted = "";
      run.hit = null;
    }
    if (run.hit !== null) await this.act(run.hit);
  }

  /** The event that was waited for: to its very instant, and stop there or go on slowly. */
  private async act(e: KernelEvent): Promise<void> {
    const { run } = this.main;
    run.hit = null;
    if (this.watch === null || this.slowFrom >= 0) return;
    const wanted = this.speed;
    await this.seek({ ns: e.ns, k: 0 });
    run.hit = null;
    this.goal = 0;
    const what = `${e.name} at ${(e.ns / 1e9).toFixed(9)} s`;
    if (this.watch.act === "stop") {
      this.speed = 0;
      this.halted = `Stopped: ${what}.`;
    } else {
      this.wanted = wanted;
      this.speed = SLOW_SPEED;
      this.slowFrom = run.seen;
      this.halted = `Slow for ${SLOW_EVENTS} events: ${what}.`;
    }
  }
}

/**
 * The page's state: one run in the lab, the last frame of it, and how it is looked at. Components read it and are told of changes.
 * A frame is asked for in each animation frame and never two at once: a slow page means fewer frames, never a queue.
 */
import type { AreaRow } from "../lab/history.js";
import type { Beside, BootReply, Frame } from "../lab/protocol.js";
import type { Entry, Instant } from "../lab/run.js";
import { LabClient, LabError } from "./client.js";
import { beginFrame } from "./paced.js";

export const reducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export interface BootWish {
  readonly view: string;
  readonly seed: number;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly journal?: readonly Entry[];
  readonly at?: Instant | null;
  /** Other kernels on the same clock. */
  readonly beside?: readonly Beside[];
}

/** An instant with a name. */
export interface Bookmark {
  readonly name: string;
  readonly at: Instant;
}

/** A stretch of time, seconds, and its numbers. */
export interface Area {
  readonly from: number;
  readonly to: number;
  readonly rows: readonly AreaRow[];
}

export class Session {
  booted: BootReply | null = null;
  frame: Frame | null = null;
  /** What is going on that takes longer, in words. */
  progress = "";
  problem: LabError | null = null;
  /** The last act's answer, for eyes and for screen readers. */
  said = "";
  filter = "";
  filterProblem = "";
  /** Seconds; null: from 0 to a round end beyond the frontier. */
  window: readonly [number, number] | null = null;
  speed = 1;
  /** What is followed through all pictures: `task:300`, `irq:24`; "": nothing. */
  follow = "";
  bookmarks: readonly Bookmark[] = [];
  /** What stops or slows the run. */
  watch: { readonly filter: string; readonly act: "stop" | "slow" } = { filter: "", act: "stop" };
  area: Area | null = null;
  /** One end of an area, seconds; null: none was set. */
  marker: number | null = null;
  private readonly listeners: Set<() => void> = new Set();
  private lab: LabClient;
  private asking = false;
  private asked = "";
  private stopped = false;
  private boots = 0;
  private halted = "";
  /** Frames that have come. */
  drawn = 0;

  constructor() {
    this.lab = this.make();
    requestAnimationFrame(() => this.poll());
    document.addEventListener("visibilitychange", () => {
      if (document.hidden) void this.act("pause", () => this.lab.ask("pause", {}));
    });
  }

  private make(): LabClient {
    return new LabClient((text) => {
      this.problem = new LabError({ code: "ECRASH", text: `the lab ended: ${text}` });
      this.changed();
    });
  }

  subscribe(fn: () => void): () => void {
    this.listeners.add(fn);
    return () => this.listeners.delete(fn);
  }
  changed(): void {
    for (const fn of this.listeners) fn();
  }

  end(): void {
    this.stopped = true;
    this.lab.end();
    this.listeners.clear();
  }

  async boot(w: BootWish): Promise<void> {
    const mine = ++this.boots;
    this.progress = "Booting the kernel";
    this.frame = null;
    this.problem = null;
    this.changed();
    try {
      await this.lab.ask("hello", { proto: 1 });
      const journal = w.journal ?? [];
      if (journal.length > 0 || w.at != null) this.progress = "Replaying the run";
      this.changed();
      const reply = await this.lab.ask("boot", {
        view: w.view,
        seed: w.seed,
        settings: w.settings,
        journal,
        at: w.at ?? null,
        beside: w.beside ?? [],
      });
      if (mine !== this.boots) return;
      this.booted = reply;
      this.said = reply.problems.join(" ");
      this.area = null;
      if (w.at == null && !reducedMotion()) await this.run();
    } catch (e) {
      this.fail(e);
    } finally {
      if (mine === this.boots) this.progress = "";
      this.changed();
    }
  }

  /** Start the lab anew and go to where the run was. */
  async restart(): Promise<void> {
    const { booted, frame } = this;
    this.lab.end();
    this.lab = this.make();
    this.asking = false;
    if (booted === null) return;
    await this.boot({ ...this.wish(booted), journal: frame?.journal ?? [], at: frame?.at ?? null });
  }

  /** The run as it is, to be booted again. */
  private wish(b: BootReply): BootWish {
    const beside = b.others.map((o) => ({ view: o.view.id, settings: o.settings }));
    return { view: b.view.id, seed: b.seed, settings: b.settings, beside };
  }

  /** Other kernels on the clock of this one, which goes on from where it is. */
  async besideIt(beside: readonly Beside[]): Promise<void> {
    const { booted, frame } = this;
    if (booted === null) return;
    const running = frame?.running === true;
    await this.boot({ ...this.wish(booted), journal: frame?.journal ?? [], at: frame?.at ?? null, beside });
    if (running) await this.run();
  }

  private fail(e: unknown): void {
    const x = e instanceof LabError ? e : new LabError({ code: "ECRASH", text: String(e) });
    if (x.code === "ESEEK") return;
    if (x.code === "ECRASH") this.problem = x;
    else this.said = x.message.startsWith(`${x.code}:`) ? x.message : `${x.code}: ${x.message}`;
    this.changed();
  }

  /** Ask the lab for something; a refusal is said. */
  async act<T>(_what: string, fn: (lab: LabClient) => Promise<T>): Promise<T | null> {
    try {
      const v = await fn(this.lab);
      this.changed();
      return v;
    } catch (e) {
      this.fail(e);
      return null;
    }
  }

  run(speed = this.speed): Promise<unknown> {
    this.speed = speed;
    return this.act("run", (l) => l.ask("run", { speed }));
  }
  pause(): Promise<unknown> {
    return this.act("pause", (l) => l.ask("pause", {}));
  }
  toggle(): Promise<unknown> {
    return this.frame?.running === true ? this.pause() : this.run();
  }
  step(unit: "event" | "jiffy" | "second", dir: 1 | -1): Promise<unknown> {
    return this.act("step", (l) => l.ask("step", { unit, dir }));
  }
  seek(at: Instant): Promise<unknown> {
    return this.act("seek", (l) => l.ask("seek", { at }));
  }
  find(dir: 1 | -1): Promise<unknown> {
    return this.act("find", (l) => l.ask("find", { filter: this.filter, dir }));
  }
  async input(control: string, value: string | number): Promise<void> {
    this.said = "";
    const r = await this.act("input", (l) => l.ask("input", { control, value }));
    if (r?.branched != null)
      this.said = `The past was changed: this is branch ${r.branched} now. The old future stays as a dashed ghost.`;
    else if (r !== null) this.said = `Done: ${control}${value === "" ? "" : ` = ${value}`}.`;
    this.changed();
  }

  say(what: string): void {
    this.said = what.trim();
    this.changed();
  }
  setFollow(of: string): void {
    this.follow = this.follow === of ? "" : of;
    this.said = this.follow === "" ? "Nothing is followed." : `${of} is followed.`;
    this.changed();
  }
  async setWatch(filter: string, act: "stop" | "slow"): Promise<void> {
    const r = await this.act("watch", (l) => l.ask("watch", { filter, act }));
    if (r === undefined) return;
    this.watch = { filter, act };
    this.changed();
  }
  bookmark(name: string): void {
    const { frame } = this;
    if (frame === null || name === "") return;
    const kept = this.bookmarks.filter((b) => b.name !== name);
    this.bookmarks = [...kept, { name, at: frame.at }].sort((a, b) => a.at.ns - b.at.ns).slice(0, 40);
    this.said = `Bookmark ${name} is at ${(frame.at.ns / 1e9).toFixed(9)} s.`;
    this.changed();
  }
  /** To a bookmark; false: there is none of that name. */
  toBookmark(name: string): boolean {
    const b = this.bookmarks.find((x) => x.name === name);
    if (b !== undefined) void this.seek(b.at);
    return b !== undefined;
  }
  dropBookmark(name: string): void {
    this.bookmarks = this.bookmarks.filter((b) => b.name !== name);
    this.changed();
  }
  /** Numbers of a stretch of time, seconds. */
  async select(a: number, b: number): Promise<void> {
    const [from, to] = [Math.max(0, Math.min(a, b)), Math.max(a, b)];
    const r = await this.act("area", (l) => l.ask("area", { from: from * 1e9, to: to * 1e9 }));
    this.area = r === null ? null : { from, to, rows: r.rows };
    this.marker = null;
    this.changed();
  }
  /** One end of an area at the cursor; with the other end set, the area. */
  mark(): void {
    const now = (this.frame?.now ?? 0) / 1e9;
    if (this.marker !== null && this.marker !== now) void this.select(this.marker, now);
    else {
      this.marker = now;
      this.said = `One end of the area is at ${now.toFixed(3)} s; set the other one elsewhere.`;
      this.changed();
    }
  }
  clearArea(): void {
    this.area = null;
    this.marker = null;
    this.changed();
  }
  /** To where two branches begin to differ. */
  async differ(a: number, b: number): Promise<void> {
    const r = await this.act("differ", (l) => l.ask("differ", { a, b }));
    this.said =
      r === null ? this.said || "They do not differ up to where both have been." : `First difference: ${r.text}.`;
    this.changed();
  }
  /** Back to the branch this one left, at the same time. */
  toParent(): void {
    const { frame } = this;
    const parent = frame?.branches.find((b) => b.id === frame.branch)?.parent ?? -1;
    if (parent >= 0) void this.act("branch", (l) => l.ask("branch", { branch: parent }));
  }

  /** The window of the time axis, seconds. */
  get shown(): readonly [number, number] {
    if (this.window !== null) return this.window;
    const end = (this.frame?.frontier.ns ?? 0) / 1e9;
    let to = 5;
    while (to < end) to *= 2;
    return [0, to];
  }
  zoom(factor: number): void {
    const [a, b] = this.shown;
    const mid = Math.min(b, Math.max(a, (this.frame?.now ?? 0) / 1e9));
    const from = Math.max(0, mid - (mid - a) * factor);
    this.setWindow(from, from + Math.max(1e-3, (b - a) * factor));
  }
  pan(part: number): void {
    const [a, b] = this.shown;
    const from = Math.max(0, a + (b - a) * part);
    this.setWindow(from, from + (b - a));
  }
  setWindow(from: number, to: number): void {
    this.window = [Number(from.toFixed(6)), Number(to.toFixed(6))];
    this.changed();
  }

  private poll(): void {
    if (this.stopped) return;
    requestAnimationFrame(() => this.poll());
    if (this.asking || this.booted === null || document.hidden || this.problem !== null) return;
    const [from, to] = this.shown;
    const width = Math.max(64, Math.min(1200, document.documentElement.clientWidth));
    const key = `${from} ${to} ${width} ${this.follow} ${this.filter}`;
    this.asking = true;
    this.lab
      .ask("frame", {
        from: Math.round(from * 1e9),
        to: Math.round(to * 1e9),
        width,
        lanes: Math.min(480, width),
        events: 200,
        filter: this.filter,
        follow: this.follow,
        last: key === this.asked ? (this.frame?.number ?? 0) : 0,
      })
      .then(
        (f) => {
          this.filterProblem = "";
          if ("same" in f) return;
          this.asked = key;
          this.frame = f;
          this.drawn++;
          if (f.mismatch !== null) this.said = f.mismatch;
          else if (f.halted !== "" && f.halted !== this.halted) this.said = f.halted;
          this.halted = f.halted;
          beginFrame();
          this.changed();
        },
        (e: unknown) => {
          if (e instanceof LabError && e.code === "EFILTER") {
            this.filterProblem = e.message;
            this.filter = "";
            this.changed();
          } else this.fail(e);
        },
      )
      .finally(() => {
        this.asking = false;
      });
  }
}

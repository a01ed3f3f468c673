/**
 * The page's state: one run in the lab, the last frame of it, and how it is looked at. Components read it and are told of changes.
 * A frame is asked for in each animation frame and never two at once: a slow page means fewer frames, never a queue.
 */
import type { Knobs } from "@kernelkit/core/stories";
import type { BootReply, Frame, ViewInfo } from "../lab/protocol.js";
import type { Entry, Instant } from "../lab/run.js";
import { LabClient, LabError } from "./client.js";

export const reducedMotion = (): boolean => matchMedia("(prefers-reduced-motion: reduce)").matches;

export interface BootWish {
  readonly view: string;
  readonly seed: number;
  readonly settings: Readonly<Record<string, string | number>>;
  readonly journal?: readonly Entry[];
  readonly at?: Instant | null;
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
  views: readonly ViewInfo[] = [];
  private readonly listeners: Set<() => void> = new Set();
  private lab: LabClient;
  private asking = false;
  private asked = "";
  private stopped = false;
  private boots = 0;

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
      const hello = await this.lab.ask("hello", { proto: 1 });
      this.views = hello.views;
      const view = hello.views.find((v) => v.id === w.view);
      const { settings, problems } = fitting(view, w.settings);
      const journal = w.journal ?? [];
      if (journal.length > 0 || w.at != null) this.progress = "Replaying the run";
      this.changed();
      const reply = await this.lab.ask("boot", { view: w.view, seed: w.seed, settings, journal, at: w.at ?? null });
      if (mine !== this.boots) return;
      this.booted = reply;
      this.said = problems.join(" ");
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
    await this.boot({
      view: booted.view.id,
      seed: booted.seed,
      settings: booted.settings,
      journal: frame?.journal ?? [],
      at: frame?.at ?? null,
    });
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
    const key = `${from} ${to} ${width} ${this.filter}`;
    this.asking = true;
    this.lab
      .ask("frame", {
        from: Math.round(from * 1e9),
        to: Math.round(to * 1e9),
        width,
        lanes: Math.min(480, width),
        events: 200,
        filter: this.filter,
        last: key === this.asked ? (this.frame?.number ?? 0) : 0,
      })
      .then(
        (f) => {
          this.filterProblem = "";
          if ("same" in f) return;
          this.asked = key;
          this.frame = f;
          if (f.mismatch !== null) this.said = f.mismatch;
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

/** Settings of a link or form, made to fit the view's knobs; what does not fit is named and left at its default. */
export function fitting(
  view: ViewInfo | undefined,
  given: Readonly<Record<string, string | number>>,
): { settings: Knobs; problems: string[] } {
  const settings: Record<string, number | string> = {};
  const problems: string[] = [];
  if (view === undefined) return { settings, problems };
  for (const [name, value] of Object.entries(given)) {
    const knob = Object.hasOwn(view.settings, name) ? view.settings[name] : undefined;
    if (knob === undefined) problems.push(`There is no setting '${name.slice(0, 30)}'.`);
    else if (knob.kind === "number") {
      const n = Number(value);
      if (value !== "" && n >= knob.min && n <= knob.max) settings[name] = n;
      else problems.push(`${name}: ${knob.min} to ${knob.max} ${knob.unit}; ${knob.default} was used.`);
    } else if (knob.choices.includes(String(value))) settings[name] = String(value);
    else problems.push(`${name}: one of ${knob.choices.join(", ")}; ${knob.default} was used.`);
  }
  return { settings, problems };
}

/**
 * The lab: owns the run of a page, lets its time pass, and answers the page's requests. In a page it lives in a worker; nothing in it
 * needs one, so tests drive it in Node.
 *
 * One thing at a time changes the kernel: requests that do wait for each other, and between two slices of work (8 ms) the
 * mailbox is looked at, so that a pause or a later seek is never far away.
 */
import { KernelError } from "@kernelkit/core";
import { knobsOf } from "@kernelkit/core/stories";
import { SCENARIOS } from "../scenarios/index.js";
import { Branches } from "./branches.js";
import { eventFilter, FilterError } from "./eventFilter.js";
import { exported } from "./exports.js";
import { frameOf } from "./frame.js";
import { MAX_SPEED } from "./limits.js";
import { readLinuxFile } from "./linuxFile.js";
import {
  type Answer,
  BadRequest,
  choice,
  type Frame,
  fields,
  instant,
  integer,
  type Kind,
  LATEST_NS,
  number,
  PROTO,
  type Requests,
  string,
  type Trouble,
} from "./protocol.js";
import { type Entry, earlier, type Instant, Run } from "./run.js";
import { Shells } from "./shells.js";
import { viewInfo } from "./viewInfo.js";

const SLICE_MS = 8;
/** A stalled page or a sleeping machine must not become a leap, ms. */
const LONGEST_GAP_MS = 100;

type Fields = Readonly<Record<string, unknown>>;
type Handlers = { [K in Kind]: (m: Fields) => Promise<Requests[K][1]> | Requests[K][1] };

export interface LabHost {
  answer(a: Answer, transfer: Transferable[]): void;
  /** Call back after the mailbox was looked at. */
  later(fn: () => void): void;
}

export class Lab {
  private run: Run | null = null;
  private branches: Branches | null = null;
  private speed = 0;
  private lastTick = 0;
  private achieved = 0;
  private seeks = 0;
  private seeking = false;
  private changes = 0;
  private ticking = false;
  private chain: Promise<unknown> = Promise.resolve();
  private readonly shells = new Shells();

  constructor(private readonly host: LabHost) {}

  /** A message of the page. */
  async receive(m: unknown): Promise<void> {
    const id =
      typeof m === "object" && m !== null && Number.isInteger((m as Fields)["id"]) ? (m as { id: number }).id : -1;
    try {
      const request = fields(m, "request");
      const kind = request["k"];
      if (typeof kind !== "string" || !Object.hasOwn(this.handlers, kind))
        throw new BadRequest(`k: there is no request '${String(kind).slice(0, 40)}'`);
      const ok = await this.handlers[kind as Kind](request);
      this.host.answer({ id, ok }, kind === "frame" ? buffersOf(ok as Frame) : []);
    } catch (e) {
      this.host.answer({ id, err: trouble(e) }, []);
    }
  }

  /** The run that goes on. BadRequest before the first boot. */
  private get current(): Run {
    if (this.run === null) throw new BadRequest("nothing has been booted");
    return this.run;
  }

  /** What changes the kernel waits for what changes it now. */
  private alone<T>(fn: () => Promise<T> | T): Promise<T> {
    const next = this.chain.then(fn, fn);
    this.chain = next.catch(() => {});
    return next.finally(() => {
      this.changes++;
    });
  }

  private readonly handlers: Handlers = {
    hello: (m) => {
      if (integer(m, "proto", 0, 1e6) !== PROTO)
        throw new BadRequest(`proto: this lab speaks ${PROTO}, not ${String(m["proto"])}`);
      return { proto: PROTO, views: SCENARIOS.map(viewInfo) };
    },
    boot: (m) => this.boot(m),
    run: (m) => {
      this.speed = number(m, "speed", 0.0001, MAX_SPEED);
      this.lastTick = 0;
      this.changes++;
      if (!this.ticking) this.tick();
      return null;
    },
    pause: () => {
      this.stop();
      return this.alone(() => this.current.at);
    },
    step: (m) => {
      const unit = choice(m, "unit", ["event", "jiffy", "second"]);
      const dir = integer(m, "dir", -1, 1);
      this.stop();
      return this.alone(() => this.step(unit, dir));
    },
    seek: (m) => {
      const to = instant(fields(m["at"], "at"));
      this.speed = 0;
      const number_ = ++this.seeks;
      return this.alone(() => this.seek(to, number_));
    },
    frame: (m) => this.frame(m),
    input: (m) => {
      const control = string(m, "control", 100);
      const value = this.value(control, m["value"]);
      return this.alone(() => {
        const branched = this.own().leave();
        this.current.input(control, value);
        return { branched };
      });
    },
    branch: (m) => {
      const id = integer(m, "branch", 0, 1e6);
      this.stop();
      return this.alone(async () => {
        const at = this.current.at;
        this.own().enter(id);
        await this.seek(at, ++this.seeks);
        return null;
      });
    },
    drop: (m) => {
      this.own().drop(integer(m, "branch", 0, 1e6));
      this.changes++;
      return null;
    },
    read: (m) => {
      const path = string(m, "path", 255);
      return this.alone(() => ({ text: readLinuxFile(this.current, path) }));
    },
    why: (m) => ({ chain: this.own().why(integer(m, "event", 0, 2 ** 53), number(m, "ns", 0, LATEST_NS)) }),
    find: (m) => {
      const fits = eventFilter(string(m, "filter"));
      const dir = integer(m, "dir", -1, 1);
      const { now, history, at } = this.current;
      const hit =
        dir > 0
          ? history.events.find((e) => e.ns > now && fits(e))
          : history.events.findLast((e) => e.ns < at.ns && fits(e));
      if (hit === undefined)
        throw new BadRequest(dir > 0 ? "no later event fits, up to the frontier" : "no earlier event fits", "ENOENT");
      return this.handlers.seek({ at: { ns: hit.ns, k: 0 } });
    },
    terminal: () =>
      this.alone(async () => {
        this.own().leave();
        return { pid: await this.shells.open(this.current) };
      }),
    shell: (m) => {
      const pid = integer(m, "pid", 1, 2 ** 22);
      const line = string(m, "line", 65536);
      return this.alone(async () => {
        this.own().leave();
        return await this.shells.line(this.current, pid, line);
      });
    },
    export: (m) => exported(this.current, choice(m, "what", ["trace", "ftrace", "csv", "run"])),
  };

  private own(): Branches {
    if (this.branches === null) throw new BadRequest("nothing has been booted");
    return this.branches;
  }

  private value(control: string, v: unknown): number | string {
    const c = this.current.scenario.controls.find((x) => x.name === control);
    if (c === undefined) throw new BadRequest(`control: there is no '${control}'`);
    if (c.knob.kind === "button") return "";
    if (c.knob.kind === "choice") return choice({ value: v }, "value", c.knob.choices);
    return number({ [control]: v }, control, c.knob.min, c.knob.max);
  }

  private async boot(m: Fields): Promise<Requests["boot"][1]> {
    const view = choice(
      m,
      "view",
      SCENARIOS.map((s) => s.id),
    );
    const scenario = SCENARIOS.find((s) => s.id === view) ?? SCENARIOS[0];
    const seed = integer(m, "seed", 0, 2 ** 32 - 1);
    const settings = knobsOf(scenario.settings, fields(m["settings"], "settings") as Record<string, number | string>);
    const journal = journalOf(m["journal"]);
    const at = m["at"] === null || m["at"] === undefined ? null : instant(fields(m["at"], "at"));
    this.stop();
    return await this.alone(async () => {
      this.run = null;
      const run = new Run(scenario, { settings, seed }, (r, e) => this.shells.again(r, e));
      run.journal = journal;
      this.run = run;
      this.branches = new Branches(run);
      this.achieved = 0;
      const last = journal.at(-1);
      if (last !== undefined && (at === null || !earlier(at, last)))
        await this.go({ ns: last.ns, k: last.k }, ++this.seeks);
      if (at !== null) await this.seek(at, ++this.seeks);
      return { view: viewInfo(scenario), settings, seed, at: run.at };
    });
  }

  private stop(): void {
    this.speed = 0;
    this.seeks++;
    this.changes++;
  }

  private async step(unit: "event" | "jiffy" | "second", dir: number): Promise<Instant> {
    const { current } = this;
    if (unit === "event") {
      if (dir > 0) current.stepEvent();
      else await current.stepBack();
      return current.at;
    }
    const ns = unit === "second" ? 1e9 : 1e9 / current.kernel.core.time.hz;
    const there =
      dir > 0 ? Math.floor(current.base / ns) + 1 : Math.ceil((current.base + (current.steps > 0 ? 1 : 0)) / ns) - 1;
    return await this.seek({ ns: Math.max(0, Math.round(there * ns)), k: 0 }, ++this.seeks);
  }

  /** Back if need be, then forward in slices; a later seek takes its place (ESEEK). */
  private async seek(to: Instant, mine: number): Promise<Instant> {
    const { current } = this;
    if (mine !== this.seeks) throw new BadRequest("a later one took its place", "ESEEK");
    const goal = current.within(to);
    current.rewind(goal);
    await this.go(goal, mine);
    return current.at;
  }

  private async go(to: Instant, mine: number): Promise<void> {
    this.seeking = true;
    try {
      for (;;) {
        const end = performance.now() + SLICE_MS;
        if (await this.current.advance(to, () => performance.now() > end)) return;
        await new Promise<void>((r) => this.host.later(r));
        if (mine !== this.seeks) throw new BadRequest("a later one took its place", "ESEEK");
      }
    } finally {
      this.seeking = false;
      this.changes++;
    }
  }

  /** A slice of running, then the mailbox. */
  private tick(): void {
    const { run } = this;
    if (this.speed === 0 || run === null) {
      this.ticking = false;
      return;
    }
    this.ticking = true;
    const now = performance.now();
    const gap = this.lastTick === 0 ? 16 : Math.max(0.1, Math.min(now - this.lastTick, LONGEST_GAP_MS));
    this.lastTick = now;
    const { speed } = this;
    const seeks = this.seeks;
    void this.alone(async () => {
      if (this.speed === 0 || seeks !== this.seeks || run !== this.run) return;
      const before = run.base;
      const to = { ns: Math.min(LATEST_NS, Math.round(run.base + Math.min(gap * speed * 1e6, 3600e9))), k: 0 };
      const end = performance.now() + SLICE_MS;
      await run.advance(to, () => performance.now() > end);
      const rate = (run.base - before) / (gap * 1e6);
      this.achieved = this.achieved === 0 ? rate : this.achieved * 0.9 + rate * 0.1;
    }).then(
      () => this.host.later(() => this.tick()),
      (e) => {
        this.crash = trouble(e);
        this.speed = 0;
        this.ticking = false;
      },
    );
  }

  /** Why the run stopped by itself. */
  private crash: Trouble | null = null;

  private frame(m: Fields): Frame | { same: true } {
    const run = this.current;
    if (this.crash !== null) {
      const { crash } = this;
      this.crash = null;
      throw new BadRequest(crash.text, "ECRASH");
    }
    const last = integer(m, "last", 0, 2 ** 53);
    if (last === this.changes + 1) return { same: true };
    return frameOf(run, this.own(), {
      from: number(m, "from", 0, LATEST_NS),
      to: number(m, "to", 0, LATEST_NS),
      width: integer(m, "width", 1, 8192),
      lanes: integer(m, "lanes", 1, 8192),
      events: integer(m, "events", 0, 512),
      fits: eventFilter(string(m, "filter")),
      number: this.changes + 1,
      running: this.speed > 0,
      seeking: this.seeking,
      speed: this.speed,
      achieved: this.achieved,
    });
  }
}

function journalOf(v: unknown): Entry[] {
  if (v === undefined) return [];
  if (!Array.isArray(v) || v.length > 1e5) throw new BadRequest("journal: a list of at most 100000 inputs is needed");
  const out = v.map((x, i) => {
    const e = fields(x, `journal[${i}]`);
    const value = e["value"];
    if (typeof value !== "string" && typeof value !== "number")
      throw new BadRequest(`journal[${i}].value: text or a number is needed`);
    return { ...instant(e), control: string(e, "control", 100), value };
  });
  for (let i = 1; i < out.length; i++)
    if (earlier(out[i], out[i - 1])) throw new BadRequest(`journal[${i}]: it is earlier than the one before`);
  return out;
}

/** Any error in words. */
export function trouble(e: unknown): Trouble {
  if (e instanceof BadRequest) return { code: e.code, text: e.message };
  if (e instanceof FilterError) return { code: "EFILTER", text: e.message };
  if (e instanceof KernelError) return { code: e.code, text: e.message };
  if (e instanceof RangeError || e instanceof TypeError) return { code: "EINVAL", text: e.message };
  return { code: "ECRASH", text: e instanceof Error ? e.message : String(e) };
}

/** What can be handed over instead of copied. */
function buffersOf(f: Frame | { same: true }): Transferable[] {
  if ("same" in f) return [];
  const arrays = [f.gauges.x, ...f.gauges.y, ...f.lanes, ...(f.ghost === null ? [] : [f.ghost.x, ...f.ghost.y])];
  if (f.heat !== null) arrays.push(f.heat as never);
  return [...new Set(arrays.map((a) => a.buffer as ArrayBuffer))];
}

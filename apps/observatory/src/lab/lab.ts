/**
 * The lab: owns the kernels of a page and answers the page's requests. In a page it lives in a worker; nothing in it needs one, so
 * tests drive it in Node.
 */
import { KernelError } from "@kernelkit/core";
import { loadScenario } from "../scenarios/load.js";
import { Branches } from "./branches.js";
import { Clock, type Side } from "./clock.js";
import { composer } from "./compose.js";
import { eventFilter, FilterError } from "./eventFilter.js";
import { exported } from "./exports.js";
import { frameOf } from "./frame.js";
import { MAX_SPEED } from "./limits.js";
import { readLinuxFile } from "./linuxFile.js";
import { about, Matches } from "./matches.js";
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
import { type Entry, earlier, Run } from "./run.js";
import { containersOf, Shells } from "./shells.js";
import { fitting, viewInfo } from "./viewInfo.js";
import { VIEWS } from "./views.js";

const MOST_BESIDE = 7;

type Fields = Readonly<Record<string, unknown>>;
type Handlers = { [K in Kind]: (m: Fields) => Promise<Requests[K][1]> | Requests[K][1] };

export interface LabHost {
  answer(a: Answer, transfer: Transferable[]): void;
  /** Call back after the mailbox was looked at. */
  later(fn: () => void): void;
}

export class Lab {
  private readonly clock: Clock;
  private readonly shells = new Shells();
  /** Why the run stopped by itself. */
  private crash: Trouble | null = null;
  private filter = { text: "", matches: new Matches(null) };
  private followed: { of: string; matches: Matches } | null = null;

  constructor(private readonly host: LabHost) {
    this.clock = new Clock(
      (fn) => host.later(fn),
      (e) => {
        this.crash = trouble(e);
      },
    );
  }

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

  private get run(): Run {
    return this.clock.main.run;
  }

  /** Kernels of the same view get the same inputs. */
  private get rivals(): Side[] {
    return this.clock.sides.slice(1).filter((s) => s.run.scenario === this.run.scenario);
  }

  private readonly handlers: Handlers = {
    hello: (m) => {
      if (integer(m, "proto", 0, 1e6) !== PROTO)
        throw new BadRequest(`proto: this lab speaks ${PROTO}, not ${String(m["proto"])}`);
      return { proto: PROTO };
    },
    boot: (m) => this.boot(m),
    run: (m) => {
      this.clock.run(number(m, "speed", 0.0001, MAX_SPEED));
      return null;
    },
    pause: () => {
      this.clock.stop();
      return this.clock.alone(() => this.clock.pause());
    },
    step: (m) => {
      const unit = choice(m, "unit", ["event", "jiffy", "second"]);
      const dir = integer(m, "dir", -1, 1);
      this.clock.stop();
      return this.clock.alone(() => this.clock.step(unit, dir));
    },
    seek: (m) => {
      const to = instant(fields(m["at"], "at"));
      this.clock.stop();
      const mine = this.clock.claim();
      return this.clock.alone(() => this.clock.seek(to, mine));
    },
    frame: (m) => this.frame(m),
    input: (m) => {
      const control = string(m, "control", 100);
      const value = this.value(control, m["value"]);
      return this.clock.alone(() => {
        const branched = this.leave();
        for (const { run } of this.rivals)
          try {
            run.input(control, value);
          } catch {
            // what a rival refuses is its own answer
          }
        this.run.input(control, value);
        return { branched };
      });
    },
    branch: (m) => {
      const id = integer(m, "branch", 0, 1e6);
      this.clock.stop();
      return this.clock.alone(async () => {
        const { at } = this.run;
        for (const s of [this.clock.main, ...this.rivals]) s.branches.enter(id);
        await this.clock.seek(at);
        return null;
      });
    },
    drop: (m) => {
      const id = integer(m, "branch", 0, 1e6);
      for (const s of [this.clock.main, ...this.rivals]) s.branches.drop(id);
      this.clock.changes++;
      return null;
    },
    differ: (m) => {
      const found = this.clock.main.branches.difference(integer(m, "a", 0, 1e6), integer(m, "b", 0, 1e6));
      if (found === null) return null;
      this.clock.stop();
      return this.clock.alone(async () => {
        await this.clock.seek({ ns: Math.max(0, found.ns - 1), k: 0 });
        return found;
      });
    },
    read: (m) => {
      const path = string(m, "path", 255);
      return this.clock.alone(() => ({ text: readLinuxFile(this.run, path) }));
    },
    why: (m) => ({
      chain: this.clock.main.branches.why(integer(m, "event", 0, 2 ** 53), number(m, "ns", 0, LATEST_NS)),
    }),
    find: (m) => {
      const fits = eventFilter(string(m, "filter"));
      const dir = integer(m, "dir", -1, 1);
      const { now, history, at } = this.run;
      const hit =
        dir > 0
          ? history.events.find((e) => e.ns > now && fits(e))
          : history.events.findLast((e) => e.ns < at.ns && fits(e));
      if (hit === undefined)
        throw new BadRequest(dir > 0 ? "no later event fits, up to the frontier" : "no earlier event fits", "ENOENT");
      return this.handlers.seek({ at: { ns: hit.ns, k: 0 } });
    },
    watch: (m) => {
      const filter = string(m, "filter", 500);
      const act = choice(m, "act", ["stop", "slow"]);
      this.clock.setWatch(filter.trim() === "" ? null : { filter, act });
      return null;
    },
    area: (m) => {
      const from = number(m, "from", 0, LATEST_NS);
      const to = number(m, "to", from, LATEST_NS);
      const { gauges } = this.run.scenario;
      return {
        rows: this.run.history.area(
          from,
          to,
          gauges.map((g) => `${g.name}${g.unit === "" ? "" : ` (${g.unit})`}`),
          gauges.map((g) => g.rate === true),
        ),
      };
    },
    terminal: (m) => {
      const inside = integer(m, "inside", 0, 2 ** 22);
      return this.clock.alone(async () => {
        this.leave();
        const pid = await this.shells.open(this.run, inside);
        await this.alsoRivals();
        return { pid };
      });
    },
    shell: (m) => {
      const pid = integer(m, "pid", 1, 2 ** 22);
      const line = string(m, "line", 65536);
      return this.clock.alone(async () => {
        this.leave();
        const r = await this.shells.line(this.run, pid, line);
        await this.alsoRivals();
        return r;
      });
    },
    complete: (m) => {
      const pid = integer(m, "pid", 1, 2 ** 22);
      const line = string(m, "line", 4096);
      return this.clock.alone(() => this.shells.complete(this.run, pid, line));
    },
    containers: () => this.clock.alone(() => ({ tasks: containersOf(this.run) })),
    export: (m) => exported(this.run, choice(m, "what", ["trace", "ftrace", "csv", "run"])),
  };

  /** An input is about to be made: the past becomes a branch, in all kernels that get it. */
  private leave(): string | null {
    const name = this.clock.main.branches.leave();
    for (const s of this.rivals) s.branches.leave(name !== null);
    return name;
  }

  /** The input just made, in the rivals too. */
  private async alsoRivals(): Promise<void> {
    const e = this.run.journal[this.run.applied - 1];
    for (const { run } of this.rivals) {
      run.note({ ...run.at, control: e.control, value: e.value });
      await this.shells.again(run, e);
    }
  }

  private value(control: string, v: unknown): number | string {
    const c = this.run.scenario.controls.find((x) => x.name === control);
    if (c === undefined) throw new BadRequest(`control: there is no '${control}'`);
    if (c.knob.kind === "button") return "";
    if (c.knob.kind === "choice") return choice({ value: v }, "value", c.knob.choices);
    return number({ [control]: v }, control, c.knob.min, c.knob.max);
  }

  private async boot(m: Fields): Promise<Requests["boot"][1]> {
    const seed = integer(m, "seed", 0, 2 ** 32 - 1);
    const journal = journalOf(m["journal"]);
    const at = m["at"] === null || m["at"] === undefined ? null : instant(fields(m["at"], "at"));
    const wishes = [m, ...besideOf(m["beside"])].map((w) => ({
      view: choice(
        w,
        "view",
        VIEWS.map((v) => v.id),
      ),
      settings: fields(w["settings"], "settings"),
    }));
    this.clock.stop();
    const mine = this.clock.claim();
    return await this.clock.alone(async () => {
      this.clock.put([]);
      const made = [];
      for (const { view, settings: given } of wishes) {
        const scenario = await loadScenario(view);
        const { settings, problems } = fitting(scenario, given);
        const compose = await composer(scenario, settings["packages"]);
        const run = new Run(scenario, { settings, seed }, (r, e) => this.shells.again(r, e), compose);
        if (view === wishes[0].view) run.journal = [...journal];
        made.push({ side: { run, branches: new Branches(run) }, settings, problems, view: viewInfo(scenario) });
      }
      this.clock.put(made.map((x) => x.side));
      const last = journal.at(-1);
      if (last !== undefined && (at === null || !earlier(at, last)))
        await this.clock.go({ ns: last.ns, k: last.k }, mine);
      if (at !== null) await this.clock.seek(at, mine);
      const [first, ...others] = made.map(({ view, settings }) => ({ view, settings }));
      return { ...first, seed, at: this.run.at, problems: made.flatMap((x) => x.problems), others };
    });
  }

  private frame(m: Fields): Frame | { same: true } {
    const { clock } = this;
    if (clock.sides.length === 0) throw new BadRequest("nothing has been booted");
    if (this.crash !== null) {
      const { crash } = this;
      this.crash = null;
      throw new BadRequest(crash.text, "ECRASH");
    }
    const last = integer(m, "last", 0, 2 ** 53);
    if (last === clock.changes + 1) return { same: true };
    const text = string(m, "filter");
    if (text !== this.filter.text)
      this.filter = { text, matches: new Matches(text.trim() === "" ? null : eventFilter(text)) };
    const of = string(m, "follow", 200);
    if (of !== (this.followed?.of ?? "")) this.followed = of === "" ? null : { of, matches: new Matches(about(of)) };
    const from = number(m, "from", 0, LATEST_NS);
    return frameOf(clock, {
      from,
      to: number(m, "to", from, LATEST_NS),
      width: integer(m, "width", 1, 8192),
      lanes: integer(m, "lanes", 1, 8192),
      events: integer(m, "events", 0, 512),
      matches: this.filter.matches,
      followed: this.followed?.matches ?? null,
    });
  }
}

function besideOf(v: unknown): Fields[] {
  if (v === undefined) return [];
  if (!Array.isArray(v) || v.length > MOST_BESIDE)
    throw new BadRequest(`beside: a list of at most ${MOST_BESIDE} kernels is needed`);
  return v.map((x, i) => fields(x, `beside[${i}]`));
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
  const arrays: { readonly buffer: ArrayBufferLike }[] = f.heat === null ? [] : [f.heat];
  for (const p of [f, ...f.others]) arrays.push(p.gauges.x, ...p.gauges.y, ...p.lanes);
  if (f.ghost !== null) arrays.push(f.ghost.x, ...f.ghost.y);
  return [...new Set(arrays.map((a) => a.buffer as ArrayBuffer))];
}

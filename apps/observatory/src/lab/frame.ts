/** A frame: everything the page draws of one instant, in one answer. */
import type { Clock, Side } from "./clock.js";
import type { Columns } from "./history.js";
import { type Matches, upTo } from "./matches.js";
import type { Frame, FrameRequest } from "./protocol.js";
import { plain } from "./recorded.js";

export interface FrameOptions extends Omit<FrameRequest, "last" | "filter" | "follow"> {
  readonly matches: Matches;
  /** Events about what is followed; null: nothing is. */
  readonly followed: Matches | null;
}

const LIFE = 80;

/** What belongs to one kernel. */
function partOf({ run }: Side, o: FrameOptions): Frame["others"][number] {
  const { scenario, history, kernel } = run;
  const picture = scenario.picture(kernel);
  return {
    view: scenario.id,
    settings: run.spec.settings,
    gauges: history.columns(
      o.from,
      o.to,
      o.width,
      scenario.gauges.map((g) => g.rate === true),
    ),
    laneNames: history.laneNames,
    lanes: history.laneColumns(o.from, o.to, o.lanes),
    picture,
    takeaway: scenario.takeaway(picture),
    table: scenario.table(picture),
    digest: kernel.digest(),
  };
}

export function frameOf(clock: Clock, o: FrameOptions): Frame {
  const { main } = clock;
  const { run, branches } = main;
  const { scenario, history } = run;
  const past = branches.ghost();
  let ghost: Columns | null = null;
  if (past !== null && past.fork < o.to)
    ghost = past.history.columns(
      Math.max(o.from, past.fork),
      o.to,
      o.width,
      scenario.gauges.map((g) => g.rate === true),
    );
  const fitting = o.matches.of(history);
  const here = upTo(fitting, run.now);
  const life = o.followed?.of(history) ?? null;
  const ticks = new Uint8Array(life === null ? 0 : o.lanes);
  if (life !== null)
    for (let i = upTo(life, o.from - 1); i < life.length && life[i].ns < o.to; i++) {
      const c = Math.floor(((life[i].ns - o.from) / (o.to - o.from)) * o.lanes);
      if (ticks[c] < 255) ticks[c]++;
    }
  return {
    ...partOf(main, o),
    number: clock.changes + 1,
    from: o.from,
    to: o.to,
    at: run.at,
    now: run.now,
    frontier: run.frontier,
    running: clock.speed > 0,
    seeking: clock.seeking,
    speed: clock.speed,
    achieved: clock.achieved,
    halted: clock.halted,
    branch: branches.id,
    branches: branches.info(),
    ghost,
    heat:
      scenario.heat === null
        ? null
        : history.heat(scenario.heat.event, scenario.heat.steps, o.from, o.to, Math.min(o.lanes, 120)),
    others: clock.sides.slice(1).map((s) => partOf(s, o)),
    events: fitting
      .slice(Math.max(0, here - o.events), here)
      .reverse()
      .map(plain),
    matches: here,
    later: fitting.length - here,
    left: upTo(fitting, o.from - 1),
    right: fitting.length - upTo(fitting, o.to),
    folded: history.folded,
    life: life === null ? null : { total: life.length, here: upTo(life, run.now), ticks, last: tail(life, run.now) },
    mismatch: run.mismatch,
    snapshots: run.snapshots.count,
    snapshotChars: run.snapshots.chars,
    journal: run.journal,
  };
}

/** The newest of an entity's events, newest first. */
const tail = (life: ReturnType<Matches["of"]>, now: number): Frame["events"] => {
  const here = upTo(life, now);
  return life
    .slice(Math.max(0, here - LIFE), here)
    .reverse()
    .map(plain);
};

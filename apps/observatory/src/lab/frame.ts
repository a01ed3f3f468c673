/** A frame: everything the page draws of one instant, in one answer. */
import type { Branches } from "./branches.js";
import type { Columns } from "./history.js";
import type { Frame } from "./protocol.js";
import type { Run } from "./run.js";
import type { KernelEvent } from "./scenario.js";

export interface FrameOptions {
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly lanes: number;
  readonly events: number;
  readonly fits: (e: KernelEvent) => boolean;
  readonly number: number;
  readonly running: boolean;
  readonly seeking: boolean;
  readonly speed: number;
  readonly achieved: number;
}

export function frameOf(run: Run, branches: Branches, o: FrameOptions): Frame {
  const { scenario, history, kernel } = run;
  const rate = scenario.gauges.map((g) => g.rate === true);
  const past = branches.ghost();
  let ghost: Columns | null = null;
  if (past !== null && past.fork < o.to) ghost = past.history.columns(Math.max(o.from, past.fork), o.to, o.width, rate);
  const upTo = run.eventsUpTo();
  const fitting = upTo.filter(o.fits);
  const picture = scenario.picture(kernel);
  return {
    number: o.number,
    from: o.from,
    to: o.to,
    at: run.at,
    now: run.now,
    frontier: run.frontier,
    running: o.running,
    seeking: o.seeking,
    speed: o.speed,
    achieved: o.achieved,
    branch: branches.id,
    branches: branches.info(),
    gauges: history.columns(o.from, o.to, o.width, rate),
    ghost,
    laneNames: history.laneNames,
    lanes: history.laneColumns(o.from, o.to, o.lanes),
    heat:
      scenario.heat === null
        ? null
        : history.heat(scenario.heat.event, scenario.heat.steps, o.from, o.to, Math.min(o.lanes, 120)),
    picture,
    takeaway: scenario.takeaway(picture),
    table: scenario.table(picture),
    events: fitting.slice(-o.events).reverse(),
    matches: fitting.length,
    later: history.events.length - upTo.length,
    folded: history.folded,
    digest: kernel.digest(),
    mismatch: run.mismatch,
    snapshots: run.snapshots.count,
    snapshotChars: run.snapshots.chars,
    journal: run.journal,
  };
}

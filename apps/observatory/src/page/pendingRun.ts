/** A run file that has been read and waits for the screen of its view. */
import type { RunFile } from "../lab/runFile.js";
import type { ViewId } from "../lab/scenario.js";
import { makeLink } from "./link.js";

export interface PendingRun extends RunFile {
  /** What is said when it is open. */
  readonly says: string;
}

let pending: PendingRun | null = null;

/** Goes to the run's view, which takes it. */
export function goToRun(run: PendingRun): void {
  pending = run;
  const { view, seed, settings } = run;
  const at = run.at ?? { ns: 0, k: 0 };
  const rest = { window: null, filter: "", follow: "", bookmarks: [], beside: null, journal: [] };
  const hash = makeLink({ path: `see/${view}`, seed, settings: { ...settings }, at, ...rest }) ?? `#/see/${view}`;
  if (location.hash === hash) dispatchEvent(new Event("hashchange"));
  else location.hash = hash;
}

/** The run that waits for a view; null: there is none. */
export function takeRun(view: ViewId): PendingRun | null {
  const run = pending?.view === view ? pending : null;
  pending = null;
  return run;
}

/** Run files: a run as JSON. One that is damaged, or of another version, is read as far as it goes, and what could not be is said. */
import type { Knobs } from "@kernelkit/core/stories";
import type { Entry, Instant } from "./run.js";
import type { ViewId } from "./scenario.js";
import { VIEWS } from "./views.js";

export const RUN_FILE_VERSION = 1;

export interface RunFile {
  readonly view: ViewId;
  readonly seed: number;
  readonly settings: Knobs;
  readonly journal: readonly Entry[];
  readonly at: Instant | null;
  /** What could not be used, a sentence each. */
  readonly problems: readonly string[];
}

type Fields = Readonly<Record<string, unknown>>;
const whole = (v: unknown, most: number): v is number =>
  typeof v === "number" && Number.isInteger(v) && v >= 0 && v <= most;
const fieldsOf = (v: unknown): Fields | null =>
  typeof v === "object" && v !== null && !Array.isArray(v) ? (v as Fields) : null;

function instantOf(v: unknown): Instant | null {
  const f = fieldsOf(v);
  if (f === null || !whole(f["ns"], 1e19)) return null;
  return { ns: f["ns"], k: whole(f["k"], 1e7) ? f["k"] : 0 };
}

/** A run file's text as a run; a sentence if it is none. */
export function readRunFile(text: string): RunFile | string {
  let data: unknown;
  try {
    data = JSON.parse(text);
  } catch (e) {
    return `it is no JSON (${(e as Error).message.slice(0, 80)}).`;
  }
  const f = fieldsOf(data);
  if (f === null || f["kkrun"] === undefined) return "it is no run file: there is no 'kkrun' in it.";
  const problems: string[] = [];
  if (f["kkrun"] !== RUN_FILE_VERSION)
    problems.push(
      `It is of version ${String(f["kkrun"]).slice(0, 20)}, this page reads ${RUN_FILE_VERSION}: it was tried.`,
    );
  const view = VIEWS.find((v) => v.id === f["view"])?.id;
  if (view === undefined) return `there is no view '${String(f["view"]).slice(0, 40)}'.`;
  const seed = whole(f["seed"], 2 ** 32 - 1) ? f["seed"] : 7;
  if (seed !== f["seed"]) problems.push("Its seed could not be read; 7 was used.");
  const settings: Record<string, number | string> = {};
  for (const [name, v] of Object.entries(fieldsOf(f["settings"]) ?? {}))
    if (typeof v === "number" || typeof v === "string") settings[name] = v;
  const journal: Entry[] = [];
  const inputs = Array.isArray(f["journal"]) ? f["journal"] : [];
  for (const [i, x] of inputs.entries()) {
    const at = instantOf(x);
    const e = fieldsOf(x);
    const before = journal.at(-1);
    const ordered =
      at !== null && (before === undefined || at.ns > before.ns || (at.ns === before.ns && at.k >= before.k));
    const control = e?.["control"];
    const value = e?.["value"];
    if (!ordered || typeof control !== "string" || (typeof value !== "number" && typeof value !== "string")) {
      problems.push(`Input ${i + 1} of ${inputs.length} could not be read; it and the later ones were left out.`);
      break;
    }
    journal.push({ ...at, control, value });
  }
  const at = f["at"] === null || f["at"] === undefined ? null : instantOf(f["at"]);
  return { view, seed, settings, journal, at, problems };
}

/** A line of the results file: one run, with all that is needed to read it alone. */
import { canonical, hash } from "../canonical.js";
import type { Parameters } from "../define.js";
import type { Outcome } from "../outcome.js";

export interface RunRecord {
  /** Hash of what determines the result (plan.ts). */
  readonly id: string;
  readonly scenario: string;
  readonly parameters: Parameters;
  readonly seed: number;
  readonly outcome: Outcome;
  /** Real time the run took, ms. */
  readonly wallMs: number;
  /** Packages in the code that ran, by name; "code" is the hash of all of it. */
  readonly versions: Readonly<Record<string, string>>;
}

/** Without a line end. The outcome's fields stand flat in the line. */
export function recordLine({ outcome, ...rest }: RunRecord): string {
  const { id, scenario, parameters, seed, wallMs, versions } = rest;
  return JSON.stringify({ id, scenario, parameters, seed, ...outcome, wallMs, versions });
}

/** null for a line that is not whole: a process that was killed while writing leaves one. */
export function parseRecord(line: string): RunRecord | null {
  let o: Record<string, unknown>;
  try {
    o = JSON.parse(line) as Record<string, unknown>;
  } catch {
    return null;
  }
  if (typeof o !== "object" || o === null || typeof o.id !== "string" || typeof o.status !== "string") return null;
  const { id, scenario, parameters, seed, wallMs, versions, ...outcome } = o;
  return { id, scenario, parameters, seed, wallMs, versions, outcome } as unknown as RunRecord;
}

/** What determines whether two results of a run are the same: all but when and where it ran. */
export const recordDigest = (r: RunRecord): string => hash(canonical({ id: r.id, outcome: r.outcome }));

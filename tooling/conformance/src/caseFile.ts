/**
 * caseFile: the shape of the cases. A file is an array of cases; a case is a fresh machine, a list of steps and what must
 * be seen at each. What a step's keys mean is the business of the folder's dialect (`dialect.ts`).
 */
import type { Json } from "./json.js";

export type Step = Readonly<Record<string, Json>>;

/** What a case says of a task that exists at its start. */
export interface TaskSpec {
  readonly uid?: number;
  readonly gid?: number;
  readonly groups?: readonly number[];
  /** Effective and permitted capabilities, as CAP_ names; without it what the uid gives. */
  readonly caps?: readonly string[];
  readonly [more: string]: unknown;
}

export interface Case {
  readonly id: string;
  readonly title: string;
  readonly provenance: string;
  readonly steps: readonly Step[];
  readonly machine?: Readonly<Record<string, Json>>;
  readonly tasks?: Readonly<Record<string, TaskSpec>>;
  readonly [more: string]: unknown;
}

/** One folder of cases, ready to run. */
export interface CaseSet {
  /** Name of the folder: the package whose dialect its steps are written in. */
  readonly package: string;
  readonly cases: readonly Case[];
  /** Reads a data file that stands beside the cases ("data/x.bin"); undefined if there is none. */
  readonly readData?: (path: string) => Uint8Array | undefined;
}

/** Checks that `value` is an array of cases. TypeError naming the file and the first thing that is wrong. */
export function asCases(value: Json, file: string): Case[] {
  if (!Array.isArray(value)) throw new TypeError(`${file}: a case file is an array of cases`);
  value.forEach((c, i) => {
    const wrong = problem(c);
    if (wrong !== null) throw new TypeError(`${file}: case ${i}: ${wrong}`);
  });
  return value as unknown as Case[];
}

function problem(c: Json): string | null {
  if (c === null || typeof c !== "object" || Array.isArray(c)) return "not an object";
  if (typeof c.id !== "string") return "id is not a string";
  if (!Array.isArray(c.steps)) return `${c.id}: steps is not an array`;
  if (c.steps.some((s) => s === null || typeof s !== "object" || Array.isArray(s)))
    return `${c.id}: a step is no object`;
  return null;
}

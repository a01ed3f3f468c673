/**
 * What page and lab tell each other. Every request gets exactly one answer: `{ id, ok }` or `{ id, err }`. A request that is
 * malformed or unknown gets an `err` that names the field; nothing is thrown across. The page asks for frames; the lab sends none
 * unasked.
 */
import type { Knob, Knobs, Table } from "@kernelkit/core/stories";
import type { AreaRow, Columns } from "./history.js";
import type { Entry, Instant } from "./run.js";
import type { KernelEvent, ViewId } from "./scenario.js";

export const PROTO = 1;

/** What a view is, without its functions: for the page. */
export interface ViewInfo {
  readonly id: ViewId;
  readonly name: string;
  readonly question: string;
  readonly sees: string;
  readonly howTrue: string;
  readonly binNs: number;
  readonly settings: Readonly<Record<string, Knob>>;
  readonly controls: readonly {
    readonly name: string;
    readonly what: string;
    readonly linux: string;
    readonly knob: Knob | { readonly kind: "button" };
  }[];
  readonly gauges: readonly {
    readonly name: string;
    readonly unit: string;
    readonly what: string;
    readonly linux: string;
    readonly group: string;
    readonly limit: boolean;
    readonly drag: { readonly control: string; readonly per: number } | null;
  }[];
  readonly lanes: {
    readonly title: string;
    readonly what: string;
    readonly states: readonly { readonly name: string; readonly what: string; readonly tone: string }[];
  } | null;
  readonly heat: {
    readonly title: string;
    readonly what: string;
    readonly unit: string;
    readonly steps: readonly number[];
  } | null;
  readonly files: readonly string[];
}

export interface BranchInfo {
  readonly id: number;
  readonly name: string;
  readonly parent: number;
  /** Where it left its parent, ns. */
  readonly fork: number;
  readonly frontier: number;
  readonly inputs: number;
}

export interface BootReply {
  readonly view: ViewInfo;
  readonly settings: Knobs;
  readonly seed: number;
  readonly at: Instant;
  /** Settings that could not be used, a sentence each. */
  readonly problems: readonly string[];
  /** The kernels beside it. */
  readonly others: readonly { readonly view: ViewInfo; readonly settings: Knobs }[];
}

/** Another kernel on the same clock. */
export interface Beside {
  readonly view: string;
  readonly settings: Knobs;
}

export interface FrameRequest {
  /** Window, ns, and columns of plots and of lanes. */
  readonly from: number;
  readonly to: number;
  readonly width: number;
  readonly lanes: number;
  /** Newest events that fit the filter: at most this many. */
  readonly events: number;
  readonly filter: string;
  /** An entity whose life line is wanted; "": none. */
  readonly follow: string;
  /** Number of the last frame: the same again is answered by `same`. */
  readonly last: number;
}

/** What a frame has of each kernel. */
export interface FramePart {
  readonly view: ViewId;
  readonly settings: Knobs;
  readonly gauges: Columns;
  readonly laneNames: readonly string[];
  readonly lanes: readonly Uint8Array[];
  readonly picture: unknown;
  readonly takeaway: string;
  readonly table: Table;
  readonly digest: string;
}

export interface Frame extends FramePart {
  readonly number: number;
  /** The window it is of, ns. */
  readonly from: number;
  readonly to: number;
  readonly at: Instant;
  /** ns: of the last thing that happened. */
  readonly now: number;
  readonly frontier: Instant;
  readonly running: boolean;
  readonly seeking: boolean;
  readonly speed: number;
  readonly achieved: number;
  /** What stopped or slowed the run, in words. */
  readonly halted: string;
  readonly branch: number;
  readonly branches: readonly BranchInfo[];
  /** The parent's future, from where this branch left it. */
  readonly ghost: Columns | null;
  readonly heat: Uint32Array | null;
  /** The kernels beside it. */
  readonly others: readonly FramePart[];
  readonly events: readonly KernelEvent[];
  /** How many fit the filter up to the cursor, and after it; left and right of the window; how many are no longer kept. */
  readonly matches: number;
  readonly later: number;
  readonly left: number;
  readonly right: number;
  readonly folded: number;
  /** What is followed: how many events are about it, in all and up to the cursor; counts per column of lanes; the newest of them. */
  readonly life: {
    readonly total: number;
    readonly here: number;
    readonly ticks: Uint8Array;
    readonly last: readonly KernelEvent[];
  } | null;
  readonly mismatch: string | null;
  readonly snapshots: number;
  readonly snapshotChars: number;
  readonly journal: readonly Entry[];
}

export type StepUnit = "event" | "jiffy" | "second";

/** Requests by kind, and what each is answered with. */
export interface Requests {
  hello: [{ proto: number }, { proto: number }];
  boot: [
    {
      view: string;
      settings: Knobs;
      seed: number;
      journal: readonly Entry[];
      at: Instant | null;
      beside: readonly Beside[];
    },
    BootReply,
  ];
  run: [{ speed: number }, null];
  pause: [Record<never, never>, Instant];
  step: [{ unit: StepUnit; dir: 1 | -1 }, Instant];
  seek: [{ at: Instant }, Instant];
  frame: [FrameRequest, Frame | { same: true }];
  input: [{ control: string; value: number | string }, { branched: string | null }];
  branch: [{ branch: number }, null];
  drop: [{ branch: number }, null];
  /** Where two branches begin to differ; the kernel goes to the instant before it. */
  differ: [{ a: number; b: number }, { ns: number; text: string } | null];
  read: [{ path: string }, { text: string }];
  why: [{ event: number; ns: number }, { chain: readonly KernelEvent[] }];
  find: [{ filter: string; dir: 1 | -1 }, Instant];
  /** What is to stop or slow the run; "": nothing. */
  watch: [{ filter: string; act: "stop" | "slow" }, null];
  /** Numbers of what lies between two instants, ns. */
  area: [{ from: number; to: number }, { rows: readonly AreaRow[] }];
  shell: [{ pid: number; line: string }, { out: string; code: number }];
  /** What the end of a line may become, and that end. */
  complete: [{ pid: number; line: string }, { hits: readonly string[]; end: string }];
  /** A new shell; `inside` a task's namespaces, 0: in those of init. */
  terminal: [{ inside: number }, { pid: number }];
  /** Tasks one can open a terminal beside: one for each set of namespaces. */
  containers: [Record<never, never>, { tasks: readonly { pid: number; name: string; own: readonly string[] }[] }];
  export: [{ what: string }, { name: string; type: string; text: string }];
}
export type Kind = keyof Requests;

/** What went wrong, in words. */
export interface Trouble {
  /** EINVAL and its like where the kernel said so; EPROTO: the request; ESEEK: a later one took its place; ECRASH: the kernel threw. */
  readonly code: string;
  readonly text: string;
}

export type Answer = { readonly id: number; readonly ok: unknown } | { readonly id: number; readonly err: Trouble };

/** A request that cannot be carried out as it is. */
export class BadRequest extends Error {
  constructor(
    message: string,
    readonly code = "EPROTO",
  ) {
    super(message);
  }
}

type Fields = Readonly<Record<string, unknown>>;

/** A number field within bounds. */
export function number(m: Fields, name: string, min: number, max: number): number {
  const v = m[name];
  if (typeof v !== "number" || !(v >= min && v <= max))
    throw new BadRequest(`${name}: a number from ${min} to ${max} is needed, not ${show(v)}`);
  return v;
}
export function integer(m: Fields, name: string, min: number, max: number): number {
  const v = number(m, name, min, max);
  if (!Number.isInteger(v)) throw new BadRequest(`${name}: a whole number is needed, not ${v}`);
  return v;
}
export function string(m: Fields, name: string, longest = 4096): string {
  const v = m[name];
  if (typeof v !== "string") throw new BadRequest(`${name}: text is needed, not ${show(v)}`);
  if (v.length > longest) throw new BadRequest(`${name}: at most ${longest} characters, not ${v.length}`);
  return v;
}
export function choice<T extends string>(m: Fields, name: string, of: readonly T[]): T {
  const v = m[name];
  if (!of.includes(v as T)) throw new BadRequest(`${name}: one of ${of.join(", ")}, not ${show(v)}`);
  return v as T;
}
export const fields = (v: unknown, name: string): Fields => {
  if (typeof v !== "object" || v === null || Array.isArray(v)) throw new BadRequest(`${name}: an object is needed`);
  return v as Fields;
};
/** The latest instant one may go to: three centuries. */
export const LATEST_NS = 1e19;
export const instant = (m: Fields): Instant => ({
  ns: integer(m, "ns", 0, LATEST_NS),
  k: m["k"] === undefined ? 0 : integer(m, "k", 0, 1e7),
});

/** A value in a message: short, and never its own toString. */
function show(v: unknown): string {
  return typeof v === "object" ? (v === null ? "null" : "an object") : String(v).slice(0, 60);
}

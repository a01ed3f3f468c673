/** An axis of the space: the values that one parameter takes, by number (grids) or by quantile (samples). */
import type { Knob } from "@kernelkit/core/stories";
import type { Axis, Range, Value } from "../define.js";

/** One parameter's values. */
export interface ResolvedAxis {
  readonly name: string;
  /** Values of a grid; null for a range without steps, which only samples can be drawn from. */
  readonly values: readonly Value[] | null;
  /** The value at a quantile, 0 <= q < 1. */
  at(q: number): Value;
}

const isRange = (axis: Axis): axis is Range => typeof axis === "object" && "from" in axis;

/** RangeError naming the parameter and what is wrong. */
export function resolveAxis(name: string, axis: Axis, knob: Knob | null): ResolvedAxis {
  if (axis === true) return ofKnob(name, knob);
  if (isRange(axis)) return ofRange(name, axis);
  if (!Array.isArray(axis) || axis.length === 0)
    throw new RangeError(`sweep: space.${name} must be a list of values, { from, to } or true`);
  return ofValues(name, axis);
}

function ofKnob(name: string, knob: Knob | null): ResolvedAxis {
  if (knob === null) throw new RangeError(`sweep: space.${name}: true is for stories; give values, or from and to`);
  if (knob.kind === "choice") return ofValues(name, knob.choices);
  return ofRange(name, { from: knob.min, to: knob.max, whole: Number.isInteger(knob.default) });
}

function ofValues(name: string, values: readonly Value[]): ResolvedAxis {
  return { name, values, at: (q) => values[Math.floor(q * values.length)] };
}

function ofRange(name: string, r: Range): ResolvedAxis {
  const log = r.scale === "log";
  if (!(Number.isFinite(r.from) && Number.isFinite(r.to) && r.from < r.to) || (log && r.from <= 0))
    throw new RangeError(`sweep: space.${name}: from must be below to${log ? " and above 0" : ""}`);
  if (r.steps !== undefined && !(Number.isInteger(r.steps) && r.steps >= 2))
    throw new RangeError(`sweep: space.${name}: steps must be a whole number from 2, not ${r.steps}`);
  // Each whole number is as likely as another: the ends have half a step too.
  const from = r.whole === true && !log ? r.from - 0.5 : r.from;
  const to = r.whole === true && !log ? r.to + 0.5 : r.to;
  const between = (a: number, b: number, q: number): number => {
    const v = log ? a * (b / a) ** q : a + (b - a) * q;
    return r.whole === true ? Math.min(r.to, Math.max(r.from, Math.round(v))) : v;
  };
  const { steps } = r;
  const values =
    steps === undefined
      ? null
      : [...new Set(Array.from({ length: steps }, (_, i) => tidy(between(r.from, r.to, i / (steps - 1)))))];
  return { name, values, at: (q) => between(from, to, q) };
}

/** Without the last digits that even steps leave: 0.30000000000000004 is 0.3. */
const tidy = (v: number): number => Number(v.toPrecision(12));

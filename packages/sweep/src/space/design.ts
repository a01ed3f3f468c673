/**
 * Designs: which points of a space are run, by number. A design is never held whole: the point of any number can be asked for, so a
 * grid of 10^7 points costs what one of ten does (a Latin hypercube keeps four bytes a point and parameter).
 *
 * Latin hypercube: of n points, each parameter's range is cut into n equal parts and each part is used once (McKay, Beckman, Conover).
 */
import { Rng } from "@kernelkit/core";
import type { Design, Parameters, Value } from "../define.js";
import type { ResolvedAxis } from "./axis.js";

export interface PointSet {
  readonly length: number;
  /** The point's varying parameters, 0 <= index < length. */
  at(index: number): Parameters;
}

const MOST_POINTS = 2 ** 31;

/** RangeError for a design that does not fit the space. */
export function pointSet(axes: readonly ResolvedAxis[], design: Design): PointSet {
  if (design === "grid") return grid(axes);
  const { kind, points, seed = 1 } = design;
  if (!(Number.isInteger(points) && points >= 1 && points < MOST_POINTS))
    throw new RangeError(`sweep: design.points must be a whole number from 1, not ${points}`);
  if (kind === "random") return random(axes, points, seed);
  if (kind === "latin-hypercube") return latinHypercube(axes, points, seed);
  throw new RangeError(`sweep: design.kind must be random or latin-hypercube, not ${String(kind)}`);
}

function point(axes: readonly ResolvedAxis[], value: (axis: ResolvedAxis, i: number) => Value): Parameters {
  return Object.fromEntries(axes.map((axis, i) => [axis.name, value(axis, i)]));
}

/** The last parameter changes fastest. */
function grid(axes: readonly ResolvedAxis[]): PointSet {
  const values = axes.map(({ name, values }) => {
    if (values === null) throw new RangeError(`sweep: space.${name}: a grid needs values, or steps in the range`);
    return values;
  });
  const length = values.reduce((n, v) => n * v.length, 1);
  if (length >= MOST_POINTS) throw new RangeError(`sweep: a grid of ${length} points is too large`);
  const strides: number[] = [];
  let stride = 1;
  for (let i = axes.length - 1; i >= 0; i--) {
    strides[i] = stride;
    stride *= values[i].length;
  }
  return {
    length,
    at: (index) => point(axes, (_, i) => values[i][Math.floor(index / strides[i]) % values[i].length]),
  };
}

function random(axes: readonly ResolvedAxis[], length: number, seed: number): PointSet {
  const rng = new Rng(`${seed}/random`);
  return {
    length,
    at: (index) => {
      const own = rng.fork(String(index));
      return point(axes, (axis) => axis.at(own.float()));
    },
  };
}

function latinHypercube(axes: readonly ResolvedAxis[], length: number, seed: number): PointSet {
  const rng = new Rng(`${seed}/latin-hypercube`);
  const orders = axes.map((axis) => permutation(length, rng.fork(axis.name)));
  return {
    length,
    at: (index) => {
      const own = rng.fork(String(index));
      return point(axes, (axis, i) => axis.at((orders[i][index] + own.float()) / length));
    },
  };
}

function permutation(n: number, rng: Rng): Uint32Array {
  const order = new Uint32Array(n);
  for (let i = 1; i < n; i++) {
    const j = rng.below(i + 1);
    order[i] = order[j];
    order[j] = i;
  }
  return order;
}

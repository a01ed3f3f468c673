/** `kernel.genirq`: the functions of the layer bound to a kernel's lines, and the lines themselves. */
import * as functions from "./functions.js";
import type { Irqs } from "./irqs.js";

/** Functions of the lines, without them as first argument. */
export type Bound<M> = {
  readonly [F in keyof M]: M[F] extends (g: Irqs, ...a: infer A) => infer R ? (...a: A) => R : M[F];
};

export interface GenirqApi extends Bound<typeof functions> {
  /** All lines: columns, descriptors, counters. */
  readonly irqs: Irqs;
}

export function bindApi(g: Irqs): GenirqApi {
  const api: Record<string, unknown> = { irqs: g };
  for (const [name, f] of Object.entries(functions)) api[name] = (f as (g: Irqs) => unknown).bind(null, g);
  return api as unknown as GenirqApi;
}

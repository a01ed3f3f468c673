/** Id maps for tests. */
import type { IdMap } from "../task/userNamespace.js";

/** A map of up to five extents [first, lower, length]. */
export function makeIdMap(extents: readonly (readonly [number, number, number])[]): IdMap {
  const column = (i: number): Uint32Array => Uint32Array.from(extents, (e) => e[i]);
  return {
    count: extents.length,
    first: column(0),
    lower: column(1),
    length: column(2),
    byFirst: null,
    byLower: null,
    lowerOrder: null,
  };
}

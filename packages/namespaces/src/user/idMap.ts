/** idMap: parsing and checking what is written to uid_map, gid_map and projid_map. user_namespaces(7). */
import { EINVAL, EPERM, fail, type IdMap, SortedIndex } from "@kernelkit/core";

export interface Extent {
  first: number;
  lower: number;
  count: number;
}

/** Extents up to this number keep the order in which they were written. */
const BASE_EXTENTS = 5;
const INVALID = 0xffffffff;

export const EMPTY_MAP: IdMap = {
  count: 0,
  first: new Uint32Array(0),
  lower: new Uint32Array(0),
  length: new Uint32Array(0),
  byFirst: null,
  byLower: null,
  lowerOrder: null,
};

const LINE = /^[ \t\v\f\r]*([0-9]+)[ \t\v\f\r]+([0-9]+)[ \t\v\f\r]+([0-9]+)[ \t\v\f\r]*$/;
const u32 = (s: string): number => (s.length < 10 ? Number(s) : Number(BigInt(s) & 0xffffffffn));

/** The extents of a text; EINVAL. Numbers wrap at 2^32. */
export function parseMap(textArg: string, maxExtents: number): Extent[] {
  const nul = textArg.indexOf("\0");
  let text = nul < 0 ? textArg : textArg.slice(0, nul);
  if (text.endsWith("\n")) text = text.slice(0, -1);
  const out: Extent[] = [];
  for (const line of text.split("\n")) {
    const m = LINE.exec(line);
    if (m === null || out.length === maxExtents) return fail(EINVAL);
    const e: Extent = { first: u32(m[1]), lower: u32(m[2]), count: u32(m[3]) };
    if (e.first === INVALID || e.lower === INVALID || e.count === 0) return fail(EINVAL);
    if (e.first + e.count > INVALID || e.lower + e.count > INVALID) return fail(EINVAL);
    for (const o of out) {
      const apart = (a: number, b: number): boolean => a + e.count <= b || b + o.count <= a;
      if (!apart(e.first, o.first) || !apart(e.lower, o.lower)) return fail(EINVAL);
    }
    out.push(e);
  }
  return out;
}

/** Where a range of ids lies in the parent's map, as a kernel id; it must lie in one extent. EPERM. */
function rangeDown(map: IdMap | null, id: number, count: number): number {
  if (map === null) return id;
  for (let i = 0; i < map.count; i++) {
    const d = id - map.first[i];
    if (d >= 0 && d + count <= map.length[i]) return map.lower[i] + d;
  }
  return fail(EPERM);
}

/** The map that is installed: lower ids are kernel ids. EPERM: a range is not mapped in the parent. */
export function makeMap(extents: readonly Extent[], parent: IdMap | null): IdMap {
  const n = extents.length;
  const list = extents.map((e) => ({ ...e, lower: rangeDown(parent, e.lower, e.count) }));
  const columns = (): Pick<IdMap, "count" | "first" | "lower" | "length"> => ({
    count: n,
    first: Uint32Array.from(list, (e) => e.first),
    lower: Uint32Array.from(list, (e) => e.lower),
    length: Uint32Array.from(list, (e) => e.count),
  });
  if (n <= BASE_EXTENTS) return { ...columns(), byFirst: null, byLower: null, lowerOrder: null };
  list.sort((a, b) => a.first - b.first);
  const c = columns();
  const lowerOrder = Uint16Array.from(c.lower.keys()).sort((a, b) => c.lower[a] - c.lower[b]);
  return {
    ...c,
    byFirst: new SortedIndex(c.first),
    byLower: new SortedIndex(Uint32Array.from(lowerOrder, (i) => c.lower[i])),
    lowerOrder,
  };
}

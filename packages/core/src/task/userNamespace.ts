/**
 * User namespaces: ids mapped into other ids, and the owner of every other namespace. Core has the initial one with the
 * identity map and the translation functions; the namespaces package makes new ones. user_namespaces(7).
 */
import type { Namespace, NsType } from "./namespace.js";

/** "No such id" (uid_t)-1. */
export const INVALID_ID = 0xffffffff;
export const OVERFLOW_ID = 65534;

/** Extents in three columns, sorted by `first` for lookups from inside; at most 340. */
export interface IdMap {
  readonly count: number;
  readonly first: Uint32Array;
  readonly lower: Uint32Array;
  readonly length: Uint32Array;
  /** With more than five extents, for lookups from outside: their positions by ascending `lower`, and those numbers themselves. */
  readonly byLower: Uint32Array | null;
  readonly lowerSorted: Uint32Array | null;
}

export class UserNamespace implements Namespace {
  refs = 1;
  /** null: the identity map over all ids (the initial namespace). An empty map (count 0) maps nothing. */
  uidMap: IdMap | null = null;
  gidMap: IdMap | null = null;
  projidMap: IdMap | null = null;
  setgroupsAllowed = true;
  readonly data: Record<string, unknown> = {};

  constructor(
    readonly type: NsType,
    readonly ino: number,
    readonly level: number,
    readonly parent: UserNamespace | null,
    /** Kernel uid and gid of its creator. */
    readonly owner: number,
    readonly group: number,
  ) {}

  get userNs(): UserNamespace {
    return this.parent ?? this;
  }
  set userNs(_: UserNamespace) {
    throw new TypeError("a user namespace's parent is fixed");
  }
}

/** Id in the namespace -> kernel id, INVALID_ID if it is not mapped. */
export function mapIdDown(map: IdMap | null, id: number): number {
  if (map === null) return id;
  const { first, lower, length, count } = map;
  if (count <= 5) {
    for (let i = 0; i < count; i++) {
      const d = id - first[i];
      if (d >= 0 && d < length[i]) return lower[i] + d;
    }
    return INVALID_ID;
  }
  const i = lastNotAbove(first, id);
  const d = id - first[i];
  return d >= 0 && d < length[i] ? lower[i] + d : INVALID_ID;
}

/** Position of the last number of an ascending list that is not above `x`; 0 if all are. Without a branch that depends on the data. */
function lastNotAbove(sorted: Uint32Array, x: number): number {
  let lo = 0;
  for (let n = sorted.length; n > 1; ) {
    const half = n >> 1;
    lo += sorted[lo + half] <= x ? half : 0;
    n -= half;
  }
  return lo;
}

/** Kernel id -> id in the namespace, INVALID_ID if it is not mapped. */
export function mapIdUp(map: IdMap | null, kid: number): number {
  if (map === null) return kid;
  const { first, lower, length, count, byLower, lowerSorted } = map;
  if (byLower === null || lowerSorted === null) {
    for (let i = 0; i < count; i++) {
      const d = kid - lower[i];
      if (d >= 0 && d < length[i]) return first[i] + d;
    }
    return INVALID_ID;
  }
  const e = byLower[lastNotAbove(lowerSorted, kid)];
  const d = kid - lower[e];
  return d >= 0 && d < length[e] ? first[e] + d : INVALID_ID;
}

export function makeKuid(ns: UserNamespace, uid: number): number {
  return mapIdDown(ns.uidMap, uid);
}
export function makeKgid(ns: UserNamespace, gid: number): number {
  return mapIdDown(ns.gidMap, gid);
}
export function fromKuid(ns: UserNamespace, kuid: number): number {
  return mapIdUp(ns.uidMap, kuid);
}
export function fromKgid(ns: UserNamespace, kgid: number): number {
  return mapIdUp(ns.gidMap, kgid);
}
/** As fromKuid, but 65534 for what is not mapped: what stat and getuid show. */
export function fromKuidMunged(ns: UserNamespace, kuid: number): number {
  const id = mapIdUp(ns.uidMap, kuid);
  return id === INVALID_ID ? OVERFLOW_ID : id;
}
export function fromKgidMunged(ns: UserNamespace, kgid: number): number {
  const id = mapIdUp(ns.gidMap, kgid);
  return id === INVALID_ID ? OVERFLOW_ID : id;
}

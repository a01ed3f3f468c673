/**
 * User namespaces: ids mapped into other ids, and the owner of every other namespace. Core has the initial one with the
 * identity map and the translation functions; the namespaces package makes new ones. user_namespaces(7).
 */
import type { SortedIndex } from "../lib/sortedIndex.js";
import type { Namespace, NsType } from "./namespace.js";

/** "No such id" (uid_t)-1. */
export const INVALID_ID = 0xffffffff;
export const OVERFLOW_ID = 65534;

/** Extents in three columns; at most 340. With more than five they are sorted by `first`. */
export interface IdMap {
  readonly count: number;
  readonly first: Uint32Array;
  readonly lower: Uint32Array;
  readonly length: Uint32Array;
  /** With more than five extents: where to look by `first`; by `lower` in ascending order, and which extents those are. */
  readonly byFirst: SortedIndex | null;
  readonly byLower: SortedIndex | null;
  readonly lowerOrder: Uint16Array | null;
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
  const { first, lower, length, count, byFirst } = map;
  if (byFirst === null) {
    for (let i = 0; i < count; i++) {
      // unsigned: what lies below the extent is far above its length
      const d = (id - first[i]) >>> 0;
      if (d < length[i]) return lower[i] + d;
    }
    return INVALID_ID;
  }
  const i = byFirst.lastNotAbove(id);
  const d = (id - first[i]) >>> 0;
  return d < length[i] ? lower[i] + d : INVALID_ID;
}

/** Kernel id -> id in the namespace, INVALID_ID if it is not mapped. */
export function mapIdUp(map: IdMap | null, kid: number): number {
  if (map === null) return kid;
  const { first, lower, length, count, byLower, lowerOrder } = map;
  if (byLower === null || lowerOrder === null) {
    for (let i = 0; i < count; i++) {
      const d = (kid - lower[i]) >>> 0;
      if (d < length[i]) return first[i] + d;
    }
    return INVALID_ID;
  }
  const e = lowerOrder[byLower.lastNotAbove(kid)];
  const d = (kid - lower[e]) >>> 0;
  return d < length[e] ? first[e] + d : INVALID_ID;
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

/**
 * Refaults: a page that comes back soon after it was evicted belongs to the working set and goes to the active list. Kernel document
 * mm/workingset (the comment at its head), admin-guide/cgroup-v2 "workingset_refault".
 *
 * What stays of an evicted page is a shadow: the group it was of, that group's age then, and whether it had been active. The age
 * grows with each eviction and activation, so the difference at the refault tells how much more memory would have kept it.
 */
import { type AddressSpace, PG_ACTIVE, PG_WORKINGSET } from "@kernelkit/core";
import { LRU_ACTIVE_ANON, LRU_ACTIVE_FILE, LRU_INACTIVE_ANON, LRU_INACTIVE_FILE, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { noteCost } from "./scanBalance.js";
import { S_REFAULT, S_WS_ACTIVATE, S_WS_NODERECLAIM, S_WS_RESTORE } from "./stats.js";

/** A shadow is age * 2^17 + id * 2 + active: exact up to 2^36 evictions. */
const ID = 65536;

/** The lruvec and all above it have seen n evictions or activations. */
export function ageNonresident(m: MemCgroup, n: number): void {
  for (let g: MemCgroup | null = m; g !== null; g = g.parent) g.nonresidentAge += n;
}

/** Shadows of a page cache, by index. */
type Shadows = Map<number, number>;

function shadowsOf(s: MemcgSystem, mapping: AddressSpace): Shadows {
  mapping.slots ??= [];
  const slots = mapping.slots;
  let map = slots[s.mappingSlot] as Shadows | undefined;
  if (map === undefined) slots[s.mappingSlot] = map = new Map();
  return map;
}

/** The shadow of a page that is about to be evicted. */
export function shadowOf(s: MemcgSystem, pfn: number): number {
  const m = s.ofPage(pfn);
  const shadow = (m.nonresidentAge * ID + m.id) * 2 + ((s.k.mm.frames.flags[pfn] & PG_WORKINGSET) !== 0 ? 1 : 0);
  ageNonresident(m, 1);
  return shadow;
}

/** A clean page of a file is evicted. */
export function workingsetEviction(s: MemcgSystem, pfn: number, mapping: AddressSpace, index: number): void {
  const map = shadowsOf(s, mapping);
  // as many shadows as the machine has pages: what is older would not be activated anyway
  if (s.shadows >= s.k.mm.frames.nr && map.size > 0) {
    map.delete(map.keys().next().value as number);
    s.root.stat(S_WS_NODERECLAIM, 1);
    s.shadows--;
  }
  const before = map.size;
  map.set(index, shadowOf(s, pfn));
  s.shadows += map.size - before;
}

/** A page of a file comes (back) to the cache, charged to `m`, on no list yet: true if it was evicted and goes to the active list. */
export function fileRefault(s: MemcgSystem, pfn: number, m: MemCgroup, mapping: AddressSpace, index: number): void {
  const map = mapping.slots?.[s.mappingSlot] as Shadows | undefined;
  const shadow = map?.get(index);
  if (shadow === undefined) return;
  (map as Shadows).delete(index);
  s.shadows--;
  refault(s, pfn, m, shadow, true);
}

/** A page with that shadow is back, charged to `m`: counted, and active if it was gone for less than the lists hold. */
export function refault(s: MemcgSystem, pfn: number, m: MemCgroup, shadow: number, file: boolean): void {
  const type = file ? 1 : 0;
  const active = shadow % 2 === 1;
  const rest = (shadow - (shadow % 2)) / 2;
  const from = s.groups[rest % ID] ?? s.root;
  const distance = from.nonresidentAge - Math.floor(rest / ID);
  count(s, m, S_REFAULT + type, "workingset_refault", type);
  let size = lists(from, LRU_ACTIVE_FILE);
  if (!file) size += lists(from, LRU_INACTIVE_FILE);
  if (s.swap.freePages() > 0) {
    size += lists(from, LRU_ACTIVE_ANON);
    if (file) size += lists(from, LRU_INACTIVE_ANON);
  }
  if (distance > size) return;
  const { flags } = s.k.mm.frames;
  flags[pfn] |= PG_ACTIVE;
  ageNonresident(m, 1);
  count(s, m, S_WS_ACTIVATE + type, "workingset_activate", type);
  if (!active) return;
  flags[pfn] |= PG_WORKINGSET;
  noteCost(m, file, 1);
  count(s, m, S_WS_RESTORE + type, "workingset_restore", type);
}

function count(s: MemcgSystem, m: MemCgroup, stat: number, name: string, type: number): void {
  m.stat(stat, 1);
  const { mm } = s.k;
  mm.count(mm.stat(`${name}_${type === 0 ? "anon" : "file"}`), 1);
}

/** Pages on a list of the subtree. */
function lists(m: MemCgroup, lru: number): number {
  let n = m.size[lru];
  for (const k of m.kids) n += lists(k, lru);
  return n;
}

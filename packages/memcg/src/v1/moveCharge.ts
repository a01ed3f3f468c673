/**
 * Moving a task's charges with it: memory.move_charge_at_immigrate, in kernels before 6.12. Kernel document admin-guide/cgroup-v1/memory,
 * "Move charges at task migration".
 */
import {
  forEachPte,
  type Mm,
  PG_ANON,
  PG_HEAD,
  PG_LRU,
  PTE_SPECIAL,
  TAG_DIRTY,
  TAG_WRITEBACK,
  TASK_SIZE,
  type Task,
} from "@kernelkit/core";
import { tryCharge, uncharge } from "../charge.js";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { S_ANON, S_ANON_THP, S_FILE, S_FILE_DIRTY, S_FILE_MAPPED, S_SHMEM, S_WRITEBACK } from "../stats.js";

const MOVE_ANON = 1;
const MOVE_FILE = 2;

/** Frames of the task's address space that move from `from`, by the destination's bits. */
function movable(s: MemcgSystem, t: Task, from: MemCgroup, bits: number): number[] {
  const mm = t.mm as Mm | null;
  if (mm === null || t.signal.leader !== t) return [];
  const { frames, pt } = s.k.mm;
  const out = new Set<number>();
  forEachPte(s.k.mm, mm, 0, TASK_SIZE, (_addr, slot) => {
    const pfn = pt.val[slot];
    if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0) return;
    const head = frames.head(pfn);
    const anon = (frames.flags[head] & PG_ANON) !== 0;
    if ((bits & (anon ? MOVE_ANON : MOVE_FILE)) !== 0 && s.owner[head] === from.id) out.add(head);
  });
  return [...out];
}

/** The task has come from `from` to `to`: its pages follow if `to` has room for them. */
export function moveCharges(s: MemcgSystem, t: Task, from: MemCgroup, to: MemCgroup): void {
  if (to.moveCharge === 0 || from === to) return;
  const pages = movable(s, t, from, to.moveCharge);
  const { mm } = s.k;
  for (const pfn of pages) {
    const n = mm.frames.pages(pfn);
    if (tryCharge(s, to, n, null, t, 0) !== 0) return;
    moveOne(s, pfn, n, from, to);
  }
}

function moveOne(s: MemcgSystem, pfn: number, n: number, from: MemCgroup, to: MemCgroup): void {
  const { mm } = s.k;
  const f = mm.frames;
  const fl = f.flags[pfn];
  const onLru = (fl & PG_LRU) !== 0;
  if (onLru) mm.lruDel(pfn);
  const move = (stat: number, pages: number): void => {
    from.stat(stat, -pages);
    to.stat(stat, pages);
  };
  if ((fl & PG_ANON) !== 0) {
    move(S_ANON, n);
    if ((fl & PG_HEAD) !== 0) move(S_ANON_THP, n);
  } else {
    const mapping = mm.mappingOf(pfn);
    move(S_FILE, n);
    move(S_FILE_MAPPED, n);
    if (mapping?.aOps.swapBacked === true) move(S_SHMEM, n);
    const index = mm.indexOf(pfn);
    if (mapping?.testTag(index, TAG_DIRTY)) move(S_FILE_DIRTY, n);
    if (mapping?.testTag(index, TAG_WRITEBACK)) move(S_WRITEBACK, n);
  }
  s.owner[pfn] = to.isRoot ? 0 : to.id;
  if (onLru) mm.lruAdd(pfn);
  if (!to.isRoot) s.k.cgroup.cssGet(to.css, n);
  uncharge(s, from, n);
  if (!from.isRoot) s.k.cgroup.cssPut(from.css, n);
}

/** Whole-value check of what is written: bits 0 and 1. */
export const MOVE_MASK: number = MOVE_ANON | MOVE_FILE;

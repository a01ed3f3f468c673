/**
 * The out-of-memory killer of a group: who is chosen, what is logged, and (v1) those who sleep because nobody may be killed. Kernel
 * documents admin-guide/cgroup-v2 "memory.oom.group", admin-guide/cgroup-v1/memory "OOM Control".
 */
import { MM_SWAPENTS, type Mm, OOM_SCORE_ADJ_MIN, oomBadness, type Task, totalOomPages } from "@kernelkit/core";
import { dying } from "./dying.js";
import { MEMCG_OOM, MEMCG_OOM_GROUP_KILL, MEMCG_OOM_KILL, type MemCgroup } from "./memCgroup.js";
import type { MemcgSystem, TaskMemory } from "./memcgSystem.js";
import { PAGE_COUNTER_MAX, type PageCounter } from "./pageCounter.js";
import { statText } from "./statText.js";

const kb = (pages: number): string => `${pages * 4}kB`;

/** Processes of the subtree. */
function* processes(m: MemCgroup): Generator<Task> {
  for (const g of m.css.cgroup.subtree()) for (const t of g.tasks) if (t.signal.leader === t) yield t;
}

/** Memory and swap that the group can have, pages: what oom_score_adj is relative to. */
function totalPages(s: MemcgSystem, m: MemCgroup): number {
  let swap = s.swap.totalPages();
  for (let c: PageCounter | null = m.swap; c !== null; c = c.parent) swap = Math.min(swap, c.max);
  return Math.min(m.memory.max, s.k.mm.totalram) + (m.swappiness > 0 ? swap : 0);
}

/** Somebody in the subtree is killed, or was already: true. `by`: whose charge failed, null: a limit was lowered. */
export function outOfMemory(s: MemcgSystem, m: MemCgroup, by: Task | null): boolean {
  let victim: Task | null = null;
  let most = Number.NEGATIVE_INFINITY;
  const total = m.isRoot ? totalOomPages(s.k.mm) : totalPages(s, m);
  const tasks = m.isRoot ? s.k.tasks.all().filter((t) => t.signal.leader === t) : processes(m);
  for (const t of tasks) {
    if (t.exiting) continue;
    if (dying(t)) return true;
    const points = oomBadness(t, total);
    if (points === null || points <= most) continue;
    most = points;
    victim = t;
  }
  if (!m.isRoot) s.event(m, MEMCG_OOM);
  if (victim === null) return false;
  report(s, m, victim, by);
  const group = oomGroup(s, m, victim);
  kill(s, victim, m);
  if (group === null) return true;
  s.event(group, MEMCG_OOM_GROUP_KILL);
  s.k.log(6, `Tasks in ${group.css.cgroup.path} are going to be killed due to memory.oom.group set`);
  for (const t of [...processes(group)]) if (!t.exiting && t.signal.oomScoreAdj !== OOM_SCORE_ADJ_MIN) kill(s, t, m);
  return true;
}

/** The highest group from the victim's up to `m` that dies as one; null: none. */
function oomGroup(s: MemcgSystem, m: MemCgroup, victim: Task): MemCgroup | null {
  let group: MemCgroup | null = null;
  for (let g: MemCgroup | null = s.ofTask(victim); g !== null && !g.isRoot; g = g.parent) {
    if (g.oomGroup) group = g;
    if (g === m) break;
  }
  return group;
}

/** The lines before the kill. */
function report(s: MemcgSystem, m: MemCgroup, victim: Task, by: Task | null): void {
  const { k } = s;
  const who = by ?? victim;
  const adj = who.signal.oomScoreAdj;
  k.log(4, `${who.comm} invoked oom-killer: gfp_mask=0xcc0(GFP_KERNEL), order=0, oom_score_adj=${adj}`);
  if (!m.isRoot) {
    const counter = (name: string, c: PageCounter): void => {
      const limit = c.max === PAGE_COUNTER_MAX ? "9007199254740988kB" : kb(c.max);
      k.log(6, `${name}: usage ${kb(c.usage)}, limit ${limit}, failcnt ${c.failcnt}`);
    };
    counter("memory", m.memory);
    if (m.v2) counter("swap", m.swap);
    else {
      counter("memory+swap", m.memsw);
      counter("kmem", m.kmem);
    }
    k.log(6, `Memory cgroup stats for ${m.css.cgroup.path}:`);
    for (const line of statText(s, m).trimEnd().split("\n")) k.log(6, line);
  }
  k.log(6, "Tasks state (memory values in pages):");
  k.log(
    6,
    "[  pid  ]   uid  tgid total_vm      rss rss_anon rss_file rss_shmem pgtables_bytes swapents oom_score_adj name",
  );
  for (const t of m.isRoot ? s.k.tasks.all() : processes(m)) {
    const mm = t.mm as Mm | null;
    if (mm === null || t.exiting || t.signal.leader !== t) continue;
    const n = (v: number, w: number): string => String(v).padStart(w);
    k.log(
      6,
      `[${n(t.nr, 7)}] ${n(t.cred.uid, 5)} ${n(t.tgid.nr[0], 5)} ${n(mm.totalVm, 8)} ${n(mm.rssPages, 8)} ${n(mm.rss[1], 8)} ` +
        `${n(mm.rss[0], 8)} ${n(mm.rss[3], 9)} ${n(mm.pgtablesBytes, 8)} ${n(mm.rss[MM_SWAPENTS], 8)} ` +
        `${n(t.signal.oomScoreAdj, 13)} ${t.comm}`,
    );
  }
  const scope = m.isRoot
    ? "constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom"
    : `constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset=/,mems_allowed=0,oom_memcg=${m.css.cgroup.path}`;
  const path = s.ofTask(victim).css.cgroup.path;
  k.log(6, `oom-kill:${scope},task_memcg=${path},task=${victim.comm},pid=${victim.nr},uid=${victim.cred.uid}`);
}

function kill(s: MemcgSystem, t: Task, m: MemCgroup): void {
  const { k } = s;
  const mm = t.mm as Mm | null;
  const at = s.ofTask(t);
  if (s.trace.victim.on) s.trace.victim.emit(t);
  s.event(at, MEMCG_OOM_KILL);
  k.mm.count(k.mm.stat("oom_kill"), 1);
  if (mm !== null)
    k.log(
      3,
      `${m.isRoot ? "Out of memory" : "Memory cgroup out of memory"}: Killed process ${t.nr} (${t.comm}) total-vm:${kb(mm.totalVm)}, ` +
        `anon-rss:${kb(mm.rss[1])}, file-rss:${kb(mm.rss[0])}, shmem-rss:${kb(mm.rss[3])}, UID:${t.cred.uid} ` +
        `pgtables:${mm.pgtablesBytes / 1024}kB oom_score_adj:${t.signal.oomScoreAdj}`,
    );
  k.signals.kill(t);
}

// --- v1: nobody may be killed ---

/** The task is going to sleep until the group's shortage is over: the whole subtree is under OOM, and its listeners are told. */
export function enterOom(s: MemcgSystem, m: MemCgroup, t: Task): void {
  (t.slots[s.slot] as TaskMemory).inOom = m;
  s.oomWaiters++;
  s.event(m, MEMCG_OOM);
  for (const g of m.subtree()) {
    g.underOom++;
    g.legacy?.signalOom(s.k);
  }
}

/** It is awake again, or dead. */
export function leaveOom(s: MemcgSystem, t: Task): void {
  const own = t.slots[s.slot] as TaskMemory | undefined;
  if (own === undefined || own.inOom === null) return;
  for (const g of own.inOom.subtree()) g.underOom--;
  own.inOom = null;
  s.oomWaiters--;
}

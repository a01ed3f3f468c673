/** How good a victim a process would be when memory is out. Kernel: /proc/PID/oom_score; proc_pid_oom_score(5). */
import { PF_KTHREAD, type Task } from "../task/task.js";
import { MM_SWAPENTS, type Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";

/** oom_score_adj: never. */
export const OOM_SCORE_ADJ_MIN = -1000;
export const OOM_SCORE_ADJ_MAX = 1000;

/** Pages that its death would free, with its oom_score_adj as thousandths of `totalPages` added; null: it is never killed. */
export function oomBadness(t: Task, totalPages: number): number | null {
  if (t.signal.leader.nr === 1 || (t.flags & PF_KTHREAD) !== 0) return null;
  const { oomScoreAdj } = t.signal;
  const mm = mmOfProcess(t);
  if (oomScoreAdj === OOM_SCORE_ADJ_MIN || mm === null) return null;
  const points = mm.rssPages + mm.rss[MM_SWAPENTS] + mm.pgtablesBytes / 4096;
  return points + oomScoreAdj * Math.floor(totalPages / 1000);
}

/** The address space of a process: of its first thread that still has one. */
export function mmOfProcess(t: Task): Mm | null {
  for (const x of t.signal.threads) if (x.mm !== null) return x.mm;
  return null;
}

/** Memory and swap of the machine, pages: what oom_score is relative to. */
export function totalOomPages(m: MmSystem): number {
  return m.totalram + (m.k.contracts.swap?.totalPages() ?? 0);
}

/** /proc/PID/oom_score: about 0..2000. */
export function oomScore(m: MmSystem, t: Task): number {
  const total = totalOomPages(m);
  const badness = oomBadness(t, total);
  return badness === null ? 0 : Math.trunc(((1000 + Math.trunc((badness * 1000) / total)) * 2) / 3);
}

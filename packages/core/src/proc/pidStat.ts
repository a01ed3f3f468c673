/** /proc/PID/stat: 52 numbers of a process (or thread) on one line. proc_pid_stat(5). */
import type { Ctx } from "../kernel/ctx.js";
import type { PidNamespace } from "../task/pid.js";
import { PTRACE_MODE_NOAUDIT, PTRACE_MODE_READ_FSCREDS, ptraceMayAccess } from "../task/ptraceAccess.js";
import { rlimit } from "../task/rlimits.js";
import { processRusage } from "../task/rusage.js";
import {
  TASK_DEAD,
  TASK_FROZEN,
  TASK_IDLE,
  TASK_KILLABLE,
  TASK_RUNNING,
  TASK_STOPPED,
  TASK_TRACED,
  TASK_UNINTERRUPTIBLE,
  TASK_ZOMBIE,
  type Task,
} from "../task/task.js";
import type { OpenFile } from "../vfs/file.js";
import { boottimeOffset } from "./general.js";
import type { ProcSuper } from "./proc.js";

const RLIM_INFINITY = "18446744073709551615";
const RLIMIT_RSS = 5;

/** The pid namespace that the /proc a file belongs to shows. */
export function nsOfFile(file: OpenFile): PidNamespace {
  return (file.inode.sb.data as ProcSuper).pidNs;
}

const LETTERS: ReadonlyMap<number, string> = /* @__PURE__ */ new Map([
  [TASK_RUNNING, "R (running)"],
  [TASK_UNINTERRUPTIBLE, "D (disk sleep)"],
  [TASK_KILLABLE, "D (disk sleep)"],
  [TASK_STOPPED, "T (stopped)"],
  [TASK_TRACED, "t (tracing stop)"],
  [TASK_ZOMBIE, "Z (zombie)"],
  [TASK_DEAD, "X (dead)"],
  [TASK_IDLE, "I (idle)"],
  [TASK_FROZEN, "S (sleeping)"],
]);

/** `R (running)`. A task that makes a call right now runs. */
export function stateText(c: Ctx, t: Task): string {
  return t === c.task ? "R (running)" : (LETTERS.get(t.state) ?? "S (sleeping)");
}

/** Priority as stat shows it: 20 + nice, or -1 - rt_priority. */
function priority(t: Task): number {
  return t.se.rtPriority > 0 ? -1 - t.se.rtPriority : 20 + t.se.nice;
}

const ticks = (ns: number): number => Math.floor(ns / 1e7);

/** Parent as the namespace sees it, 0: outside. */
export function ppidOf(t: Task, ns: PidNamespace): number {
  return t.state === TASK_DEAD || t.realParent === t ? 0 : t.realParent.tgid.nrNs(ns);
}

export function statText(c: Ctx, t: Task, file: OpenFile, whole: boolean): string {
  const { k } = c;
  const ns = nsOfFile(file);
  const s = t.signal;
  const may = ptraceMayAccess(k, c.task, t, PTRACE_MODE_READ_FSCREDS | PTRACE_MODE_NOAUDIT);
  const mm = may ? t.mm : null;
  const r = processRusage(k, t);
  let minflt = t.minFlt;
  let majflt = t.majFlt;
  let utime = t.utimeNs;
  let stime = t.stimeNs;
  if (whole) ({ minflt, majflt, utimeNs: utime, stimeNs: stime } = r);
  const size = t.mm === null ? 0 : t.mm.totalVm * 4096;
  const rss = t.mm === null ? 0 : t.mm.rssPages;
  const rsslim = rlimit(t, RLIMIT_RSS);
  const children = whole
    ? `${s.cminFlt} ${majflt} ${s.cmajFlt} ${ticks(utime)} ${ticks(stime)} ${ticks(s.cutimeNs)} ${ticks(s.cstimeNs)}`
    : `0 ${majflt} 0 ${ticks(utime)} ${ticks(stime)} 0 0`;
  const start = ticks(t.startBoottimeNs + boottimeOffset(c));
  let ign = 0;
  let cgt = 0;
  const { actions } = t.sighand;
  for (let i = 1; i < 32; i++) {
    const h = actions[i]?.handler;
    if (h === 1) ign |= 1 << (i - 1);
    else if (h !== undefined && h !== 0) cgt |= 1 << (i - 1);
  }
  const exposed = whole && may;
  return (
    `${t.pid.nrNs(ns)} (${t.comm}) ${stateText(c, t)[0]} ${ppidOf(t, ns)} ${s.pgrp.nrNs(ns)} ${s.session.nrNs(ns)} 0 -1 ` +
    `${t.flags >>> 0} ${minflt} ${children} ${priority(t)} ${t.se.nice} ${s.live} 0 ${start} ${size} ${rss} ` +
    `${rsslim === Number.POSITIVE_INFINITY ? RLIM_INFINITY : rsslim} ` +
    (mm === null ? "0 0 0 0 0 " : `${mm.startCode} ${mm.endCode} ${exposed ? mm.startStack : 0} 0 0 `) +
    `${t.pending.set.lo & 0x7fffffff} ${t.blocked.lo & 0x7fffffff} ${ign & 0x7fffffff} ${cgt & 0x7fffffff} ` +
    `${may && t.waitingFor !== "" ? 1 : 0} 0 0 ${t.exitSignal} ${t.cpu} ${t.se.rtPriority} ${t.se.policy} 0 0 0 ` +
    (mm === null ? "0 0 0 0 0 0 0 " : `${mm.startData} ${mm.endData} ${mm.startBrk} 0 0 0 0 `) +
    `${may ? t.exitCode : 0}\n`
  );
}

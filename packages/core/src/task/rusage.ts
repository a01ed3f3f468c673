/** Resource usage of threads, processes and waited-for children. getrusage(2), wait4(2), times(2). */
import type { Core } from "../kernel/core.js";
import type { Rusage } from "../sys/processSys.js";
import type { Task } from "./task.js";

/** Of one thread. */
export function taskRusage(k: Core, t: Task): Rusage {
  syncTimes(k, t);
  const rss = t.mm === null ? t.signal.maxRss : Math.max(t.mm.hiwaterRss, t.mm.rssPages);
  return {
    utimeNs: t.utimeNs,
    stimeNs: t.stimeNs,
    maxrss: rss * 4,
    minflt: t.minFlt,
    majflt: t.majFlt,
    inblock: 0,
    oublock: 0,
    nvcsw: t.nvcsw,
    nivcsw: t.nivcsw,
  };
}

/** Of all threads of the task's process, dead ones included. */
export function processRusage(k: Core, t: Task): Rusage {
  const s = t.signal;
  const r: Rusage = {
    utimeNs: s.utimeNs,
    stimeNs: s.stimeNs,
    maxrss: s.maxRss * 4,
    minflt: s.minFlt,
    majflt: s.majFlt,
    inblock: 0,
    oublock: 0,
    nvcsw: s.nvcsw,
    nivcsw: s.nivcsw,
  };
  for (const o of s.threads) {
    syncTimes(k, o);
    r.utimeNs += o.utimeNs;
    r.stimeNs += o.stimeNs;
    r.minflt += o.minFlt;
    r.majflt += o.majFlt;
    r.nvcsw += o.nvcsw;
    r.nivcsw += o.nivcsw;
    if (o.mm !== null) r.maxrss = Math.max(r.maxrss, o.mm.hiwaterRss * 4, o.mm.rssPages * 4);
  }
  return r;
}

/** Of the children that were waited for, and theirs. */
export function childrenRusage(t: Task): Rusage {
  const s = t.signal;
  return {
    utimeNs: s.cutimeNs,
    stimeNs: s.cstimeNs,
    maxrss: s.cmaxRss * 4,
    minflt: s.cminFlt,
    majflt: s.cmajFlt,
    inblock: 0,
    oublock: 0,
    nvcsw: s.cnvcsw,
    nivcsw: s.cnivcsw,
  };
}

export function noRusage(): Rusage {
  return { utimeNs: 0, stimeNs: 0, maxrss: 0, minflt: 0, majflt: 0, inblock: 0, oublock: 0, nvcsw: 0, nivcsw: 0 };
}

/** Of a process and of the children it waited for: what wait4 shows of a child. */
export function bothRusage(k: Core, t: Task): Rusage {
  const r = processRusage(k, t);
  const s = t.signal;
  r.utimeNs += s.cutimeNs;
  r.stimeNs += s.cstimeNs;
  r.minflt += s.cminFlt;
  r.majflt += s.cmajFlt;
  r.nvcsw += s.cnvcsw;
  r.nivcsw += s.cnivcsw;
  if (s.cmaxRss * 4 > r.maxrss) r.maxrss = s.cmaxRss * 4;
  return r;
}

/** A child has been waited for: what it and its own children used is its parent's children's now. */
export function addToChildren(k: Core, parent: Task, child: Task): void {
  const p = parent.signal;
  const c = child.signal;
  p.cutimeNs += c.utimeNs + c.cutimeNs;
  p.cstimeNs += c.stimeNs + c.cstimeNs;
  p.cminFlt += c.minFlt + c.cminFlt;
  p.cmajFlt += c.majFlt + c.cmajFlt;
  p.cnvcsw += c.nvcsw + c.cnvcsw;
  p.cnivcsw += c.nivcsw + c.cnivcsw;
  for (const t of c.threads) {
    syncTimes(k, t);
    p.cutimeNs += t.utimeNs;
    p.cstimeNs += t.stimeNs;
    p.cminFlt += t.minFlt;
    p.cmajFlt += t.majFlt;
    p.cnvcsw += t.nvcsw;
    p.cnivcsw += t.nivcsw;
  }
  p.cmaxRss = Math.max(p.cmaxRss, c.maxRss, c.cmaxRss);
}

/** A task that is on a CPU has used time that is not yet in its columns. */
function syncTimes(k: Core, t: Task): void {
  if (k.cpus.curr[t.cpu] === t) k.sched.account(t.cpu);
}

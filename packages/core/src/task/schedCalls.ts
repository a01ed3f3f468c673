/** The calls of sys/schedSys.ts. */
import { EINVAL, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import {
  PRIO_PGRP,
  PRIO_PROCESS,
  PRIO_USER,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_EXT,
  SCHED_FLAG_ALL,
  SCHED_FLAG_KEEP_PARAMS,
  SCHED_FLAG_KEEP_POLICY,
  SCHED_FLAG_RESET_ON_FORK,
  SCHED_OTHER,
  SCHED_RESET_ON_FORK,
  SCHED_RR,
} from "../abi/sched.js";
import type { Ctx } from "../kernel/ctx.js";
import { maskHas } from "../sched/cpus.js";
import { int, intOr, list, struct, uint } from "../sys/args.js";
import type { SchedSys } from "../sys/schedSys.js";
import type { Impl } from "../sys/types.js";
import { clampNice, isRtPolicy, setAffinity, setOneNice, setScheduler, validPolicy } from "./schedPolicy.js";
import type { Task } from "./task.js";
import { INVALID_ID, makeKuid } from "./userNamespace.js";

const RR_TIMESLICE_NS = 100_000_000;

/** The task of a sched_ call: EINVAL negative, ESRCH nobody. */
function schedTask(c: Ctx, pid: number): Task {
  if (pid < 0) return fail(EINVAL);
  return c.k.tasks.findTask(c.task, pid) ?? fail(ESRCH);
}

function shownPolicy(t: Task): number {
  return t.se.policy | (t.se.resetOnFork ? SCHED_RESET_ON_FORK : 0);
}

/** The tasks that `which` and `who` name. */
function prioTasks(c: Ctx, which: number, who: number): Task[] {
  const { tasks } = c.k;
  const t = c.task;
  switch (which) {
    case PRIO_PROCESS: {
      const p = tasks.findTask(t, who);
      return p === null ? [] : [p];
    }
    case PRIO_PGRP: {
      const pgrp = who === 0 ? t.signal.pgrp : tasks.findVpid(t, who);
      return pgrp === null ? [] : pgrp.groupMembers().flatMap((p) => p.signal.threads);
    }
    case PRIO_USER: {
      const uid = who === 0 ? t.cred.uid : makeKuid(t.cred.userNs, who >>> 0);
      if (uid === INVALID_ID) return [];
      const ns = t.pid.ns[t.pid.level];
      return tasks.all().filter((p) => p.cred.uid === uid && p.pid.nrNs(ns) !== 0);
    }
  }
  return fail(EINVAL);
}

export const schedCalls: Impl<SchedSys> = {
  sched_setscheduler(c, pid, policy, priority) {
    const p = int(pid, "pid");
    const pol = int(policy, "policy");
    const prio = int(priority, "priority");
    if (pol < 0) return fail(EINVAL);
    const t = schedTask(c, p);
    setScheduler(c.k, c.task, t, {
      policy: pol & ~SCHED_RESET_ON_FORK,
      rtPriority: prio,
      nice: t.se.nice,
      resetOnFork: (pol & SCHED_RESET_ON_FORK) !== 0,
    });
    return 0;
  },
  sched_getscheduler: (c, pid) => shownPolicy(schedTask(c, int(pid, "pid"))),
  sched_setparam(c, pid, priority) {
    const t = schedTask(c, int(pid, "pid"));
    const { policy, nice, resetOnFork } = t.se;
    setScheduler(c.k, c.task, t, { policy, rtPriority: int(priority, "priority"), nice, resetOnFork });
    return 0;
  },
  sched_getparam: (c, pid) => ({ sched_priority: schedTask(c, int(pid, "pid")).se.rtPriority }),
  sched_setattr(c, pid, attr, flags = 0) {
    const p = int(pid, "pid");
    struct(attr, "attr");
    const f = attr.flags === undefined ? 0 : uint(attr.flags, "attr.flags");
    if (p < 0 || uint(flags, "flags") !== 0 || (f & ~SCHED_FLAG_ALL) !== 0) return fail(EINVAL);
    const policy = intOr(attr.policy, SCHED_OTHER, "attr.policy");
    if (policy < 0) return fail(EINVAL);
    const t = schedTask(c, p);
    const { se } = t;
    const keep = (f & SCHED_FLAG_KEEP_PARAMS) !== 0;
    const pol = (f & SCHED_FLAG_KEEP_POLICY) !== 0 ? se.policy : policy;
    const nice = keep || attr.nice === undefined ? (keep ? se.nice : 0) : clampNice(int(attr.nice, "attr.nice"));
    setScheduler(c.k, c.task, t, {
      policy: pol,
      rtPriority: keep ? se.rtPriority : intOr(attr.priority, 0, "attr.priority"),
      // only fair policies take a nice value along
      nice: pol === SCHED_OTHER || pol === SCHED_BATCH ? nice : se.nice,
      resetOnFork: (f & SCHED_FLAG_RESET_ON_FORK) !== 0,
    });
    return 0;
  },
  sched_getattr(c, pid, size = 48, flags = 0) {
    const p = int(pid, "pid");
    const s = uint(size, "size");
    if (p < 0 || uint(flags, "flags") !== 0 || s < 48 || s > 4096) return fail(EINVAL);
    const t = schedTask(c, p);
    const { se } = t;
    return {
      policy: se.policy,
      flags: se.resetOnFork ? SCHED_FLAG_RESET_ON_FORK : 0,
      nice: isRtPolicy(se.policy) ? 0 : se.nice,
      priority: se.rtPriority,
      runtime: isRtPolicy(se.policy) ? 0 : c.k.sched.sliceNs,
      deadline: 0,
      period: 0,
    };
  },
  sched_get_priority_max(_c, policy) {
    const p = int(policy, "policy");
    if (isRtPolicy(p)) return 99;
    return validPolicy(p) || p === SCHED_DEADLINE || p === SCHED_EXT ? 0 : fail(EINVAL);
  },
  sched_get_priority_min(_c, policy) {
    const p = int(policy, "policy");
    if (isRtPolicy(p)) return 1;
    return validPolicy(p) || p === SCHED_DEADLINE || p === SCHED_EXT ? 0 : fail(EINVAL);
  },
  sched_rr_get_interval(c, pid) {
    const { se } = schedTask(c, int(pid, "pid"));
    let ns = 0;
    if (se.policy === SCHED_RR) ns = RR_TIMESLICE_NS;
    else if (!isRtPolicy(se.policy)) ns = c.k.sched.sliceNs;
    return { sec: 0, nsec: ns };
  },
  sched_setaffinity(c, pid, wanted) {
    const p = int(pid, "pid");
    const { cpus, tasks } = c.k;
    const mask = new Uint32Array((cpus.nr + 31) >> 5);
    for (const v of list(wanted, "cpus")) {
      const cpu = int(v, "cpus");
      if (cpu >= 0 && cpu < cpus.nr) mask[cpu >> 5] |= 1 << (cpu & 31);
    }
    const t = tasks.findTask(c.task, p);
    if (t === null) return fail(ESRCH);
    setAffinity(c.k, c.task, t, mask);
    return 0;
  },
  sched_getaffinity(c, pid, size = 128) {
    const p = int(pid, "pid");
    const { cpus, tasks } = c.k;
    const s = uint(size, "size");
    if (s * 8 < cpus.nr || (s & 7) !== 0) return fail(EINVAL);
    const t = tasks.findTask(c.task, p);
    if (t === null) return fail(ESRCH);
    const out: number[] = [];
    for (let cpu = 0; cpu < cpus.nr; cpu++) if (maskHas(t.cpusMask, cpu) && cpus.online[cpu] === 1) out.push(cpu);
    return out;
  },
  sched_yield(c) {
    c.k.sched.yieldTask(c.task);
    return 0;
  },
  getpriority(c, which, who) {
    const tasks = prioTasks(c, int(which, "which"), int(who, "who"));
    if (tasks.length === 0) return fail(ESRCH);
    return Math.max(...tasks.map((t) => 20 - t.se.nice));
  },
  setpriority(c, which, who, nice) {
    const w = int(which, "which");
    const n = clampNice(int(nice, "nice"));
    const tasks = prioTasks(c, w, int(who, "who"));
    if (tasks.length === 0) return fail(ESRCH);
    // each is tried; the last failure is the answer
    let failure: unknown = null;
    for (const t of tasks) {
      try {
        setOneNice(c.k, c.task, t, n);
      } catch (e) {
        failure = e;
      }
    }
    if (failure !== null) throw failure;
    return 0;
  },
  getcpu(c) {
    const { cpu } = c.task;
    return { cpu, node: c.k.options.machine.cpuNode[cpu] };
  },
};

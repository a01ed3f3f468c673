/**
 * Changing how a task is scheduled: policy, real-time priority, nice value, CPUs - with the permissions. sched(7),
 * sched_setscheduler(2), setpriority(2), sched_setaffinity(2).
 */
import { CAP_SYS_NICE } from "../abi/capability.js";
import { EACCES, EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RLIMIT_NICE, RLIMIT_RTPRIO } from "../abi/resource.js";
import {
  MAX_NICE,
  MIN_NICE,
  SCHED_BATCH,
  SCHED_DEADLINE,
  SCHED_FIFO,
  SCHED_IDLE,
  SCHED_OTHER,
  SCHED_RR,
} from "../abi/sched.js";
import type { Core } from "../kernel/core.js";
import { maskHas } from "../sched/cpus.js";
import { capable, nsCapable } from "./capable.js";
import { rlimit } from "./rlimits.js";
import { PF_NO_SETAFFINITY, type Task } from "./task.js";

/** New parameters. */
export interface SchedParams {
  readonly policy: number;
  readonly rtPriority: number;
  readonly nice: number;
  readonly resetOnFork: boolean;
}

export function isRtPolicy(policy: number): boolean {
  return policy === SCHED_FIFO || policy === SCHED_RR;
}

function isFairPolicy(policy: number): boolean {
  return policy === SCHED_OTHER || policy === SCHED_BATCH;
}

/** Policies this kernel has; SCHED_DEADLINE is not among them. */
export function validPolicy(policy: number): boolean {
  return isRtPolicy(policy) || isFairPolicy(policy) || policy === SCHED_IDLE;
}

/** Does RLIMIT_NICE of `t` let it have this nice value? */
function niceWithinLimit(t: Task, nice: number): boolean {
  return 20 - nice <= rlimit(t, RLIMIT_NICE);
}

/** Is the caller's effective user the owner of `t`? */
function sameOwner(caller: Task, t: Task): boolean {
  const { euid } = caller.cred;
  return euid === t.cred.euid || euid === t.cred.uid;
}

/** sched_setscheduler and its kin: EINVAL, then EPERM, then done. */
export function setScheduler(k: Core, caller: Task, t: Task, p: SchedParams): void {
  if (!validPolicy(p.policy) || p.policy === SCHED_DEADLINE) fail(EINVAL);
  if (p.rtPriority < 0 || p.rtPriority > 99 || isRtPolicy(p.policy) !== p.rtPriority > 0) fail(EINVAL);
  if (needsPrivilege(caller, t, p) && !capable(k, caller, CAP_SYS_NICE)) fail(EPERM);
  setSchedParams(k, t, p);
}

function needsPrivilege(caller: Task, t: Task, p: SchedParams): boolean {
  const { se } = t;
  if (isFairPolicy(p.policy) && p.nice < se.nice && !niceWithinLimit(t, p.nice)) return true;
  if (isRtPolicy(p.policy)) {
    const limit = rlimit(t, RLIMIT_RTPRIO);
    if (p.policy !== se.policy && limit === 0) return true;
    if (p.rtPriority > se.rtPriority && p.rtPriority > limit) return true;
  }
  if (se.policy === SCHED_IDLE && p.policy !== SCHED_IDLE && !niceWithinLimit(t, se.nice)) return true;
  if (!sameOwner(caller, t)) return true;
  return se.resetOnFork && !p.resetOnFork;
}

/** Put new parameters on a task wherever it is: asleep, queued or running. */
export function setSchedParams(k: Core, t: Task, p: SchedParams): void {
  const { sched, cpus } = k;
  const rq = sched.rqs[t.cpu];
  const { se } = t;
  const running = cpus.curr[t.cpu] === t;
  const { queued } = se;
  if (running || queued) {
    sched.account(t.cpu);
    if (queued) rq.remove(t);
    rq.detach(t);
  }
  se.policy = p.policy;
  se.rtPriority = p.rtPriority;
  se.nice = p.nice;
  se.resetOnFork = p.resetOnFork;
  if (running || queued) {
    if (p.rtPriority === 0) {
      se.vruntime = rq.avgVruntime;
      se.deadline = se.vruntime + sched.sliceOf(t);
    }
    rq.attach(t);
    if (queued) rq.push(t);
    if (cpus.curr[t.cpu] !== null) sched.resched(t.cpu);
  }
}

/** setpriority(2) for one task: EPERM another user's, EACCES going down without leave. */
export function setOneNice(k: Core, caller: Task, t: Task, nice: number): void {
  const c = caller.cred;
  const tc = t.cred;
  if (tc.uid !== c.euid && tc.euid !== c.euid && !nsCapable(k, caller, tc.userNs, CAP_SYS_NICE)) fail(EPERM);
  if (nice < t.se.nice && !niceWithinLimit(t, nice) && !capable(k, caller, CAP_SYS_NICE)) fail(EACCES);
  const { policy, rtPriority, resetOnFork } = t.se;
  setSchedParams(k, t, { policy, rtPriority, nice, resetOnFork });
}

export function clampNice(nice: number): number {
  return Math.max(MIN_NICE, Math.min(MAX_NICE, nice));
}

/** sched_setaffinity(2) with a mask of any length; bits of impossible CPUs are dropped. */
export function setAffinity(k: Core, caller: Task, t: Task, wanted: Uint32Array): void {
  if ((t.flags & PF_NO_SETAFFINITY) !== 0) fail(EINVAL);
  if (!sameOwner(caller, t) && !nsCapable(k, caller, t.cred.userNs, CAP_SYS_NICE)) fail(EPERM);
  const { cpus, hooks } = k;
  const mask = wanted.slice();
  // a cpuset narrows it further
  if (hooks.cpusAllowed.on !== null) hooks.cpusAllowed.on(t, mask);
  let any = false;
  for (let c = 0; c < cpus.nr; c++) if (maskHas(mask, c) && cpus.online[c] === 1) any = true;
  if (!any) fail(EINVAL);
  t.cpusMask = mask;
  if (!maskHas(mask, t.cpu)) k.sched.migrateTask(t, k.sched.anyAllowed(t));
}

/**
 * Queues of pending signals: putting in, taking out. A standard signal is pending once; a real-time one as often as it was sent, up to
 * RLIMIT_SIGPENDING of the receiver's user. signal(7), "Queueing and delivery semantics".
 */
import { EAGAIN } from "../abi/errno.js";
import { RLIMIT_SIGPENDING } from "../abi/resource.js";
import { SI_KERNEL, SI_USER, SIGRTMIN } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import { rlimit } from "./rlimits.js";
import { SIG_SYNCHRONOUS } from "./sigDefaults.js";
import type { PendingSignals, SigInfo } from "./signalState.js";
import type { Task } from "./task.js";

/**
 * Queue `info` for `t` in `q` (its own or its process's). 0, or EAGAIN: a real-time signal that carries a value finds no room. Without
 * room other signals become pending without their info.
 */
export function queueSignal(k: Core, t: Task, q: PendingSignals, info: SigInfo): number {
  const sig = info.signo;
  if (sig < SIGRTMIN && q.set.has(sig)) return 0;
  const user = t.user;
  // the kernel's and kill(2)'s standard signals always find room
  const override = sig < SIGRTMIN && info.code >= 0;
  if (override || user.sigpending < rlimit(t, RLIMIT_SIGPENDING)) {
    user.sigpending++;
    info.user = user;
    q.queue.push(info);
  } else if (sig >= SIGRTMIN && info.code !== SI_USER && info.code !== SI_KERNEL) return EAGAIN;
  q.set.add(sig);
  return 0;
}

/** The next signal of `q` outside the mask: synchronous first, then the lowest. 0: none. */
function nextSignal(q: PendingSignals, maskLo: number, maskHi: number): number {
  const lo = q.set.lo & ~maskLo;
  if (lo !== 0) {
    const sync = lo & SIG_SYNCHRONOUS;
    const w = sync !== 0 ? sync : lo;
    return 32 - Math.clz32(w & -w);
  }
  const hi = q.set.hi & ~maskHi;
  return hi === 0 ? 0 : 64 - Math.clz32(hi & -hi);
}

function take(k: Core, q: PendingSignals, sig: number): SigInfo {
  const i = q.queue.findIndex((s) => s.signo === sig);
  if (i < 0) {
    q.set.delete(sig);
    return { signo: sig, code: SI_USER, pid: 0, uid: 0, status: 0, addr: 0, value: 0 };
  }
  const [info] = q.queue.splice(i, 1);
  k.tasks.users.dropSignal(info.user as NonNullable<SigInfo["user"]>);
  if (sig < SIGRTMIN || !q.queue.some((s) => s.signo === sig)) q.set.delete(sig);
  return info;
}

/** Take the next signal that is not in the mask: the task's own before its process's. null: none. */
export function dequeueSignal(k: Core, t: Task, maskLo: number, maskHi: number): SigInfo | null {
  const own = nextSignal(t.pending, maskLo, maskHi);
  if (own !== 0) return take(k, t.pending, own);
  const shared = nextSignal(t.signal.pending, maskLo, maskHi);
  return shared === 0 ? null : take(k, t.signal.pending, shared);
}

/** Drop pending signals of the set given by two words. */
export function flushSignals(k: Core, q: PendingSignals, lo: number, hi: number): void {
  if (((q.set.lo & lo) | (q.set.hi & hi)) === 0) return;
  const gone = (sig: number): boolean => ((sig <= 32 ? lo >>> (sig - 1) : hi >>> (sig - 33)) & 1) === 1;
  for (let i = q.queue.length - 1; i >= 0; i--) {
    if (!gone(q.queue[i].signo)) continue;
    const [info] = q.queue.splice(i, 1);
    k.tasks.users.dropSignal(info.user as NonNullable<SigInfo["user"]>);
  }
  q.set.set(q.set.lo & ~lo, q.set.hi & ~hi);
}

/** A task (or its process) ends: nothing is pending any more. */
export function flushAllSignals(k: Core, q: PendingSignals): void {
  if ((q.set.lo | q.set.hi) !== 0) flushSignals(k, q, -1, -1);
}

/** The calls of sys/signalSys.ts. */
import { EAGAIN, EBADF, EINTR, EINVAL, ENOMEM, EPERM, ESRCH } from "../abi/errno.js";
import { ERESTARTNOHAND, fail } from "../abi/errors.js";
import { SI_QUEUE, SI_TKILL, SI_USER, SIG_BLOCK, SIG_SETMASK, SIG_UNBLOCK } from "../abi/signal.js";
import type { Ctx } from "../kernel/ctx.js";
import { int, list, struct, uint, ulong, whole } from "../sys/args.js";
import type { Sigaction, Siginfo, SignalSys, Sigset } from "../sys/signalSys.js";
import type { Impl } from "../sys/types.js";
import { findThread, kill, killTask } from "./kill.js";
import { dequeueSignal, flushSignals } from "./pendingSignals.js";
import { SIG_KERNEL_IGNORE, SIG_KERNEL_ONLY, sigIn } from "./sigDefaults.js";
import { signalPending } from "./signalPending.js";
import { NSIG, SIG_DFL, SIG_IGN, type SigAction, type SigInfo, sigList } from "./signalState.js";
import { TASK_INTERRUPTIBLE, type Task } from "./task.js";

const MINSIGSTKSZ = 2048;
const SS_ONSTACK = 1;
const SS_DISABLE = 2;
const SS_AUTODISARM = 0x80000000;

/** A signal set's two words: numbers outside 1..64 are no signals. */
function words(set: Sigset, name: string): { lo: number; hi: number } {
  let lo = 0;
  let hi = 0;
  for (const v of list(set, name)) {
    const sig = int(v, name);
    if (sig >= 1 && sig <= 32) lo |= 1 << (sig - 1);
    else if (sig > 32 && sig <= NSIG) hi |= 1 << (sig - 33);
  }
  return { lo: lo >>> 0, hi: hi >>> 0 };
}

function showAction(a: SigAction | null): Required<Sigaction> {
  if (a === null) return { handler: SIG_DFL, flags: 0, mask: [] };
  return { handler: a.handler, flags: a.flags >>> 0, mask: sigList(a.maskLo, a.maskHi) };
}

function parseAction(act: Sigaction): SigAction {
  struct(act, "act");
  const { handler } = act;
  if (typeof handler === "number") uint(handler, "act.handler");
  else if (typeof handler !== "object" || handler === null || typeof handler.run !== "function")
    throw new TypeError("act.handler: must be SIG_DFL, SIG_IGN, an address or a program");
  const mask = words(act.mask ?? [], "act.mask");
  return {
    handler,
    flags: act.flags === undefined ? 0 : uint(act.flags, "act.flags"),
    maskLo: (mask.lo & ~SIG_KERNEL_ONLY) >>> 0,
    maskHi: mask.hi,
  };
}

/** A handler that is a program must have that name alone. */
function nameHandler(c: Ctx, a: SigAction): void {
  if (typeof a.handler !== "number") c.k.programs.add(a.handler);
}

function check(e: number): 0 {
  return e === 0 ? 0 : fail(e);
}

/** Carrying a code that only the kernel or tgkill uses is for oneself. */
function checkCode(code: number, self: boolean): void {
  if ((code >= 0 || code === SI_TKILL) && !self) fail(EPERM);
}

function carried(info: { value?: number }): number {
  return info.value === undefined ? 0 : ulong(info.value, "info.value");
}

function publicInfo(i: SigInfo): Siginfo {
  const { user: _, ...info } = i;
  return info;
}

export const signalCalls: Impl<SignalSys> = {
  kill(c, pid, sig) {
    return check(kill(c.k, c.task, int(pid, "pid"), int(sig, "sig")));
  },
  tkill(c, tid, sig) {
    const id = int(tid, "tid");
    const s = int(sig, "sig");
    if (id <= 0) return fail(EINVAL);
    return check(killTask(c.k, c.task, findThread(c.k, c.task, 0, id), s, SI_TKILL, false));
  },
  tgkill(c, tgid, tid, sig) {
    const g = int(tgid, "tgid");
    const id = int(tid, "tid");
    const s = int(sig, "sig");
    if (g <= 0 || id <= 0) return fail(EINVAL);
    return check(killTask(c.k, c.task, findThread(c.k, c.task, g, id), s, SI_TKILL, false));
  },
  pidfd_send_signal(c, pidfd, sig, info = null, flags = 0) {
    const fd = int(pidfd, "pidfd");
    const s = int(sig, "sig");
    if (uint(flags, "flags") !== 0) return fail(EINVAL);
    const f = c.k.tasks.pidfd?.get(c.task, fd) ?? null;
    if (f === null) return fail(EBADF);
    const t = f.pid.tgidOf ?? f.pid.task;
    let code = SI_USER;
    let value = 0;
    if (typeof info === "object" && info !== null) {
      if (info.signo !== undefined && int(info.signo, "info.signo") !== s) return fail(EINVAL);
      code = info.code === undefined ? SI_QUEUE : int(info.code, "info.code");
      value = carried(info);
      checkCode(code, f.pid === c.task.tgid);
    }
    if (t === null) return fail(ESRCH);
    return check(killTask(c.k, c.task, t.signal.leader, s, code, true, { value }));
  },
  rt_sigqueueinfo(c, tgid, sig, info) {
    const g = int(tgid, "tgid");
    const s = int(sig, "sig");
    struct(info, "info");
    const code = info.code === undefined ? SI_QUEUE : int(info.code, "info.code");
    const p = c.k.tasks.findVpid(c.task, g);
    checkCode(code, p !== null && p === c.task.tgid);
    const t = p?.task ?? null;
    if (t === null) return fail(ESRCH);
    return check(killTask(c.k, c.task, t.signal.leader, s, code, true, { value: carried(info) }));
  },
  rt_tgsigqueueinfo(c, tgid, tid, sig, info) {
    const g = int(tgid, "tgid");
    const id = int(tid, "tid");
    const s = int(sig, "sig");
    struct(info, "info");
    if (g <= 0 || id <= 0) return fail(EINVAL);
    const code = info.code === undefined ? SI_QUEUE : int(info.code, "info.code");
    checkCode(code, c.k.tasks.findVpid(c.task, id) === c.task.pid);
    const t = findThread(c.k, c.task, g, id);
    return check(killTask(c.k, c.task, t, s, code, false, { value: carried(info) }));
  },

  rt_sigaction(c, sig, act = null) {
    const s = int(sig, "sig");
    const { task, k } = c;
    const next = act === null ? null : parseAction(act);
    if (s < 1 || s > NSIG || (next !== null && sigIn(SIG_KERNEL_ONLY, s))) return fail(EINVAL);
    const old = task.sighand.actions[s];
    if (next !== null) {
      nameHandler(c, next);
      const plain = next.handler === SIG_DFL && next.flags === 0 && next.maskLo === 0 && next.maskHi === 0;
      task.sighand.set(s, plain ? null : next);
      if (next.handler === SIG_IGN || (next.handler === SIG_DFL && sigIn(SIG_KERNEL_IGNORE, s))) {
        // what would be ignored is not pending any more
        const lo = s <= 32 ? 1 << (s - 1) : 0;
        const hi = s > 32 ? 1 << (s - 33) : 0;
        flushSignals(k, task.signal.pending, lo, hi);
        for (const o of task.signal.threads) flushSignals(k, o.pending, lo, hi);
      }
    }
    return showAction(old);
  },
  rt_sigprocmask(c, how, set = null) {
    const h = int(how, "how");
    const b = c.task.blocked;
    const old = b.list();
    if (set === null) return old;
    const { lo, hi } = words(set, "set");
    switch (h) {
      case SIG_BLOCK:
        b.set(b.lo | (lo & ~SIG_KERNEL_ONLY), b.hi | hi);
        break;
      case SIG_UNBLOCK:
        b.set(b.lo & ~lo, b.hi & ~hi);
        break;
      case SIG_SETMASK:
        b.set(lo & ~SIG_KERNEL_ONLY, hi);
        break;
      default:
        return fail(EINVAL);
    }
    afterMaskChange(c.task);
    return old;
  },
  rt_sigpending(c) {
    const { pending, signal, blocked } = c.task;
    const lo = (pending.set.lo | signal.pending.set.lo) & blocked.lo;
    const hi = (pending.set.hi | signal.pending.set.hi) & blocked.hi;
    return sigList(lo, hi);
  },
  rt_sigsuspend(c, set) {
    const t = c.task;
    if (t.savedMask === null) {
      const { lo, hi } = words(set, "set");
      t.savedMask = { lo: t.blocked.lo, hi: t.blocked.hi };
      t.blocked.set(lo & ~SIG_KERNEL_ONLY, hi);
      if (signalPending(t)) t.userWork = true;
    }
    return c.sleep(null, undefined, TASK_INTERRUPTIBLE, ERESTARTNOHAND) as never;
  },
  rt_sigtimedwait(c, set, timeout = null) {
    const t = c.task;
    const { lo, hi } = words(set, "set");
    const f = c.frame(() => {
      if (timeout === null) return { until: Number.POSITIVE_INFINITY };
      const sec = whole(struct(timeout, "timeout").sec, "timeout.sec");
      const nsec = whole(timeout.nsec, "timeout.nsec");
      if (sec < 0 || nsec < 0 || nsec >= 1e9) fail(EINVAL);
      return { until: c.now + sec * 1e9 + nsec };
    });
    if (t.realBlocked !== null) {
      t.blocked.set(t.realBlocked.lo, t.realBlocked.hi);
      t.realBlocked = null;
    }
    const theseLo = lo & ~SIG_KERNEL_ONLY;
    const info = dequeueSignal(c.k, t, ~theseLo, ~hi);
    if (info !== null) return publicInfo(info);
    if (c.now >= f.until) return fail(EAGAIN);
    if (signalPending(t)) return fail(EINTR);
    // so that the signals wake it although they are blocked
    t.realBlocked = { lo: t.blocked.lo, hi: t.blocked.hi };
    t.blocked.set(t.blocked.lo & ~theseLo, t.blocked.hi & ~hi);
    return c.sleep(null, f.until);
  },
  pause(c) {
    return c.sleep(null, undefined, TASK_INTERRUPTIBLE, ERESTARTNOHAND) as never;
  },
  sigaltstack(c, ss = null) {
    const t = c.task;
    const old = t.sigaltstack ?? { sp: 0, flags: SS_DISABLE, size: 0 };
    if (ss !== null) {
      struct(ss, "ss");
      const flags = uint(ss.flags, "ss.flags");
      const sp = ulong(ss.sp, "ss.sp");
      const size = ulong(ss.size, "ss.size");
      const mode = (flags & ~SS_AUTODISARM) >>> 0;
      if (mode !== SS_DISABLE && mode !== SS_ONSTACK && mode !== 0) return fail(EINVAL);
      if (mode === SS_DISABLE) t.sigaltstack = null;
      else {
        if (size < MINSIGSTKSZ) return fail(ENOMEM);
        t.sigaltstack = { sp, flags: (flags & SS_AUTODISARM) >>> 0, size };
      }
    }
    return { ...old };
  },
};

/** After unblocking something: it may be deliverable now. */
function afterMaskChange(t: Task): void {
  if (signalPending(t)) t.userWork = true;
}

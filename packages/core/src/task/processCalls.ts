/** The calls of sys/processSys.ts. */

import { CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EAGAIN, EBADF, ECHILD, EFAULT, EINVAL, EMFILE, EPERM, ESRCH } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_EMPTY_PATH, AT_EXECVE_CHECK, AT_FDCWD, AT_SYMLINK_NOFOLLOW } from "../abi/fcntl.js";
import { RUSAGE_CHILDREN, RUSAGE_SELF, RUSAGE_THREAD } from "../abi/resource.js";
import {
  CLONE_CLEAR_SIGHAND,
  CLONE_DETACHED,
  CLONE_INTO_CGROUP,
  CLONE_NEWTIME,
  CLONE_PARENT_SETTID,
  CLONE_PIDFD,
  CLONE_SIGHAND,
  CLONE_VFORK,
  CLONE_VM,
  CSIGNAL,
} from "../abi/sched.js";
import { SIGCHLD } from "../abi/signal.js";
import {
  __WALL,
  __WCLONE,
  __WNOTHREAD,
  P_ALL,
  P_PGID,
  P_PID,
  P_PIDFD,
  WCONTINUED,
  WEXITED,
  WNOHANG,
  WNOWAIT,
  WSTOPPED,
  WUNTRACED,
} from "../abi/wait.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AnyProgramDef, ProgramDef } from "../kernel/program.js";
import { int, intOr, list, misuse, struct, text, uint, ulong, whole } from "../sys/args.js";
import type { CloneArgs, CloneResult, ExecArgs, ProcessSys, Rlimit, WaitResult } from "../sys/processSys.js";
import { type Impl, WAIT, type Wait } from "../sys/types.js";
import { nsCapable } from "./capable.js";
import { doExec, execFrame } from "./exec.js";
import { activePidNs, copyProcess, type ForkArgs, validExitSignal } from "./fork.js";
import { prctl } from "./prctl.js";
import { doPrlimit, showRlimit } from "./rlimits.js";
import { childrenRusage, noRusage, processRusage, taskRusage } from "./rusage.js";
import { processOf, setpgid, setsid } from "./sessions.js";
import { TASK_KILLABLE, type Task } from "./task.js";
import { setns, unshare } from "./unshare.js";
import { doWait, NO_CHILD, NOTHING_YET, type Waited, type WaitFor } from "./wait.js";

const USER_HZ_NS = 10_000_000;
/** -300 s in USER_HZ, as the tick counter starts. */
const INITIAL_TICKS = 2 ** 32 - 300 * 100;

/** Progress of a fork: the child is there, the parent of a vfork waits for it. */
interface ForkFrame {
  child: Task | null;
  pidfd: number;
}

/** Any fork: make the child, give it a body, and wait for it if it is a vfork. */
function fork(c: Ctx, a: ForkArgs, def: AnyProgramDef | undefined, state: unknown): ForkFrame | Wait {
  const { k, task: t } = c;
  const vfork = (a.flags & CLONE_VFORK) !== 0;
  let f: ForkFrame | null = t.frame as ForkFrame | null;
  if (f === null) {
    checkDef(t, def);
    if (k.hooks.forkRoom.on !== null && k.hooks.forkRoom.on(c, a.flags) === WAIT) return WAIT;
    f = { child: null, pidfd: -1 };
    const child = copyProcess(k, t, pidfdArgs(c, a, f), true);
    f.child = child;
    if (def !== undefined) k.tasks.startBody(child, def, state);
    if (!vfork) return f;
    t.frame = f;
  }
  const child = f.child as Task;
  if (child.vforkParent === t) {
    if (c.fatalSignalPending) child.vforkParent = null;
    else {
      c.sleep(null, undefined, TASK_KILLABLE);
      t.waitingFor = "vfork";
      return WAIT;
    }
  }
  return f;
}

function checkDef(t: Task, def: AnyProgramDef | undefined): void {
  if (def === undefined) {
    if (t.program !== null) throw new TypeError("fork: the child of a program needs a program: fork(def, state)");
  } else if (typeof def !== "object" || def === null || typeof def.run !== "function")
    throw new TypeError("fork: def must be a program, as program(name, run) makes it");
}

function pidfdArgs(c: Ctx, a: ForkArgs, f: ForkFrame): ForkArgs {
  if ((a.flags & CLONE_PIDFD) === 0) return a;
  const { pidfd } = c.k.tasks;
  if (pidfd === null) return fail(EMFILE);
  return {
    ...a,
    pidfd: (pid) => {
      f.pidfd = pidfd.create(c, pid, 0);
    },
  };
}

function pidIn(c: Ctx, f: ForkFrame): number {
  return (f.child as Task).pid.nrNs(activePidNs(c.task));
}

function forked(c: Ctx, a: ForkArgs, def: ProgramDef<never, never> | undefined, state: unknown): number | Wait {
  const f = fork(c, a, def, state);
  return f === WAIT ? WAIT : pidIn(c, f as ForkFrame);
}

const PLAIN: ForkArgs = { flags: 0, exitSignal: SIGCHLD };

/** The flags that clone3 knows, beyond bit 31 by value. */
const CLONE3_KNOWN = 0xffffffff + CLONE_CLEAR_SIGHAND + CLONE_INTO_CGROUP;

function clone3Args(c: Ctx, args: CloneArgs): ForkArgs {
  struct(args, "args");
  const all = args.flags ?? 0;
  if (typeof all !== "number" || !Number.isInteger(all) || all < 0 || Object.is(all, -0))
    return misuse("args.flags", all, "a whole number >= 0");
  const exitSignal = intOr(args.exit_signal, 0, "args.exit_signal");
  const setTid =
    args.set_tid === undefined ? [] : list(args.set_tid, "args.set_tid").map((v) => int(v, "args.set_tid"));
  const size = args.set_tid_size === undefined ? setTid.length : uint(args.set_tid_size, "args.set_tid_size");
  if (size > 32 || size > setTid.length || (size === 0 && args.set_tid !== undefined)) return fail(EINVAL);
  if (!validExitSignal(exitSignal)) return fail(EINVAL);
  const high = Math.floor(all / 0x100000000);
  const clearSighand = (high & 1) !== 0;
  const intoCgroup = (high & 2) !== 0;
  if (all > CLONE3_KNOWN || high > 3) return fail(EINVAL);
  const flags = all >>> 0;
  if ((flags & (CLONE_DETACHED | (CSIGNAL & ~CLONE_NEWTIME))) !== 0) return fail(EINVAL);
  if ((flags & CLONE_SIGHAND) !== 0 && clearSighand) return fail(EINVAL);
  if ((flags & CLONE_THREAD_OR_PARENT) !== 0 && exitSignal !== 0) return fail(EINVAL);
  const cgroup = intoCgroup ? c.k.cgroup?.forkInto(c, intOr(args.cgroup, -1, "args.cgroup")) : null;
  if (cgroup === undefined) return fail(EBADF);
  return {
    flags,
    exitSignal,
    clearSighand,
    intoCgroup: cgroup,
    ...(size > 0 ? { setTid: setTid.slice(0, size) } : {}),
  };
}
/** CLONE_THREAD | CLONE_PARENT */
const CLONE_THREAD_OR_PARENT = 0x18000;

function strings(v: ExecArgs | undefined, name: string): string[] {
  if (v === null || v === undefined) return [];
  return list(v, name).map((s) => text(s, name));
}

function exec(
  c: Ctx,
  dirfd: number,
  path: string,
  argv: ExecArgs,
  envp: ExecArgs | undefined,
  flags: number,
): 0 | Wait {
  const f = c.frame(() => {
    if (path === null) return fail(EFAULT);
    return execFrame(dirfd, text(path, "path"), strings(argv, "argv"), strings(envp, "envp"), flags);
  });
  return doExec(c, f);
}

function waitFor(c: Ctx, w: WaitFor): Waited | Wait | typeof NOTHING_YET {
  const r = doWait(c.k, c.task, w);
  if (r === NO_CHILD) return fail(ECHILD);
  if (r !== NOTHING_YET || (w.options & WNOHANG) !== 0) return r;
  return c.sleep(c.task.signal.waitChild);
}

/** The processes wait4's pid means. */
function waitTarget(c: Ctx, pid: number, options: number, rusage: boolean): WaitFor {
  const { tasks } = c.k;
  if (pid === -1) return { which: "any", pid: null, options, rusage };
  if (pid === 0) return { which: "group", pid: c.task.signal.pgrp, options, rusage };
  if (pid < 0) return { which: "group", pid: tasks.findVpid(c.task, -pid), options, rusage };
  return { which: "pid", pid: tasks.findVpid(c.task, pid), options, rusage };
}

function ppid(c: Ctx): number {
  const { realParent } = c.task;
  return realParent === c.task ? 0 : realParent.tgid.nrNs(activePidNs(c.task));
}

/** May `by` look at or change limits of `t`? */
function mayPrlimit(c: Ctx, t: Task): boolean {
  if (t.signal === c.task.signal) return true;
  const a = c.task.cred;
  const b = t.cred;
  const same =
    a.uid === b.euid && a.uid === b.suid && a.uid === b.uid && a.gid === b.egid && a.gid === b.sgid && a.gid === b.gid;
  return same || nsCapable(c.k, c.task, b.userNs, CAP_SYS_RESOURCE);
}

export const processCalls: Impl<ProcessSys> = {
  getpid: ({ task: t }) => t.tgid.nrNs(activePidNs(t)),
  gettid: ({ task: t }) => t.pid.nrNs(activePidNs(t)),
  getppid: (c) => ppid(c),
  getpgid: (c, pid) => processOf(c.k, c.task, int(pid, "pid")).signal.pgrp.nrNs(activePidNs(c.task)),
  getpgrp: ({ task: t }) => t.signal.pgrp.nrNs(activePidNs(t)),
  getsid: (c, pid) => processOf(c.k, c.task, int(pid, "pid")).signal.session.nrNs(activePidNs(c.task)),
  setpgid(c, pid, pgid) {
    setpgid(c.k, c.task, int(pid, "pid"), int(pgid, "pgid"));
    return 0;
  },
  setsid: (c) => setsid(c.task),

  fork: (c, def, state) => forked(c, PLAIN, def as AnyProgramDef | undefined, state),
  vfork: (c, def, state) =>
    forked(c, { flags: CLONE_VFORK | CLONE_VM, exitSignal: SIGCHLD }, def as AnyProgramDef | undefined, state),
  clone(c, flags, def, state) {
    const all = uint(flags, "flags");
    if (c.task.frame === null && (all & CLONE_PIDFD) !== 0) {
      // both want the place that parent_tid points to
      return fail((all & CLONE_PARENT_SETTID) !== 0 ? EINVAL : EFAULT);
    }
    const args: ForkArgs = { flags: (all & ~CSIGNAL) >>> 0, exitSignal: all & CSIGNAL };
    return forked(c, args, def as AnyProgramDef | undefined, state);
  },
  clone3(c, args, def, state): CloneResult | Wait {
    const a =
      c.task.frame === null ? clone3Args(c, args) : { flags: uint(args.flags ?? 0, "args.flags"), exitSignal: 0 };
    const f = fork(c, a, def as AnyProgramDef | undefined, state);
    return f === WAIT ? WAIT : { pid: pidIn(c, f as ForkFrame), pidfd: (f as ForkFrame).pidfd };
  },

  execve: (c, path, argv, envp) => exec(c, AT_FDCWD, path, argv, envp, 0),
  execveat(c, dirfd, path, argv, envp, flags = 0) {
    const f = uint(flags, "flags");
    if ((f & ~(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW | AT_EXECVE_CHECK)) !== 0) return fail(EINVAL);
    return exec(c, int(dirfd, "dirfd"), path, argv, envp, f);
  },
  exit(c, code) {
    c.k.tasks.doExit(c.task, (int(code, "code") & 0xff) << 8);
    return WAIT as never;
  },
  exit_group(c, code) {
    c.k.tasks.exitGroup(c.task, (int(code, "code") & 0xff) << 8);
    return WAIT as never;
  },
  wait4(c, pid, options = 0, rusage = false): WaitResult | Wait {
    const nr = int(pid, "pid");
    const o = uint(options, "options");
    if ((o & ~(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL)) !== 0) return fail(EINVAL);
    if (nr === -2147483648) return fail(ESRCH);
    const r = waitFor(c, waitTarget(c, nr, o | WEXITED, rusage));
    if (r === WAIT) return WAIT;
    if (r === NOTHING_YET) return { pid: 0, status: 0, rusage: rusage ? noRusage() : null };
    const w = r as Waited;
    return { pid: w.pid, status: w.wstatus, rusage: w.rusage };
  },
  waitid(c, idtype, id, options) {
    const type = int(idtype, "idtype");
    const nr = int(id, "id");
    let o = uint(options, "options");
    const known = WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL;
    if ((o & ~known) !== 0 || (o & (WEXITED | WSTOPPED | WCONTINUED)) === 0) return fail(EINVAL);
    let target: WaitFor;
    let again = false;
    switch (type) {
      case P_ALL:
        target = { which: "any", pid: null, options: o };
        break;
      case P_PID:
        if (nr <= 0) return fail(EINVAL);
        target = { which: "pid", pid: c.k.tasks.findVpid(c.task, nr), options: o };
        break;
      case P_PGID:
        if (nr < 0) return fail(EINVAL);
        target = { which: "group", pid: nr === 0 ? c.task.signal.pgrp : c.k.tasks.findVpid(c.task, nr), options: o };
        break;
      case P_PIDFD: {
        if (nr < 0) return fail(EINVAL);
        const f = c.k.tasks.pidfd?.get(c.task, nr) ?? null;
        if (f === null) return fail(EBADF);
        if (f.nonblock && (o & WNOHANG) === 0) {
          again = true;
          o |= WNOHANG;
        }
        target = { which: "pid", pid: f.pid, options: o };
        break;
      }
      default:
        return fail(EINVAL);
    }
    const r = waitFor(c, target);
    if (r === WAIT) return WAIT;
    if (r === NOTHING_YET) return again ? fail(EAGAIN) : { signo: 0, errno: 0, code: 0, pid: 0, uid: 0, status: 0 };
    const w = r as Waited;
    return { signo: SIGCHLD, errno: 0, code: w.code, pid: w.pid, uid: w.uid, status: w.status };
  },

  unshare(c, flags) {
    if (whole(flags, "flags") > 0xffffffff) return fail(EINVAL);
    unshare(c.k, c.task, uint(flags, "flags"));
    return 0;
  },
  setns(c, fd, flags) {
    setns(c.k, c.task, int(fd, "fd"), uint(flags, "flags"));
    return 0;
  },

  prctl(c, option, arg2 = 0, arg3 = 0, arg4 = 0, arg5 = 0) {
    const a2 = typeof arg2 === "string" ? arg2 : ulong(arg2, "arg2");
    return prctl(
      c.k,
      c.task,
      int(option, "option"),
      a2,
      ulong(arg3, "arg3"),
      ulong(arg4, "arg4"),
      ulong(arg5, "arg5"),
    ) as number;
  },
  getrlimit: (c, resource) => showRlimit(doPrlimit(c.k, c.task, c.task, uint(resource, "resource"), null)),
  setrlimit(c, resource, limit) {
    doPrlimit(c.k, c.task, c.task, uint(resource, "resource"), struct<Rlimit>(limit, "limit"));
    return 0;
  },
  prlimit64(c, pid, resource, limit = null) {
    const nr = int(pid, "pid");
    const res = uint(resource, "resource");
    if (limit !== null) struct(limit, "limit");
    const t = c.k.tasks.findTask(c.task, nr);
    if (t === null) return fail(ESRCH);
    if (!mayPrlimit(c, t)) return fail(EPERM);
    return showRlimit(doPrlimit(c.k, c.task, t, res, limit));
  },
  getrusage(c, who) {
    switch (int(who, "who")) {
      case RUSAGE_SELF:
        return processRusage(c.k, c.task);
      case RUSAGE_CHILDREN:
        return childrenRusage(c.task);
      case RUSAGE_THREAD:
        return taskRusage(c.k, c.task);
    }
    return fail(EINVAL);
  },
  times(c) {
    const self = processRusage(c.k, c.task);
    const kids = childrenRusage(c.task);
    const ticks = (ns: number): number => Math.floor(ns / USER_HZ_NS);
    return {
      utime: ticks(self.utimeNs),
      stime: ticks(self.stimeNs),
      cutime: ticks(kids.utimeNs),
      cstime: ticks(kids.stimeNs),
      elapsed: INITIAL_TICKS + ticks(c.now),
    };
  },
  personality(c, persona) {
    const p = uint(persona, "persona");
    const old = c.task.personality;
    if (p !== 0xffffffff) c.task.personality = p;
    return old;
  },
  set_tid_address(c, addr) {
    c.task.clearChildTid = ulong(addr, "addr");
    return c.task.pid.nrNs(activePidNs(c.task));
  },
};

/**
 * Becoming another program: find the file, see what it is, check, then - past the point of no return - give up what does not
 * survive and start. execve(2), execveat(2).
 *
 * The work sleeps in places (reading the file, waiting for other threads to die); its progress is in an `ExecFrame`.
 */
import { E2BIG, EAGAIN, ELOOP, ENOENT, ENOEXEC } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_EXECVE_CHECK, AT_FDCWD } from "../abi/fcntl.js";
import { SUID_DUMP_USER } from "../abi/prctl.js";
import { RLIMIT_NPROC, RLIMIT_STACK } from "../abi/resource.js";
import { SIGCHLD, SIGKILL } from "../abi/signal.js";
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { AnyProgramDef } from "../kernel/program.js";
import { WAIT, type Wait } from "../sys/types.js";
import type { OpenFile } from "../vfs/file.js";
import { BINPRM_BUF_SIZE, readBinfmt } from "./binfmt.js";
import { setComm } from "./comm.js";
import { commitCreds, setDumpable } from "./commitCreds.js";
import { type ExecCreds, execCreds } from "./execCreds.js";
import { endVfork } from "./exit.js";
import { parseFileCaps } from "./fileCaps.js";
import { releaseTask } from "./release.js";
import { rlimit } from "./rlimits.js";
import { fatalSignalPending } from "./signalPending.js";
import { SIG_IGN } from "./signalState.js";
import {
  CALL_NONE,
  PF_FORKNOEXEC,
  PF_NO_SETAFFINITY,
  PF_NPROC_EXCEEDED,
  TASK_KILLABLE,
  TASK_ZOMBIE,
  type Task,
} from "./task.js";

/** Longest single argument in bytes, its NUL included. */
const MAX_ARG_STRLEN = 131072;
/** Room that arguments always have, and never exceed. */
const ARG_MAX = 131072;
const ARG_LIMIT = 6 * 1024 * 1024;
/** Scripts whose interpreters are scripts. */
const MAX_INTERPRETERS = 5;

/** What hook `execCheck` is asked about: each file that is about to be run, a script before its interpreter. */
export interface ExecCheck {
  /** As it was named. */
  readonly path: string;
  readonly file: OpenFile;
  /** Only asked for (AT_EXECVE_CHECK): nothing will run. */
  readonly checkOnly: boolean;
}

export interface ExecFrame {
  dirfd: number;
  /** The file to open next, or that is open. */
  path: string;
  flags: number;
  argv: string[];
  envp: string[];
  /** As the caller named it. */
  readonly filename: string;
  file: OpenFile | null;
  checked: boolean;
  depth: number;
  /** A file on the way cannot be read. */
  nonDump: boolean;
  /** Registered program that was found. */
  program: string;
}

export function execFrame(dirfd: number, path: string, argv: string[], envp: string[], flags: number): ExecFrame {
  let filename = path;
  if (dirfd !== AT_FDCWD && !path.startsWith("/"))
    filename = path === "" ? `/dev/fd/${dirfd}` : `/dev/fd/${dirfd}/${path}`;
  return {
    dirfd,
    path,
    flags,
    argv: argv.length === 0 ? [""] : argv,
    envp,
    filename,
    file: null,
    checked: false,
    depth: 0,
    nonDump: false,
    program: "",
  };
}

function utf8Length(s: string): number {
  let n = s.length;
  for (let i = 0; i < s.length; i++) {
    const c = s.charCodeAt(i);
    if (c > 0x7f) n += c > 0x7ff && (c < 0xd800 || c > 0xdfff) ? 2 : 1;
  }
  return n;
}

/** Do arguments and environment fit under the stack limit? E2BIG. */
function checkArgs(t: Task, f: ExecFrame): void {
  const limit = Math.max(Math.min(ARG_LIMIT, Math.floor(rlimit(t, RLIMIT_STACK) / 4)), ARG_MAX);
  let room = limit - (f.argv.length + f.envp.length) * 8;
  if (room <= 0) fail(E2BIG);
  room -= utf8Length(f.filename) + 1;
  for (const list of [f.envp, f.argv])
    for (const s of list) {
      const n = utf8Length(s) + 1;
      if (n > MAX_ARG_STRLEN) fail(E2BIG);
      room -= n;
      if (room < 0) fail(E2BIG);
    }
}

/** One try of execve: WAIT, an errno thrown (nothing has changed), or past it WAIT with the new program in the task. */
export function doExec(c: Ctx, f: ExecFrame): 0 | Wait {
  const { k, task: t } = c;
  if ((t.flags & PF_NPROC_EXCEEDED) !== 0 && t.user.processes > rlimit(t, RLIMIT_NPROC)) return fail(EAGAIN);
  try {
    if (f.program === "") {
      const found = k.vfs === undefined ? findBare(k, t, f) : findProgram(c, f);
      if (found === WAIT) return WAIT;
      if (found === "checked") {
        closeFile(k, f);
        return 0;
      }
      f.program = found;
    }
    const creds = credsFor(c, f);
    if (!deThread(c)) return WAIT;
    commitExec(c, f, creds);
  } catch (e) {
    closeFile(k, f);
    if (t.signal.execTask === t) t.signal.execTask = null;
    throw e;
  }
  return WAIT;
}

function closeFile(k: Core, f: ExecFrame): void {
  if (f.file !== null) k.vfs.closeExec(f.file);
  f.file = null;
}

/** A machine without files: a path names a registered program. */
function findBare(k: Core, t: Task, f: ExecFrame): string {
  if (k.programs.get(f.path) === undefined) return fail(ENOENT);
  checkArgs(t, f);
  return f.path;
}

/** Open, check and read files until one is a registered program. */
function findProgram(c: Ctx, f: ExecFrame): string | Wait {
  const { k, task: t } = c;
  const checkOnly = (f.flags & AT_EXECVE_CHECK) !== 0;
  for (;;) {
    if (f.file === null) {
      const path = f.path === "" && f.depth > 0 ? "." : f.path;
      const file = k.vfs.openExec(c, f.dirfd, path, f.flags & ~AT_EXECVE_CHECK);
      if (file === WAIT) return WAIT;
      f.file = file as OpenFile;
      if (f.depth === 0) checkArgs(t, f);
      if (f.depth > MAX_INTERPRETERS) return fail(ELOOP);
    }
    const { file } = f;
    if (!f.checked) {
      if (k.hooks.execCheck.on !== null) {
        const e = k.hooks.execCheck.on(t, { path: f.path, file, checkOnly });
        if (e !== 0) return fail(e);
      }
      f.checked = true;
    }
    if (checkOnly) return "checked";
    const head = k.vfs.readExec(c, file, BINPRM_BUF_SIZE);
    if (head === WAIT) return WAIT;
    const fmt = readBinfmt(head as Uint8Array);
    if (fmt === null) return fail(ENOEXEC);
    if (!k.vfs.mayRead(c, file)) f.nonDump = true;
    if (fmt.kind === "program") return k.programs.get(fmt.name) === undefined ? fail(ENOEXEC) : fmt.name;
    // the script's name takes the place of its first argument
    const script = f.depth === 0 ? f.filename : f.path;
    f.argv = [fmt.interpreter, ...(fmt.arg === null ? [] : [fmt.arg]), script, ...f.argv.slice(1)];
    closeFile(k, f);
    f.dirfd = AT_FDCWD;
    f.path = fmt.interpreter;
    f.flags = 0;
    f.checked = false;
    f.depth++;
  }
}

function credsFor(c: Ctx, f: ExecFrame): ExecCreds {
  const { k, task: t } = c;
  const { file } = f;
  const fs = t.fs;
  const sharesFs = fs !== null && fs.refs > t.signal.threads.length;
  const unsafe = { noNewPrivs: t.noNewPrivs, sharesFs };
  if (file === null) return execCreds(t.cred, { mode: 0, uid: 0, gid: 0, caps: null, maySuid: false }, unsafe);
  const { inode } = file;
  const raw = inode.xattrs?.get("security.capability");
  const caps = raw === undefined ? null : parseFileCaps(raw, inode.sb.userNs, t.cred.userNs);
  const of = { mode: inode.mode, uid: inode.uid, gid: inode.gid, caps, maySuid: k.vfs.maySuid(t, file) };
  return execCreds(t.cred, of, unsafe);
}

/** All other threads die, and the caller becomes the leader. False: they have not yet. */
function deThread(c: Ctx): boolean {
  const { k, task: t } = c;
  const s = t.signal;
  if (s.live > 1 || (t !== s.leader && s.leader.state !== TASK_ZOMBIE)) {
    if (s.groupExit || (s.execTask !== null && s.execTask !== t)) return fail(EAGAIN);
    if (s.execTask === null) {
      s.execTask = t;
      s.stopCount = 0;
      for (const o of s.threads) {
        if (o === t) continue;
        o.stopPending = false;
        o.pending.set.add(SIGKILL);
        k.signals.kick(o, true);
      }
    }
    if (fatalSignalPending(t)) return fail(EAGAIN);
    c.sleep(null, undefined, TASK_KILLABLE);
    t.waitingFor = "de_thread";
    return false;
  }
  if (t !== s.leader) takeLead(k, t);
  s.execTask = null;
  t.exitSignal = SIGCHLD;
  return true;
}

/** The last thread takes the place and the number of the dead leader. */
function takeLead(k: Core, t: Task): void {
  const s = t.signal;
  const old = s.leader;
  const { pid } = old;
  const mine = t.pid;
  // the tables name the process by its leader
  t.startTimeNs = old.startTimeNs;
  t.startBoottimeNs = old.startBoottimeNs;
  t.parent = old.parent;
  t.realParent = old.realParent;
  old.parent.signal.removeChild(old);
  old.parent.signal.addChild(t);
  s.pgrp.leaveGroup(old);
  s.pgrp.joinGroup(t);
  pid.task = t;
  pid.tgidOf = t;
  t.pid = pid;
  old.pid = mine;
  mine.task = old;
  s.leader = t;
  for (const ns of pid.ns) if (ns.childReaper === old) ns.childReaper = t;
  t.adopted = old.adopted;
  releaseTask(k, old);
}

/** From here on nothing fails. */
function commitExec(c: Ctx, f: ExecFrame, creds: ExecCreds): void {
  const { k, task: t } = c;
  const s = t.signal;
  const oldCred = t.cred;
  const dumpable =
    f.nonDump || oldCred.euid !== oldCred.uid || oldCred.egid !== oldCred.gid
      ? k.tasks.sysctl.suidDumpable
      : SUID_DUMP_USER;
  if (t.sighand.refs > 1) {
    t.sighand.refs--;
    t.sighand = t.sighand.fork();
  }
  if (t.files !== null && t.files.refs > 1) {
    const files = k.vfs.copyFiles(t, false);
    k.vfs.exitFiles(t);
    t.files = files;
  }
  if (k.mm !== undefined) {
    const mm = k.mm.newMm(t);
    mm.exeFile = f.file;
    mm.argv = f.argv;
    mm.envp = f.envp;
    const old = t.mm;
    if (old !== null) {
      const rss = Math.max(old.hiwaterRss, old.rssPages);
      if (rss > s.maxRss) s.maxRss = rss;
      k.mm.exitMm(t);
    }
    t.mm = mm;
    k.mm.setupExec(mm, t);
  } else if (f.file !== null) k.vfs.closeExec(f.file);
  f.file = null;
  endVfork(k, t);
  t.flags &= ~(PF_FORKNOEXEC | PF_NO_SETAFFINITY);
  if (t.files !== null) k.vfs.closeOnExec(t);
  setDumpable(t, dumpable);
  const slash = f.filename.lastIndexOf("/");
  setComm(k, t, f.filename.slice(slash + 1));
  // handlers are gone with the program that had them
  t.sighand.actions.forEach((a, sig) => {
    if (a !== null)
      t.sighand.set(sig, a.handler === SIG_IGN ? { handler: SIG_IGN, flags: 0, maskLo: 0, maskHi: 0 } : null);
  });
  t.sigaltstack = null;
  t.savedMask = null;
  t.clearChildTid = 0;
  if (creds.secure) t.pdeathSignal = 0;
  commitCreds(k, t, creds.cred);

  const def = k.programs.get(f.program) as AnyProgramDef;
  k.entry.abandon(t);
  t.savedCalls.length = 0;
  t.handlerRan = 0;
  t.phase = CALL_NONE;
  t.call = null;
  t.args = [];
  t.frame = null;
  k.entry.startProgram(t, def, { argv: f.argv, envp: f.envp });
  if (k.trace.schedProcessExec.on) k.trace.schedProcessExec.emit(t, f.filename, t.nr);
  if (k.hooks.execed.on !== null) k.hooks.execed.on(t, undefined);
}

/**
 * startState: what the folders' start states have in common. Everything is made by system calls of ordinary tasks, as a
 * recorder on a real machine makes it:
 *
 * a session of its own with a holder process in it, a child subreaper that leads a process group and reaps what is orphaned;
 * the case's tasks as its children, those with ids of their own each in its own process group, with descriptors 0 to 2 on
 * /dev/null.
 */
import type { Task } from "@kernelkit/core";
import type { TaskSpec } from "./caseFile.js";
import { fromLatin1 } from "./result.js";
import type { Session } from "./session.js";
import { writeFile } from "./steps/fileSteps.js";
import { flags } from "./syscalls/marshal.js";

/** Name of the holder among the session's tasks; no case can name it. */
export const HOLDER = "#holder";
const INIT = "#init";
const LEADER = "#leader";

const PR_SET_DUMPABLE = 4;
const PR_SET_KEEPCAPS = 8;
const PR_SET_CHILD_SUBREAPER = 36;
const SIGCHLD = 17;
const SIG_IGN = 1;
const O_RDWR = 2;
/** CLONE_VM|FS|FILES|SIGHAND|THREAD|SYSVSEM, as a threads library has it. */
const THREAD_FLAGS = 0x50f00;

/** Forks a driven child of a task and gives it a name. */
export function forkTask(s: Session, parent: string, child: string): Task {
  return addTask(s, parent, child, s.syscall<number>(parent, "fork"));
}

function addTask(s: Session, parent: string, child: string, pid: number): Task {
  const p = s.task(parent);
  const task = p.pid.ns[p.pid.level].pids.get(pid)?.task;
  if (task === null || task === undefined) throw new Error(`fork gave pid ${pid}, but there is no such task`);
  s.tasks.set(child, task);
  return task;
}

/** The session and the holder process in it. Its process group is not orphaned: the session's leader is in another one. */
export function makeHolder(s: Session): void {
  s.tasks.set(INIT, s.kernel.init);
  forkTask(s, INIT, LEADER);
  s.syscall(LEADER, "setsid");
  for (;;) {
    const fd = s.syscall<number>(LEADER, "open", "/dev/null", O_RDWR, 0);
    if (fd < 2) continue;
    if (fd > 2) s.syscall(LEADER, "close", fd);
    break;
  }
  forkTask(s, LEADER, HOLDER);
  s.syscall(HOLDER, "setpgid", 0, 0);
  s.syscall(HOLDER, "prctl", PR_SET_CHILD_SUBREAPER, 1);
}

/** The tasks that the case names, and A. Afterwards the holder reaps its children by itself. `adjust` completes what a case says. */
export function makeTasks(s: Session, adjust: (spec: TaskSpec) => TaskSpec = (spec) => spec): void {
  const specs: Record<string, TaskSpec> = { ...s.spec.tasks };
  if (!Object.hasOwn(specs, "A")) specs.A = {};
  for (const [name, spec] of Object.entries(specs)) {
    if (typeof spec.threadOf === "string") {
      addTask(s, spec.threadOf, name, s.syscall<number>(spec.threadOf, "clone", THREAD_FLAGS));
      continue;
    }
    forkTask(s, HOLDER, name);
    becomeUser(s, name, adjust(spec));
  }
  s.syscall(HOLDER, "rt_sigaction", SIGCHLD, { handler: SIG_IGN });
}

/** Gives a root task the ids, groups and capabilities of `spec`, and a process group of its own. It stays dumpable. */
export function becomeUser(s: Session, name: string, spec: TaskSpec): void {
  const uid = spec.uid ?? 0;
  const gid = spec.gid ?? 0;
  if (uid === 0 && gid === 0 && spec.groups === undefined && spec.caps === undefined) return;
  s.syscall(name, "setgroups", spec.groups ?? []);
  s.syscall(name, "setresgid", gid, gid, gid);
  if (spec.caps !== undefined) s.syscall(name, "prctl", PR_SET_KEEPCAPS, 1);
  s.syscall(name, "setresuid", uid, uid, uid);
  if (spec.caps !== undefined) {
    const caps = spec.caps.map((c) => Number(flags(c)));
    s.syscall(name, "capset", { effective: caps, permitted: caps, inheritable: [] });
  }
  s.syscall(name, "prctl", PR_SET_DUMPABLE, 1);
  s.syscall(name, "setpgid", 0, 0);
}

/** An empty tmpfs at `path`, which is made if it is not there. */
export function mountTmpfs(s: Session, path: string, options = "mode=755"): void {
  makeDirs(s, path);
  s.syscall(HOLDER, "mount", "tmpfs", path, "tmpfs", 0, options);
}

/** The directory and those above it. */
export function makeDirs(s: Session, path: string): void {
  let made = "";
  for (const part of path.split("/").filter((p) => p !== "")) {
    made += `/${part}`;
    try {
      s.syscall(HOLDER, "mkdir", made, 0o755);
    } catch (e) {
      if (s.errorResult(e).errno !== "EEXIST") throw e;
    }
  }
}

/** Writes values to files below /proc/sys, keys with dots ("fs.protected_hardlinks"). */
export function setSysctls(s: Session, values: Readonly<Record<string, unknown>>, prefix = ""): void {
  for (const [key, value] of Object.entries(values)) {
    const path = `/proc/sys/${(prefix + key).replaceAll(".", "/")}`;
    writeFile(s, HOLDER, path, fromLatin1(`${String(value)}\n`));
  }
}

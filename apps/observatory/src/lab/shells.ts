/**
 * Shells: each a task of the kernel, with the command line's shell on it. What is typed is an input of the run (a line at a
 * time) and is typed again in a replay. A shell keeps nothing between lines but its working directory, which is the task's own, so
 * that a kernel from a snapshot has it.
 */
import {
  CLONE_NEWCGROUP,
  CLONE_NEWIPC,
  CLONE_NEWNET,
  CLONE_NEWNS,
  CLONE_NEWPID,
  CLONE_NEWTIME,
  CLONE_NEWUSER,
  CLONE_NEWUTS,
  type Task,
} from "@kernelkit/core";
import type { AssembledKernel } from "kernelkit/kernel";
import { twinOf } from "./linuxFile.js";
import { BadRequest } from "./protocol.js";
import type { Entry, Run } from "./run.js";

/** Inputs of shells, in the journal. */
const OPEN = "terminal";
const LINE = "shell";

/** Most of what one line prints is shown; the rest is counted. */
const LONGEST_OUTPUT = 256 * 1024;

/**
 * Types of namespaces, in the order in which root of the machine enters them: that of users last, because from inside it there is no
 * power over what an outer one owns.
 */
const TYPES = [
  ["mnt", CLONE_NEWNS],
  ["uts", CLONE_NEWUTS],
  ["ipc", CLONE_NEWIPC],
  ["net", CLONE_NEWNET],
  ["cgroup", CLONE_NEWCGROUP],
  ["time", CLONE_NEWTIME],
  ["pid", CLONE_NEWPID],
  ["user", CLONE_NEWUSER],
] as const;

interface Result {
  readonly out: string;
  readonly code: number;
}

export class Shells {
  /** A new shell: its pid. `inside`: of a task whose namespaces it is to have, 0 for init's. */
  async open(run: Run, inside: number): Promise<number> {
    if (inside > 0) taskOf(run, inside, "task");
    run.note({ ...run.at, control: OPEN, value: inside });
    return await opened(run, inside);
  }

  /** A line typed into a shell, and what it prints. */
  async line(run: Run, pid: number, line: string): Promise<Result> {
    taskOf(run, pid, "shell");
    run.note({ ...run.at, control: LINE, value: `${pid} ${line}` });
    return await exec(run.kernel, taskOf(run, pid, "shell"), line);
  }

  /** What the end of a line may become. Looked up in a second kernel: looking changes nothing. */
  async complete(run: Run, pid: number, line: string): Promise<{ hits: readonly string[]; end: string }> {
    taskOf(run, pid, "shell");
    const { complete, createShell } = await import("kernelkit/shell");
    const twin = twinOf(run);
    const task = twin.tasks.find(pid) as Task;
    const [hits, end] = complete(createShell(twin, task, { cwd: twin.sys(task).getcwd() }), line);
    return { hits: hits.slice(0, 200), end };
  }

  /** The same in a replay. */
  async again(run: Run, e: Entry): Promise<void> {
    if (e.control === OPEN) await opened(run, Number(e.value)).catch(() => {});
    else if (e.control === LINE) {
      const [, pid, line] = /^(\d+) (.*)$/s.exec(String(e.value)) ?? [];
      const task = run.kernel.tasks.find(Number(pid ?? 0));
      if (task != null && line !== undefined) await exec(run.kernel, task, line).catch(() => {});
    } else throw new BadRequest(`the journal has an input '${e.control}' that this view does not know`);
  }
}

async function opened(run: Run, inside: number): Promise<number> {
  const { shellTask } = await import("kernelkit/shell");
  const { kernel } = run;
  const task = shellTask(kernel);
  return inside > 0 ? enter(kernel, task, inside) : task.nr;
}

/** Into the namespaces of a task, as nsenter(1) does; the shell is a child there if its pid namespace is another. */
function enter(kernel: AssembledKernel, task: Task, inside: number): number {
  const sys = kernel.sys(task);
  const of = (pid: number | "self", type: string): string => sys.readlink(`/proc/${pid}/ns/${type}`);
  const there = (type: string): boolean => {
    try {
      return of("self", type) !== of(inside, type);
    } catch {
      return false;
    }
  };
  const other = TYPES.filter(([type]) => there(type));
  const fds = other.map(([type, flag]) => [sys.open(`/proc/${inside}/ns/${type}`, 0), flag] as const);
  for (const [fd, flag] of fds) sys.setns(fd, flag);
  for (const [fd] of fds) sys.close(fd);
  if (other.some(([type]) => type === "mnt")) sys.chdir("/");
  return other.some(([type]) => type === "pid") ? sys.fork() : task.nr;
}

async function exec(kernel: AssembledKernel, task: Task, line: string): Promise<Result> {
  const { createShell } = await import("kernelkit/shell");
  const sys = kernel.sys(task);
  const shell = createShell(kernel, task, { cwd: sys.getcwd() });
  const r = await shell.exec(line);
  if (!shell.dead) sys.chdir(shell.cwd);
  const out = r.stdout + r.stderr;
  const more = out.length - LONGEST_OUTPUT;
  return {
    out: more > 0 ? `${out.slice(0, LONGEST_OUTPUT)}\n(${more} more characters; use head, tail or a file)\n` : out,
    code: r.exitCode,
  };
}

function taskOf(run: Run, pid: number, what: string): Task {
  const t = run.kernel.tasks.find(pid);
  if (t === undefined || t === null || t.exiting)
    throw new BadRequest(`the ${what} ${pid} is not there at this instant; open one here`, "ESRCH");
  return t;
}

/** Tasks whose namespaces are not init's, the first of each set: containers a terminal can be opened in. */
export function containersOf(run: Run): { pid: number; name: string; own: readonly string[] }[] {
  const { kernel } = run;
  const { tasks } = kernel.core;
  const { nsTypes: types } = tasks;
  const seen = new Set<string>();
  const out: { pid: number; name: string; own: readonly string[] }[] = [];
  for (const t of tasks.all()) {
    if (t.isKthread || t.exiting || t === kernel.init) continue;
    const own = types.filter((type) => tasks.nsOf(t, type) !== tasks.nsOf(kernel.init, type)).map((type) => type.name);
    const key = types.map((type) => (tasks.nsOf(t, type) as { ino: number }).ino).join();
    if (own.length === 0 || seen.has(key)) continue;
    seen.add(key);
    out.push({ pid: t.nr, name: t.comm, own });
  }
  return out.slice(0, 64);
}

/**
 * Jobs of a shell, and commands that run as a task of their own. A job is a child of the shell's task with a shell around it; what
 * the kernel does to the task (a signal, a kill for memory) ends the job.
 */
import { PR_SET_NAME, TASK_DEAD, TASK_ZOMBIE, type Task, WNOHANG } from "@kernelkit/core";
import type { AssembledKernel } from "../kernel.js";
import type { Shell, ShellResult } from "./shell.js";

export interface Job {
  readonly id: number;
  readonly task: Task;
  readonly text: string;
  /** Exit status as `$?` shows it; null: still running. */
  status: number | null;
}

/** How a wait status is seen in `$?`. */
export const exitCodeOf = (status: number): number =>
  (status & 0x7f) === 0 ? (status >> 8) & 0xff : 128 + (status & 0x7f);

/** What just-bash says when its script is stopped. */
const ABORTED = /bash: execution aborted\n$/;

const ended = (t: Task): boolean => t.state === TASK_ZOMBIE || t.state === TASK_DEAD;

/** Who is told of each task that ends, by kernel. */
const watchersByKernel = new WeakMap<object, Set<(t: Task) => void>>();

function watchersOf(kernel: AssembledKernel): Set<(t: Task) => void> {
  const known = watchersByKernel.get(kernel.core);
  if (known !== undefined) return known;
  const made = new Set<(t: Task) => void>();
  watchersByKernel.set(kernel.core, made);
  kernel.core.hooks.exit.tap(999, "shell", (t) => {
    for (const w of [...made]) w(t);
  });
  return made;
}

export class Jobs {
  readonly list: Job[] = [];

  constructor(private readonly shell: Shell) {}

  /** A child of the shell's task, named. */
  fork(comm: string, from: Task = this.shell.task): Task {
    const { kernel, task } = this.shell;
    if (this.shell.execs && from === task) {
      this.shell.execs = false;
      kernel.sys(task).prctl(PR_SET_NAME, comm);
      return task;
    }
    const pid = kernel.sys(from).fork();
    const child = kernel.core.tasks.findTask(from, pid) as Task;
    kernel.sys(child).prctl(PR_SET_NAME, comm);
    return child;
  }

  /** Run a command as `task`, then end it; what its parent's wait4 gives is the exit code. */
  async runAs(
    task: Task,
    argv: readonly string[],
    o: { stdin?: string; signal?: AbortSignal; cwd?: string } = {},
  ): Promise<ShellResult> {
    const inner = this.shell.child(task, o.cwd === undefined ? {} : { cwd: o.cwd });
    const quoted = `'${argv[0].replaceAll("'", "'\\''")}'`;
    return this.end(inner, (signal) => inner.here(quoted, { ...o, signal, args: argv.slice(1) }), o.signal);
  }

  /** Run something in a child's shell; the child ends with it, or it with the child. */
  async end(
    inner: Shell,
    run: (signal: AbortSignal) => Promise<ShellResult>,
    outer?: AbortSignal,
  ): Promise<ShellResult> {
    const { kernel } = this.shell;
    const { task } = inner;
    const own = new AbortController();
    const signal = outer === undefined ? own.signal : AbortSignal.any([outer, own.signal]);
    // a kill from outside ends the shell at its next command
    const watch = (t: Task): void => {
      if (t === task) own.abort();
    };
    const watchers = watchersOf(kernel);
    watchers.add(watch);
    let r: ShellResult;
    try {
      r = await run(signal);
    } finally {
      watchers.delete(watch);
    }
    if (task !== this.shell.task && !ended(task)) kernel.sys(task).exit_group(r.exitCode);
    if (task !== this.shell.task) this.reap(task);
    // who was killed is no longer asked what it thinks of that
    return own.signal.aborted
      ? { ...r, stderr: r.stderr.replace(ABORTED, ""), exitCode: exitCodeOf(task.exitCode) }
      : r;
  }

  /** Children that ended while their parent was in a call. */
  private left: Task[] = [];

  /** Wait for the children that could not be waited for. */
  reapLeft(): void {
    if (this.left.length > 0) for (const t of this.left.splice(0)) this.reap(t);
  }

  /** The wait status of a child that has ended; null if it is nobody's, still lives, or its parent is busy (it is reaped later). */
  reap(task: Task): number | null {
    const { kernel } = this.shell;
    const parent = task.parent ?? null;
    if (parent === null || task.state !== TASK_ZOMBIE || ended(parent)) return null;
    if (parent.started !== null) {
      this.left.push(task);
      return null;
    }
    const nr = task.pid.nrNs(kernel.core.tasks.pidNsOf(parent));
    const r = kernel.sys(parent).wait4(nr, WNOHANG);
    return r.pid === 0 ? null : r.status;
  }

  /** Start a script behind the shell. */
  background(script: string, text: string, execs = false): Job {
    const { shell } = this;
    const task = this.fork(shell.task.comm);
    const inner = shell.child(task);
    inner.execs = execs;
    const id = Math.max(0, ...this.list.map((j) => j.id)) + 1;
    const job: Job = { id, task, text, status: null };
    this.list.push(job);
    const done = shell.activities.run(() => this.end(inner, (signal) => inner.here(script, { signal })), false);
    done.then(
      (r) => {
        job.status = r.exitCode;
        shell.write(r.stdout, r.stderr);
      },
      (e: unknown) => {
        job.status = 1;
        shell.write("", `sh: ${(e as Error).message}\n`);
      },
    );
    return job;
  }

  /** Forget the jobs that have ended; they are returned. */
  collect(): Job[] {
    const over = this.list.filter((j) => j.status !== null);
    for (const j of over) this.list.splice(this.list.indexOf(j), 1);
    return over;
  }
}

/**
 * Shells: each a task of the kernel, with the command line's shell on it. What is typed is an input of the run (a line at a
 * time) and is typed again in a replay. A shell keeps nothing between lines but its working directory, which is the task's own, so
 * that a kernel from a snapshot has it.
 */
import type { Task } from "@kernelkit/core";
import { BadRequest } from "./protocol.js";
import type { Entry, Run } from "./run.js";

/** Inputs of shells, in the journal. */
const OPEN = "terminal";
const LINE = "shell";

interface Result {
  readonly out: string;
  readonly code: number;
}

export class Shells {
  /** A new shell: its pid. */
  async open(run: Run): Promise<number> {
    const { shellTask } = await import("kernelkit/shell");
    run.note({ ...run.at, control: OPEN, value: "" });
    return shellTask(run.kernel).nr;
  }

  /** A line typed into a shell, and what it prints. */
  async line(run: Run, pid: number, line: string): Promise<Result> {
    taskOf(run, pid);
    run.note({ ...run.at, control: LINE, value: `${pid} ${line}` });
    return await this.exec(run, pid, line);
  }

  /** The same in a replay. */
  async again(run: Run, e: Entry): Promise<void> {
    const { shellTask } = await import("kernelkit/shell");
    if (e.control === OPEN) shellTask(run.kernel);
    else if (e.control === LINE) {
      const [, pid, line] = /^(\d+) (.*)$/s.exec(String(e.value)) ?? [];
      if (pid !== undefined) await this.exec(run, Number(pid), line).catch(() => {});
    } else throw new BadRequest(`the journal has an input '${e.control}' that this view does not know`);
  }

  private async exec(run: Run, pid: number, line: string): Promise<Result> {
    const { createShell } = await import("kernelkit/shell");
    const task = taskOf(run, pid);
    const sys = run.kernel.sys(task);
    const shell = createShell(run.kernel, task, { cwd: sys.getcwd() });
    const r = await shell.exec(line);
    if (!shell.dead) sys.chdir(shell.cwd);
    return { out: r.stdout + r.stderr, code: r.exitCode };
  }
}

function taskOf(run: Run, pid: number): Task {
  const t = run.kernel.tasks.find(pid);
  if (t === undefined || t === null || t.exiting)
    throw new BadRequest(`the shell ${pid} is not there at this instant; open one here`, "ESRCH");
  return t;
}

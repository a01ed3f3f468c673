/**
 * A shell in the kernel: just-bash, with the kernel's files and with commands that are the kernel's calls, as one task. `sleep`
 * and everything that waits pass virtual time. Variables, functions and the working directory stay from one `exec` to the next.
 *
 *     const shell = createShell(kernel, task);
 *     const { stdout, stderr, exitCode } = await shell.exec("cat /proc/uptime");
 */
import { TASK_DEAD, TASK_ZOMBIE, type Task } from "@kernelkit/core";
import { Bash, type ExecResult } from "just-bash";
import type { AssembledKernel } from "../kernel.js";
import { Activities } from "./activities.js";
import { shellCommand } from "./command.js";
import { COMMANDS } from "./commands/index.js";
import { Jobs } from "./jobs.js";
import { rewriting } from "./rewrite.js";
import { ShellFs } from "./shellFs.js";

export interface ShellOptions {
  /** What runs beside this shell. Default: nothing. */
  readonly activities?: Activities;
  readonly env?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** Somebody types: `unshare` without a command gives a shell instead of ending at once. */
  readonly interactive?: boolean;
  /** Gets what background jobs write. Default: kept for the end of the next command. */
  readonly write?: (stdout: string, stderr: string) => void;
}

export interface ShellResult {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** The script said `exit`, or the shell's task is dead. */
  readonly exited: boolean;
}

const ENVIRONMENT: Readonly<Record<string, string>> = {
  HOME: "/root",
  USER: "root",
  LOGNAME: "root",
  SHELL: "/bin/sh",
  TERM: "dumb",
  PATH: "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
};

/** Scripts pass much virtual time in little real time: loops may be long. */
const LIMITS = { maxCommandCount: 1e8, maxLoopIterations: 1e8, maxWorkUnits: 1e10, maxCallDepth: 1000 };

export class Shell {
  readonly activities: Activities;
  readonly jobs: Jobs;
  readonly interactive: boolean;
  /** A shell that a command opened (unshare): the prompt is its from now on. */
  nested: Shell | null = null;
  /** The next command takes the place of this shell's process instead of being a child of it. */
  execs = false;
  /** The script that runs has come to an `exit`. */
  exiting = false;
  /** Variables, as the last script left them. */
  vars: Record<string, string>;
  cwd: string;
  private readonly functions = new Map<string, string>();
  private readonly bash: Bash;
  readonly fs: ShellFs;
  private out = { stdout: "", stderr: "" };
  private readonly writer: ((stdout: string, stderr: string) => void) | null;

  constructor(
    readonly kernel: AssembledKernel,
    readonly task: Task,
    o: ShellOptions = {},
  ) {
    this.activities = o.activities ?? new Activities(kernel as never);
    this.interactive = o.interactive ?? false;
    this.writer = o.write ?? null;
    this.jobs = new Jobs(this);
    this.cwd = o.cwd ?? "/";
    this.vars = { ...(o.env ?? ENVIRONMENT) };
    const sys = kernel.sys(task);
    this.fs = new ShellFs(sys);
    this.fs.collects = true;
    this.bash = new Bash({
      fs: this.fs,
      cwd: this.cwd,
      env: this.vars,
      customCommands: Object.entries(COMMANDS).map(([name, fn]) => shellCommand(name, this, fn)),
      processInfo: { pid: sys.getpid(), ppid: sys.getppid(), uid: sys.getuid(), gid: sys.getgid() },
      executionLimits: LIMITS,
      // scripts here are the user's own
      defenseInDepth: false,
    });
    this.bash.registerTransformPlugin(
      rewriting((functions) => {
        for (const [name, text] of functions) this.functions.set(name, text);
      }),
    );
  }

  /** Has the task ended? */
  get dead(): boolean {
    return this.task.state === TASK_ZOMBIE || this.task.state === TASK_DEAD;
  }

  /** A task's number as this shell's task sees it. */
  numberOf(t: Task): number {
    return t.pid.nrNs(this.kernel.core.tasks.pidNsOf(this.task));
  }

  /** Run a script in the foreground. */
  exec(script: string, o: { stdin?: string; signal?: AbortSignal } = {}): Promise<ShellResult> {
    return this.activities.run(() => this.here(script, o), true);
  }

  /** Run a script as part of what is running already. `args` follow its first command unread. */
  async here(script: string, o: { stdin?: string; signal?: AbortSignal; args?: string[] } = {}): Promise<ShellResult> {
    const own = new AbortController();
    const signal = o.signal === undefined ? own.signal : AbortSignal.any([o.signal, own.signal]);
    const known = [...this.functions.values()].map((f) => `${f.trimEnd()}\n`).join("");
    const r: ExecResult & { env?: Record<string, string> } = await this.bash.exec(known + script, {
      env: this.vars,
      replaceEnv: true,
      cwd: this.cwd,
      rawScript: true,
      signal,
      ...(o.stdin !== undefined && { stdin: o.stdin }),
      ...(o.args !== undefined && { args: o.args }),
    });
    const exited = this.exiting || this.dead;
    this.exiting = false;
    const { "?": _, ...vars } = r.env ?? this.vars;
    this.vars = vars;
    this.cwd = vars["PWD"] ?? this.cwd;
    const { stdout, stderr } = this.out;
    this.out = { stdout: "", stderr: "" };
    return { stdout: stdout + r.stdout, stderr: stderr + r.stderr, exitCode: r.exitCode, exited };
  }

  /** A shell for another task, beside this one, with its variables. */
  child(task: Task, o: { cwd?: string } = {}): Shell {
    const shell = new Shell(this.kernel, task, {
      activities: this.activities,
      env: this.vars,
      cwd: o.cwd ?? this.cwd,
      interactive: this.interactive,
      write: (a, b) => this.write(a, b),
    });
    for (const [name, text] of this.functions) shell.functions.set(name, text);
    return shell;
  }

  /** Output of a job: to who asked for it, or with the next result. */
  write(stdout: string, stderr: string): void {
    if (this.writer !== null) this.writer(stdout, stderr);
    else {
      this.out.stdout += stdout;
      this.out.stderr += stderr;
    }
  }
}

export function createShell(kernel: AssembledKernel, task: Task, o: ShellOptions = {}): Shell {
  return new Shell(kernel, task, o);
}

/** A task for a shell: a child of init in a session of its own. */
export function shellTask(kernel: AssembledKernel): Task {
  const task = kernel.tasks.find(kernel.sys(kernel.init).fork()) as Task;
  kernel.sys(task).setsid();
  kernel.sys(task).prctl(15, "sh"); // PR_SET_NAME
  return task;
}

export { complete } from "./complete.js";

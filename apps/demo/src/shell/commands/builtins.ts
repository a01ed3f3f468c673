/** What bash itself does with jobs and time: `&`, `wait`, `jobs`, `time`, `sleep`, `timeout`, by the kernel's clock. */
import { RUSAGE_CHILDREN, RUSAGE_SELF, type Rusage } from "@kernelkit/core";
import { Interrupted } from "../activities.js";
import { type CommandEnv, CommandFailed, type CommandTable, strerror } from "../command.js";
import { getopt, timeArg } from "../getopt.js";
import type { Job } from "../jobs.js";
import { LAST_JOB } from "../rewrite.js";
import { signalArg } from "../signals.js";

const line = (job: Job, state: string): string => `[${job.id}]   ${state.padEnd(23)} ${job.text.trim()}\n`;
const stateOf = (job: Job): string =>
  job.status === null ? "Running" : job.status === 0 ? "Done" : job.status > 128 ? "Terminated" : `Exit ${job.status}`;

function used(env: CommandEnv): { user: number; sys: number } {
  const sum = (field: (r: Rusage) => number): number =>
    field(env.sys.getrusage(RUSAGE_SELF)) + field(env.sys.getrusage(RUSAGE_CHILDREN));
  return { user: sum((r) => r.utimeNs), sys: sum((r) => r.stimeNs) };
}

const minutes = (ns: number): string => `${Math.floor(ns / 60e9)}m${((ns % 60e9) / 1e9).toFixed(3)}s`;

export const builtins: CommandTable = {
  /** `cmd &` */
  async __background([script, text, how], env) {
    const job = env.shell.jobs.background(script, text, how === "exec");
    const nr = env.shell.numberOf(job.task);
    await env.ctx.assignShellVariable?.(LAST_JOB, String(nr));
    return { exitCode: 0, stderr: env.shell.interactive ? `[${job.id}] ${nr}\n` : "" };
  },

  /** `time cmd`: the format of bash, or POSIX's with -p. */
  async __time([posix, script], env) {
    const before = used(env);
    const from = env.kernel.now;
    const r = await env.ctx.exec?.(script, { cwd: env.cwd, stdin: env.stdin, signal: env.signal });
    const after = used(env);
    const spent = [
      ["real", env.kernel.now - from],
      ["user", after.user - before.user],
      ["sys", after.sys - before.sys],
    ] as const;
    const text =
      posix === "-p"
        ? spent.map(([n, ns]) => `${n} ${(ns / 1e9).toFixed(2)}\n`).join("")
        : `\n${spent.map(([n, ns]) => `${n}\t${minutes(ns)}\n`).join("")}`;
    return { stdout: r?.stdout ?? "", stderr: (r?.stderr ?? "") + text, exitCode: r?.exitCode ?? 1 };
  },

  /** `wait [PID | %JOB ...]` */
  async __wait(args, env) {
    const { jobs, activities } = env.shell;
    const wanted = args.map((a) => {
      const job = jobs.list.find((j) =>
        a.startsWith("%") ? `%${j.id}` === a : String(env.shell.numberOf(j.task)) === a,
      );
      return job ?? a;
    });
    let exitCode = 0;
    let stderr = "";
    for (const job of args.length === 0 ? [...jobs.list] : wanted) {
      if (typeof job === "string") {
        stderr += `wait: pid ${job} is not a child of this shell\n`;
        exitCode = 127;
        continue;
      }
      await activities.until(() => job.status !== null, { signal: env.signal });
      exitCode = args.length === 0 ? 0 : (job.status ?? 0);
    }
    jobs.collect();
    return { exitCode, stderr };
  },

  /** Stands behind a command that writes files: its status, or 1 if a write failed. */
  __written([status, name], env) {
    const e = env.shell.fs.failed;
    env.shell.fs.failed = null;
    if (e === null) return { exitCode: Number(status) };
    const who = name === "echo" || name === "printf" ? `bash: ${name}` : name;
    return { exitCode: 1, stderr: `${who}: write error: ${strerror(e)}\n` };
  },

  /** Stands before an `exit` of the script itself. */
  __exit(_args, env) {
    env.shell.exiting = true;
    return "";
  },

  jobs(_args, env) {
    const text = env.shell.jobs.list.map((j) => line(j, stateOf(j))).join("");
    env.shell.jobs.collect();
    return text;
  },

  /** Virtual time: the machine runs on, the terminal does not wait. */
  async sleep(args, env) {
    if (args.length === 0) throw new CommandFailed("missing operand\nTry 'sleep --help' for more information.");
    const ns = args.reduce((sum, a) => sum + timeArg(a), 0);
    if (Number.isFinite(ns)) await env.finish(env.started.nanosleep(ns));
    else await env.shell.activities.until(() => false, { signal: env.signal });
    return "";
  },

  /** timeout(1): a command as a child that gets a signal when its time is over. */
  async timeout(args, env) {
    const o = getopt("timeout", args, "signal,s= kill-after,k= preserve-status foreground,f verbose,v", {
      command: true,
      exitCode: 125,
    });
    if (o.rest.length < 2) throw new CommandFailed("missing operand\nTry 'timeout --help' for more information.", 125);
    const ns = timeArg(o.rest[0]);
    const signal = signalArg(o.get("signal") ?? "TERM");
    const { jobs, activities } = env.shell;
    const child = jobs.fork("timeout");
    const stop = new AbortController();
    let over = false;
    const running = jobs
      .runAs(child, o.rest.slice(1), { stdin: env.stdin, signal: env.signal, cwd: env.cwd })
      .finally(() => stop.abort());
    const deadline = env.kernel.now + (ns === 0 ? Number.POSITIVE_INFINITY : ns);
    const watched = activities.run(async () => {
      try {
        await activities.until(() => false, { deadline, signal: stop.signal });
      } catch (e) {
        if (e instanceof Interrupted) return;
        throw e;
      }
      over = true;
      env.kernel.sys(env.kernel.init).kill(child.nr, signal);
    }, false);
    const r = await running;
    await watched;
    return { ...r, exitCode: over && !o.has("preserve-status") ? 124 : r.exitCode };
  },
};

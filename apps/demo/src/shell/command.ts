/**
 * Commands of the shell that are system calls: each is a function from arguments to output. An error of the kernel becomes the
 * message and exit code that the real tool gives.
 */
import {
  errnoText,
  KernelError,
  latin1Bytes,
  type Outside,
  type Pending,
  PR_SET_NAME,
  type Started,
  type Task,
  utf8Text,
} from "@kernelkit/core";
import { type CustomCommand, defineCommand, type ExecResult, type ResolvedCommandContext } from "just-bash";
import type { AssembledKernel, AssembledSys } from "../kernel.js";
import { Interrupted } from "./activities.js";
import type { Shell } from "./shell.js";

/** What a command can use: the kernel, the calls of the shell's task, and what the shell knows of this run. */
export interface CommandEnv {
  readonly kernel: AssembledKernel;
  readonly task: Task;
  readonly sys: Outside<AssembledSys>;
  /** The same calls, to be waited for with `finish`. */
  readonly started: Started<AssembledSys>;
  readonly shell: Shell;
  /** The shell's working directory. */
  readonly cwd: string;
  /** Standard input. */
  readonly stdin: string;
  /** Aborted by ^C, and when the shell's task dies. */
  readonly signal: AbortSignal;
  /** just-bash's own context. */
  readonly ctx: ResolvedCommandContext;
  /** Wait for a started call; virtual time passes. */
  finish<R>(p: Pending<R>): Promise<R>;
}

/** A command that failed as the tool says: message to stderr, exit code. */
export class CommandFailed extends Error {
  constructor(
    message: string,
    readonly exitCode = 1,
  ) {
    super(message);
  }
}

export type Output = string | (Partial<ExecResult> & { readonly exitCode: number });
export type CommandFn = (args: string[], env: CommandEnv) => Output | Promise<Output>;
export type CommandTable = Readonly<Record<string, CommandFn>>;

/** glibc's words where they are not the kernel's own. */
const WORDS: Readonly<Record<string, string>> = {
  EIO: "Input/output error",
  EXDEV: "Invalid cross-device link",
  EAGAIN: "Resource temporarily unavailable",
  EBUSY: "Device or resource busy",
  EOPNOTSUPP: "Operation not supported",
  ERANGE: "Numerical result out of range",
  ENOTTY: "Inappropriate ioctl for device",
  ETXTBSY: "Text file busy",
  ENOMEM: "Cannot allocate memory",
  ENODATA: "No data available",
  EDQUOT: "Disk quota exceeded",
};

/** What strerror(3) says, as tools print it: "No such file or directory". */
export function strerror(e: KernelError): string {
  const text = WORDS[e.code] ?? errnoText(-e.errno);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Run a call; its failure is the command's, with `what` before strerror's text. */
export function attempt<T>(what: string, fn: () => T, exitCode = 1): T {
  try {
    return fn();
  } catch (e) {
    if (e instanceof KernelError) throw new CommandFailed(`${what}: ${strerror(e)}`, exitCode);
    throw e;
  }
}

/** The file's text; null if it is not there. */
export function maybeText(env: Pick<CommandEnv, "sys">, path: string): string | null {
  try {
    return env.sys.readText(path);
  } catch (e) {
    if (e instanceof KernelError) return null;
    throw e;
  }
}

/** Fields of a "name:\tvalue" file. */
export function fieldsOf(file: string): Map<string, string> {
  return new Map(
    file
      .split("\n")
      .filter((l) => l.includes(":"))
      .map((l) => {
        const i = l.indexOf(":");
        return [l.slice(0, i), l.slice(i + 1).trim()];
      }),
  );
}

/** The error of a command as its output. Other errors are thrown on. */
function failure(name: string, e: unknown): ExecResult {
  if (e instanceof CommandFailed)
    return { stdout: "", stderr: e.message === "" ? "" : `${name}: ${e.message}\n`, exitCode: e.exitCode };
  if (e instanceof KernelError)
    return { stdout: "", stderr: `${name}: ${e.path ?? e.syscall}: ${strerror(e)}\n`, exitCode: 1 };
  if (e instanceof Interrupted) return { stdout: "", stderr: "", exitCode: 130 };
  throw e;
}

export function shellCommand(name: string, shell: Shell, fn: CommandFn): CustomCommand {
  return defineCommand(name, async (args, ctx) => {
    const { kernel, task } = shell;
    const sys = kernel.sys(task);
    const signal = ctx.signal ?? new AbortController().signal;
    try {
      shell.jobs.reapLeft();
      if (shell.execs && !name.startsWith("__")) sys.prctl(PR_SET_NAME, name);
      sys.chdir(ctx.cwd);
      const out = await fn(args, {
        kernel,
        task,
        sys,
        started: kernel.call(task),
        shell,
        cwd: ctx.cwd,
        signal,
        stdin: utf8Text(latin1Bytes(ctx.stdin as unknown as string)),
        ctx,
        finish: (p) => shell.activities.finish(p, signal),
      });
      return typeof out === "string" ? { stdout: out, stderr: "", exitCode: 0 } : { stdout: "", stderr: "", ...out };
    } catch (e) {
      return failure(name, e);
    }
  });
}

/**
 * Commands of the shell that are system calls: each is a function from arguments to output. An error of the kernel becomes the
 * message and exit code that the real tool gives.
 */
import { type CoreSys, errnoText, KernelError, type Outside, type Task } from "@kernelkit/core";
import { type CustomCommand, defineCommand } from "just-bash";
import type { AssembledKernel } from "../kernel.js";

/** What a command can use: the kernel, and the calls of the shell's task. */
export interface CommandEnv {
  readonly kernel: AssembledKernel;
  readonly task: Task;
  readonly sys: Outside<CoreSys>;
  /** The shell's working directory. */
  readonly cwd: string;
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

export type CommandFn = (args: string[], env: CommandEnv) => string;

/** What strerror(3) says, as tools print it: "No such file or directory". */
export function strerror(e: KernelError): string {
  const text = errnoText(-e.errno);
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export function shellCommand(name: string, base: Omit<CommandEnv, "cwd">, fn: CommandFn): CustomCommand {
  return defineCommand(name, async (args, ctx) => {
    try {
      base.sys.chdir(ctx.cwd);
      return { stdout: fn(args, { ...base, cwd: ctx.cwd }), stderr: "", exitCode: 0 };
    } catch (e) {
      if (e instanceof CommandFailed) return { stdout: "", stderr: `${name}: ${e.message}\n`, exitCode: e.exitCode };
      if (e instanceof KernelError)
        return { stdout: "", stderr: `${name}: ${e.path ?? e.syscall}: ${strerror(e)}\n`, exitCode: 1 };
      throw e;
    }
  });
}

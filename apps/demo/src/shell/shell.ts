/**
 * A shell in the kernel: just-bash, with the kernel's files and with commands that are the kernel's calls, as one task. `sleep`
 * and everything that waits pass virtual time.
 *
 *     const shell = createShell(kernel, task);
 *     const { stdout, stderr, exitCode } = await shell.exec("cat /proc/uptime");
 */
import type { Task } from "@kernelkit/core";
import { Bash } from "just-bash";
import type { AssembledKernel } from "../kernel.js";
import { shellCommand } from "./command.js";
import { COMMANDS } from "./commands.js";
import { ShellFs } from "./shellFs.js";

export function createShell(kernel: AssembledKernel, task: Task): Bash {
  const sys = kernel.sys(task);
  const base = { kernel, task, sys };
  return new Bash({
    fs: new ShellFs(sys),
    cwd: "/",
    env: { HOME: "/root", USER: "root", PATH: "/usr/bin:/bin", PS1: "# " },
    customCommands: Object.entries(COMMANDS).map(([name, fn]) => shellCommand(name, base, fn)),
    // scripts here are the user's own
    defenseInDepth: false,
  });
}

/** A task for a shell: a child of init in a session of its own. */
export function shellTask(kernel: AssembledKernel): Task {
  const task = kernel.tasks.find(kernel.sys(kernel.init).fork()) as Task;
  kernel.sys(task).setsid();
  kernel.sys(task).prctl(15, "sh"); // PR_SET_NAME
  return task;
}

/** A bare machine with a task driven from outside, for tests of signals. */

import type { Core } from "../kernel/core.js";
import { createMachine } from "../kernel/createKernel.js";
import type { EmptyApi } from "../kernel/feature.js";
import type { Kernel } from "../kernel/kernel.js";
import type { BareSys } from "../sys/bareSys.js";
import type { Outside } from "../sys/types.js";
import type { Task } from "../task/task.js";

export interface SignalMachine {
  readonly kernel: Kernel<EmptyApi, BareSys>;
  readonly k: Core;
  readonly a: Task;
  readonly sys: Outside<BareSys>;
  of(pid: number): Task;
  fork(t: Task): Task;
  /** A child of `a` that runs as this user. */
  user(uid: number): Task;
}

export function signalMachine(): SignalMachine {
  const kernel = createMachine().boot();
  const a = kernel.tasks.forkDriven();
  const of = (pid: number): Task => kernel.tasks.find(pid) as Task;
  const fork = (t: Task): Task => of(kernel.sys(t).fork());
  const user = (uid: number): Task => {
    const t = fork(a);
    kernel.sys(t).setresuid(uid, uid, uid);
    return t;
  };
  return { kernel, k: kernel.core, a, sys: kernel.sys(a), of, fork, user };
}

/** For tests: a kernel with namespaces, children driven from outside, and the name of the errno that something fails with. */
import { createKernel, KernelError, type Task } from "@kernelkit/core";
import { type NamespacesOptions, namespaces } from "../index.js";

export function rig(options: NamespacesOptions = {}) {
  const kernel = createKernel({ machine: { memory: "128M", cpus: 2 } })
    .use(namespaces(options))
    .boot();
  /** A child, without asking for its number. */
  const child = (of: Task = kernel.init): Task => kernel.tasks.findVpid(of, kernel.sys(of).fork())?.task as Task;
  return { kernel, child, sys: (t: Task) => kernel.sys(t), call: (t: Task) => kernel.call(t) };
}

export type Rig = ReturnType<typeof rig>;

/** "EPERM", or "" if nothing was thrown. */
export function code(fn: () => unknown): string {
  try {
    fn();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

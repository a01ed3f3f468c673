/** For tests: a kernel with namespaces, children driven from outside, and the name of the errno that something fails with. */
import type { CoreSys, Outside, Started, Task } from "@kernelkit/core";
import type { NamespacesSys } from "../namespaces.js";
import type { NamespacesOptions } from "../options.js";
import { boot, errnoOf, forked, type NsKernel } from "../stories/rig.js";

export interface Rig {
  readonly kernel: NsKernel;
  /** A new child, of init if nothing is said. */
  child(of?: Task): Task;
  sys(t: Task): Outside<CoreSys & NamespacesSys>;
  call(t: Task): Started<CoreSys & NamespacesSys>;
}

export function rig(options: NamespacesOptions = {}): Rig {
  const kernel = boot(options);
  return {
    kernel,
    child: (of = kernel.init) => forked(kernel, of),
    sys: (t) => kernel.sys(t),
    call: (t) => kernel.call(t),
  };
}

/** "EPERM", or "" if nothing was thrown. */
export function code(fn: () => unknown): string {
  const e = errnoOf(fn);
  return e === "ok" ? "" : e;
}

/** What the stories share: a kernel with namespaces, driven tasks, and the errno that an attempt ends with. */
import {
  type CoreSys,
  createKernel,
  type Kernel,
  KernelError,
  type MachineOptions,
  type Outside,
  type Task,
} from "@kernelkit/core";
import type { NamespacesApi } from "../api.js";
import { type NamespacesSys, namespaces } from "../namespaces.js";
import type { NamespacesOptions } from "../options.js";

export type NsKernel = Kernel<{ readonly namespaces: NamespacesApi }, CoreSys & NamespacesSys>;
export type NsCalls = Outside<CoreSys & NamespacesSys>;

export function boot(options: NamespacesOptions = {}, machine: MachineOptions = {}): NsKernel {
  return createKernel({ machine: { memory: "128M", cpus: 2, ...machine } })
    .use(namespaces(options))
    .boot();
}

/** The child that a call of `parent` has made, by its number there. */
export function childOf(kernel: NsKernel, parent: Task, nr: number): Task {
  const t = kernel.tasks.findVpid(parent, nr)?.task ?? null;
  if (t === null) throw new TypeError(`no task ${nr}`);
  return t;
}

export function forked(kernel: NsKernel, parent: Task): Task {
  return childOf(kernel, parent, kernel.sys(parent).fork());
}

/** "EPERM", or "ok". */
export function errnoOf(attempt: () => unknown): string {
  try {
    attempt();
    return "ok";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

export const PR_SET_DUMPABLE = 4;

/** A child of init that is an ordinary user's. */
export function user(kernel: NsKernel, uid: number): Task {
  const t = forked(kernel, kernel.init);
  const sys = kernel.sys(t);
  sys.setgroups([]);
  sys.setresgid(uid, uid, uid);
  sys.setresuid(uid, uid, uid);
  sys.prctl(PR_SET_DUMPABLE, 1);
  return t;
}

/** Write the maps of one's own new user namespace, as an ordinary user may: one id each, setgroups denied. */
export function mapSelf(sys: NsCalls, inside: number, outside: number): void {
  sys.writeFile("/proc/self/uid_map", `${inside} ${outside} 1`);
  sys.writeFile("/proc/self/setgroups", "deny");
  sys.writeFile("/proc/self/gid_map", `${inside} ${outside} 1`);
}

/** A kernel with memory and files and nothing else, for the tests of the virtual file system. */

import { builder } from "../kernel/createKernel.js";
import type { EmptyApi } from "../kernel/feature.js";
import type { Kernel } from "../kernel/kernel.js";
import type { KernelOptions } from "../kernel/options.js";
import { mmPart } from "../mm/part.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Outside } from "../sys/types.js";
import type { Task } from "../task/task.js";
import { vfsPart } from "./part.js";

export type VfsKernel = Kernel<EmptyApi, CoreSys>;

export function vfsKernel(options: KernelOptions = {}): VfsKernel {
  return builder<CoreSys>([mmPart, vfsPart], options).boot();
}

/** A child of init, driven from outside, with other ids and no capabilities. */
export function userTask(k: VfsKernel, uid: number, gid: number = uid, groups: readonly number[] = []): Task {
  const t = childTask(k);
  const sys = k.sys(t);
  sys.setgroups([...groups]);
  sys.setresgid(gid, gid, gid);
  sys.setresuid(uid, uid, uid);
  return t;
}

export function childTask(k: VfsKernel, parent: Task = k.init): Task {
  const pid = k.sys(parent).fork();
  const t = k.tasks.find(pid);
  if (t === null || t === undefined) throw new Error(`no task ${pid}`);
  return t;
}

/** The errno name a call fails with, or "" if it succeeds. */
export function errnoOf(f: () => unknown): string {
  try {
    f();
    return "";
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

export type Sys = Outside<CoreSys>;

/** Helpers of the tests of pseudo files: whole files, listings, errno names. */

import type { Core } from "../kernel/core.js";
import type { Feature } from "../kernel/feature.js";
import { createKernel } from "../kernel/full.js";
import type { Kernel } from "../kernel/kernel.js";
import type { KernelOptions } from "../kernel/options.js";
import type { CoreSys } from "../sys/coreSys.js";
import type { Outside } from "../sys/types.js";
import type { Task } from "../task/task.js";

export type TestKernel = Kernel<Record<never, never>, CoreSys>;
export type Sys = Outside<CoreSys>;

/** A kernel whose install is given more to do, as a package would. */
export function kernelWith(install: (k: Core) => void, options: KernelOptions = {}): TestKernel {
  const f: Feature<"test", null> = {
    name: "test",
    install(k) {
      install(k);
      return { api: null };
    },
  };
  return createKernel(options).use(f).boot() as unknown as TestKernel;
}

export function child(k: TestKernel, parent: Task = k.init): Task {
  return k.tasks.find(k.sys(parent).fork()) as Task;
}

/** A child with other ids and no capabilities. */
export function user(k: TestKernel, uid: number): Task {
  const t = child(k);
  const sys = k.sys(t);
  sys.setgroups([]);
  sys.setresgid(uid, uid, uid);
  sys.setresuid(uid, uid, uid);
  return t;
}

/** A whole file, as a reader with a buffer of `size` gets it. */
export function cat(sys: Sys, path: string, size = 65536): string {
  const fd = sys.open(path, 0);
  try {
    let s = "";
    for (;;) {
      const b = sys.read(fd, size);
      if (b.length === 0) return s;
      s += new TextDecoder("latin1").decode(b);
    }
  } finally {
    sys.close(fd);
  }
}

/** One write to a file opened for writing: the bytes taken. */
export function put(sys: Sys, path: string, text: string): number {
  const fd = sys.open(path, 1);
  try {
    return sys.write(fd, text);
  } finally {
    sys.close(fd);
  }
}

export function ls(sys: Sys, path: string, room = 4096): string[] {
  const fd = sys.open(path, 0o200000);
  const names: string[] = [];
  for (;;) {
    const e = sys.getdents64(fd, room);
    if (e.length === 0) break;
    for (const x of e) names.push(x.name);
  }
  sys.close(fd);
  return names;
}

/** The errno name a call fails with, "" if it succeeds. */
export function errno(f: () => unknown): string {
  try {
    f();
    return "";
  } catch (e) {
    const { code } = e as { code?: string };
    if (code === undefined) throw e;
    return code;
  }
}

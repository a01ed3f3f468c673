/** The full kernel: the bare machine with memory, files, cgroups and /proc. */
import { cgroupPart } from "../cgroup/part.js";
import { mmPart } from "../mm/part.js";
import { netPart } from "../net/part.js";
import { procPart } from "../proc/part.js";
import type { CoreSys } from "../sys/coreSys.js";
import { tracefsPart } from "../trace/tracefs.js";
import { vfsPart } from "../vfs/part.js";
import { pollPart } from "../vfs/poll/part.js";
import { pseudoPart } from "../vfs/pseudo/part.js";
import type { Part } from "./core.js";
import { builder } from "./createKernel.js";
import type { Builder, EmptyApi } from "./feature.js";
import type { KernelOptions } from "./options.js";

/** Parts in order of installation. */
const PARTS: readonly Part[] = [mmPart, vfsPart, pseudoPart, procPart, cgroupPart, pollPart, netPart, tracefsPart];

/**
 * A kernel with everything core has. Compose packages with `.use(...)`, then `.boot()`.
 *
 *     const kernel = createKernel({ machine: { cpus: 4, memory: "8G" }, cmdline: "loglevel=7", seed: 1 }).boot();
 *     const sh = kernel.tasks.find(kernel.sys(kernel.init).fork());
 *
 * Wrong options: TypeError or RangeError naming the option, the value and what is allowed.
 */
export function createKernel(options: KernelOptions = {}): Builder<EmptyApi, CoreSys> {
  return builder<CoreSys>(PARTS, options);
}

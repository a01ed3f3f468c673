/**
 * Making kernels. `createMachine` is the bare machine: time, CPUs, scheduler, tasks, traces. `createKernel` (kernel/full.ts) adds
 * memory, files, cgroups and /proc; `createSimulator` (kernel/simulator.ts) has fewer calls. All compose packages with `.use(...)`.
 */
import type { BareSys } from "../sys/bareSys.js";
import { processPart } from "../task/part.js";
import { barePart } from "./barePart.js";
import { assemble } from "./builder.js";
import type { Part } from "./core.js";
import type { Builder, EmptyApi } from "./feature.js";
import type { KernelOptions } from "./options.js";

/** A builder over the bare machine and the given parts of core. */
export function builder<S>(parts: readonly Part[], options: KernelOptions): Builder<EmptyApi, S> {
  return assemble<S>([barePart, processPart, ...parts], options);
}

/**
 * The bare machine: a process simulator without files and memory.
 *
 *     const kernel = createMachine({ machine: { cpus: 1 } }).boot();
 *     kernel.spawn(program("p", function* (sys: Program<BareSys>) { yield* sys.nanosleep(1e9); }), null);
 *     kernel.run("2s");
 */
export function createMachine(options: KernelOptions = {}): Builder<EmptyApi, BareSys> {
  return builder<BareSys>([], options);
}

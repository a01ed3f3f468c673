/** The smallest kernel: programs on CPUs, in time. */
import { SIGCHLD } from "../abi/signal.js";
import type { MachineSys } from "../sys/bareSys.js";
import type { TimeSys } from "../sys/timeSys.js";
import { SIG_IGN } from "../task/signalState.js";
import { barePart } from "./barePart.js";
import { assemble } from "./builder.js";
import type { Part } from "./core.js";
import type { Builder, EmptyApi } from "./feature.js";
import type { KernelOptions } from "./options.js";

/** Init ignores SIGCHLD: its children leave no zombies. */
const simulatorPart: Part = {
  name: "simulator",
  install() {},
  boot(k) {
    k.tasks.init.sighand.set(SIGCHLD, { handler: SIG_IGN, flags: 0, maskLo: 0, maskHi: 0 });
  },
};

/**
 * A simulator of programs that compute and sleep, with the scheduler, interrupts, timers, traces and checkpoints of `createMachine`, and none
 * of the calls about processes, signals, credentials and scheduling: a page that shows how a package works needs no more, and loads a quarter
 * less. Nobody can wait for a program here, so it goes as soon as it ends.
 *
 *     const kernel = createSimulator({ machine: { cpus: 1 } }).boot();
 *     kernel.spawn(program("p", function* (sys: Program<MachineSys & TimeSys>) { yield* sys.nanosleep(1e9); }), null);
 *     kernel.run("2s");
 */
export function createSimulator(options: KernelOptions = {}): Builder<EmptyApi, MachineSys & TimeSys> {
  return assemble<MachineSys & TimeSys>([barePart, simulatorPart], options);
}

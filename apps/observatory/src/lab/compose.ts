/**
 * The kernel of a run: core and the packages its scenario names, or the whole assembled kernel of the command line. A view loads only
 * what it needs; what is not there answers as a kernel built without it.
 */
import { createKernel } from "@kernelkit/core";
import type { Knob } from "@kernelkit/core/stories";
import type { AssembledKernel, BootOptions } from "kernelkit/kernel";
import type { PackageName, Scenario } from "./scenario.js";

export type Compose = (o: BootOptions) => { boot(): AssembledKernel };

/** Which packages: those of the view, or all there are. A setting of every view. */
export const PACKAGES_KNOB: Knob = { kind: "choice", default: "view", choices: ["view", "all"] };

/** A kernel of a scenario's own packages, in the order in which the assembled kernel has them. */
export const composeOf =
  (s: Scenario): Compose =>
  (options) => {
    const given = options as Readonly<Record<string, unknown>>;
    const machine: Record<string, unknown> = { ...given };
    const names = ORDER.filter((n) => s.packages[n] !== undefined);
    for (const n of ORDER) delete machine[n];
    let builder = createKernel(machine) as unknown as { use(f: unknown): never; boot(): AssembledKernel };
    for (const n of names) builder = builder.use(s.packages[n]?.(given[n] as never));
    return builder;
  };

const ORDER: readonly PackageName[] = [
  "genirq",
  "integrity",
  "memcg",
  "namespaces",
  "numa",
  "powerclamp",
  "printk",
  "writeback",
];

/** What a run's `packages` setting asks for. */
export const composer = async (s: Scenario, which: unknown): Promise<Compose> =>
  which === "all" ? (await import("kernelkit/kernel")).assemble : composeOf(s);

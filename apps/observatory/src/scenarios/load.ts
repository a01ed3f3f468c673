/** A scenario, with the packages it needs, when it is first wanted. */
import type { Scenario, ViewId } from "../lab/scenario.js";

const LOADERS: Readonly<Record<ViewId, () => Promise<unknown>>> = {
  wb: async () => (await import("./writeback.js")).writebackScenario,
  mem: async () => (await import("./memory.js")).memoryScenario,
  numa: async () => (await import("./numa.js")).numaScenario,
  power: async () => (await import("./power.js")).powerScenario,
  irq: async () => (await import("./irq.js")).irqScenario,
  log: async () => (await import("./log.js")).logScenario,
  ns: async () => (await import("./namespaces.js")).namespacesScenario,
  trust: async () => (await import("./trust.js")).trustScenario,
};

export const loadScenario = async (id: ViewId): Promise<Scenario> => (await LOADERS[id]()) as Scenario;

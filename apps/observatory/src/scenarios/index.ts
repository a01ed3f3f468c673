/** All scenarios, in the order of the list of views. */
import type { Scenario } from "../lab/scenario.js";
import { irqScenario } from "./irq.js";
import { logScenario } from "./log.js";
import { memoryScenario } from "./memory.js";
import { namespacesScenario } from "./namespaces.js";
import { numaScenario } from "./numa.js";
import { powerScenario } from "./power.js";
import { trustScenario } from "./trust.js";
import { writebackScenario } from "./writeback.js";

export const SCENARIOS: readonly Scenario[] = [
  writebackScenario,
  memoryScenario,
  numaScenario,
  powerScenario,
  irqScenario,
  logScenario,
  namespacesScenario,
  trustScenario,
] as readonly Scenario[];

/** All scenarios, in the order of the list of views. */
import type { Scenario } from "../lab/scenario.js";
import { writebackScenario } from "./writeback.js";

export const SCENARIOS: readonly Scenario[] = [writebackScenario] as readonly Scenario[];

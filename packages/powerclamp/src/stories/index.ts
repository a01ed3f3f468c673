/** The stories of the package, by id. */
export { capIt } from "./capIt.js";
export { clampStorm } from "./clampStorm.js";
export { clampTarget } from "./clampTarget.js";
export { equalPower } from "./equalPower.js";
export { inStep } from "./inStep.js";
export { jitter } from "./jitter.js";
export { packing } from "./packing.js";
export type { Knob, Series, Story, StoryResult, Table } from "./story.js";
export { tickOn } from "./tickOn.js";

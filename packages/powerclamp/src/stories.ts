/** The entry `@kernelkit/powerclamp/stories`: questions answered by running rivals on the same workload, by id. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { capIt } from "./stories/capIt.js";
export { clampStorm } from "./stories/clampStorm.js";
export { clampTarget } from "./stories/clampTarget.js";
export { equalPower } from "./stories/equalPower.js";
export { inStep } from "./stories/inStep.js";
export { jitter } from "./stories/jitter.js";
export { loadFigure } from "./stories/loadFigure.js";
export { packing } from "./stories/packing.js";
export { hog } from "./stories/rig.js";
export { scaling } from "./stories/scaling.js";
export { tickOn } from "./stories/tickOn.js";

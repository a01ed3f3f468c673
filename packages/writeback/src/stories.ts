/** The entry `@kernelkit/writeback/stories`: questions answered by running rivals on the same workload. */
export { corruption } from "./stories/corruption.js";
export { powerCut } from "./stories/powerCut.js";
export { staleBlocks } from "./stories/staleBlocks.js";
export { stalls } from "./stories/stalls.js";
export { throttling } from "./stories/throttling.js";

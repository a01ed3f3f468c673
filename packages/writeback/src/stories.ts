/** The entry `@kernelkit/writeback/stories`: questions answered by running rivals on the same workload. */
export { stalls } from "./stories/stalls.js";

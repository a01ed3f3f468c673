/**
 * The entry `@kernelkit/numa/stories`: questions answered by running rivals on the same workload, by id; and what they are made of, for
 * comparing strategies on workloads or traces of one's own.
 */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { biggerThanNode } from "./stories/biggerThanNode.js";
export { fourThreads } from "./stories/fourThreads.js";
export { homeNodes } from "./stories/homeNodes.js";
export { hotPage } from "./stories/hotPage.js";
export { liveMigration } from "./stories/liveMigration.js";
export { objections } from "./stories/objections.js";
export { phases } from "./stories/phases.js";
export { remoteSweep } from "./stories/remoteSweep.js";
export { sharedTable } from "./stories/sharedTable.js";
export { tiers } from "./stories/tiers.js";
export * from "./workloads/generators.js";
export * from "./workloads/scenario.js";
export * from "./workloads/traceReplay.js";
export type { FirstTouch, PageRange, Phase, ProcessPlan, ThreadPlan, Workload } from "./workloads/workload.js";

/**
 * `@kernelkit/sweep`: many runs of a scenario over a space of parameters, on one machine or many, with results that survive whatever
 * happens to the machines. Node only.
 */
export { type Bundle, BundleFolder } from "./bundle.js";
export * from "./define.js";
export { type Executor, localExecutor } from "./executor.js";
export { type LoadedSweep, loadSweep, type Overrides } from "./load.js";
export type { Outcome, Status } from "./outcome.js";
export { type Plan, type PlannedRun, runAt } from "./plan.js";
export { type RedisOptions, redisExecutor } from "./redis/redisExecutor.js";
export { type SweepWorkerOptions, startSweepWorker } from "./redis/sweepWorker.js";
export { csvLines } from "./results/csv.js";
export { ResultSet, readResultSet } from "./results/digest.js";
export { readResults } from "./results/file.js";
export type { RunRecord } from "./results/record.js";
export { type Progress, type RunSweepOptions, runSweep, type SweepReport } from "./run.js";
export { picture, type Spec } from "./summary/picture.js";
export type { Statistics } from "./summary/statistics.js";
export { type PointSummary, SummaryBuilder, type SweepSummary } from "./summary/summary.js";

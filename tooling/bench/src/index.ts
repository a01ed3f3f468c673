// What a benchmark file imports.
export type { Benchmark, Peer, Run } from "./benchmark.js";
export { bytesPerObject, randomly } from "./helpers.js";
export { peers } from "./peers.js";
export { simjsWakeups, simscriptWakeups, sleeps } from "./simulators.js";

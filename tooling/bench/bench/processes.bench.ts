// Discrete-event simulators of the registry beside each other.
import { type Benchmark, simjsWakeups, simscriptWakeups } from "../src/index.js";

const WAKEUPS = 30_000;

const benchmarks: Benchmark[] = [10, 1000].map((processes) => ({
  name: `simjs, wake-up of a sleeping process, ${processes} processes`,
  unit: "wake-up",
  ...simjsWakeups(processes, WAKEUPS),
  peers: [{ name: "simscript", ...simscriptWakeups(processes, WAKEUPS) }],
}));

export default benchmarks;

import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createMachine } from "@kernelkit/core";
import { expect, it, vi } from "vitest";
import { powerclamp } from "./powerclamp.js";
import { busy } from "./testing/machine.js";

vi.setConfig({ testTimeout: 120_000 });

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

it("a million driver events leave nothing behind", () => {
  const kernel = createMachine({ machine: { cpus: 8, hz: 1000 } })
    .use(powerclamp({ driver: "6.1" }))
    .boot();
  const { powerclamp: api } = kernel;
  api.modprobe();
  api.counters.setRate(1);
  for (let i = 0; i < 8; i++) kernel.spawn(busy, {});
  if (api.coolingDevice !== null) api.thermal.setCurState(api.coolingDevice, 49);
  kernel.run("60s");
  const injections = (): number => api.playIdle.count.reduce((a, b) => a + b, 0);
  const heap = (): number => {
    gc();
    return process.memoryUsage().heapUsed;
  };
  const [count, before] = [injections(), heap()];
  kernel.run("760s");
  // each injection is the end of a sleep and the end of an idle time
  expect(2 * (injections() - count)).toBeGreaterThan(1e6);
  expect(heap() - before).toBeLessThan(256 * 1024);
});

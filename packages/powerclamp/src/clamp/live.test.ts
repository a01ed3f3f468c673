import { createMachine } from "@kernelkit/core";
import { expect, it } from "vitest";
import { powerclamp } from "../powerclamp.js";

it("boots", () => {
  const k = createMachine({ machine: { cpus: 2 } })
    .use(powerclamp({ driver: "6.1" }))
    .boot();
  expect(k.powerclamp.modprobe()).toBe(0);
  k.powerclamp.counters.setRate(1);
  const dev = k.powerclamp.coolingDevice!;
  k.powerclamp.thermal.setCurState(dev, 25);
  const starts: [number, number][] = [];
  k.powerclamp.playIdle.started.tap(1, "x", (cpu) => starts.push([cpu, k.time.ticks]));
  k.run("2s");
  console.log(JSON.stringify(starts.slice(0, 12)), k.powerclamp.playIdle.count);
  k.powerclamp.thermal.setCurState(dev, 0);
  k.run("2s");
  console.log(
    k.powerclamp.playIdle.count,
    k.powerclamp.machine.watts(0, k.now),
    k.tasks.all().map((t) => t.comm),
  );
});

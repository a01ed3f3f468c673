import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { createMachine } from "@kernelkit/core";
import { expect, it, vi } from "vitest";
import { printkSyslog } from "./printkSyslog.js";

vi.setConfig({ testTimeout: 60_000 });

setFlagsFromString("--expose-gc");
const gc = runInNewContext("gc") as () => void;

it("a million records leave nothing behind but the ring", () => {
  const { printk } = createMachine().use(printkSyslog()).boot();
  const heap = (): number => {
    gc();
    const { heapUsed, arrayBuffers } = process.memoryUsage();
    return heapUsed + arrayBuffers;
  };
  const flood = (n: number): void => {
    for (let i = 0; i < n; i++) printk.printk("\u00016eth0: link is up, 1000 Mbps, full duplex\n");
  };
  flood(10_000);
  const before = heap();
  flood(1e6);
  expect(heap() - before).toBeLessThan(256 * 1024);
});

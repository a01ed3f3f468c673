import { createKernel } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { type PrintkOptions, printkSyslog } from "./printkSyslog.js";

const boot = (o: PrintkOptions = {}) => createKernel().use(printkSyslog(o)).boot();

describe("the stack watch", () => {
  it("says at exit who had less left than anybody before", () => {
    const kernel = boot();
    const exit = (bytes: number): void => {
      const t = kernel.init.fork();
      kernel.printk.stackUsed(t, bytes);
      kernel.sys(t).exit_group(0);
    };
    for (const bytes of [3000, 2000, 9000, 9000, 9001]) exit(bytes);
    const said = kernel.printk.dmesg().match(/\(\d+\) used greatest stack depth: (\d+) bytes left/g) ?? [];
    expect(said.map((s) => Number(/(\d+) bytes/.exec(s)?.[1]))).toEqual([13384, 7384, 7383]);
    expect(kernel.printk.dmesg()).not.toContain("WARNING");
  });

  it("warns once of a task that passes the guard, and panics when one goes over the end", () => {
    const kernel = boot({ threadSize: 16384, stackGuard: 8192 });
    const { stackUsed, dmesg, trouble } = kernel.printk;
    stackUsed(kernel.init, 8192);
    expect(dmesg()).not.toContain("WARNING");
    stackUsed(kernel.init, 8200);
    stackUsed(kernel.init, 9000);
    expect(dmesg().match(/uses 8200 bytes of kernel stack, more than 8192/g)).toHaveLength(1);
    expect(trouble.panicked).toBe(false);
    stackUsed(kernel.init, 16385);
    expect(trouble.panicked).toBe(true);
    expect(dmesg()).toContain("Kernel panic - not syncing: corrupted stack end detected inside scheduler");
  });

  it("was tighter with stacks of 8 KiB", () => {
    const kernel = boot({ threadSize: 8192 });
    kernel.printk.stackUsed(kernel.init, 8193);
    expect(kernel.printk.trouble.panicked).toBe(true);
  });

  it("refuses what is no number of bytes", () => {
    const kernel = boot();
    for (const bytes of [-1, 0.5, Number.NaN])
      expect(() => kernel.printk.stackUsed(kernel.init, bytes)).toThrow(/stackUsed: bytes must be/);
    expect(() => boot({ threadSize: 100 as 8192 })).toThrow(/threadSize/);
    expect(() => boot({ stackGuard: -1 })).toThrow(/stackGuard/);
  });
});

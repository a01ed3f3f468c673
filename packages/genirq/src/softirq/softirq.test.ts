import { BLOCK_SOFTIRQ } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { rig } from "../testRig.js";
import { IrqWork } from "./irqWork.js";
import { Tasklet } from "./tasklet.js";

describe("soft interrupts and tasklets", () => {
  it("a tasklet scheduled twice before it runs, runs once, at the interrupt's end; a high one before it", () => {
    const r = rig();
    const g = r.irq.irqs;
    const low = new Tasklet("low", () => r.calls.push("low"), null);
    const high = new Tasklet("high", () => r.calls.push("high"), null);
    r.kernel.core.irq.raise(0, () => {
      r.irq.taskletSchedule(low);
      r.irq.taskletSchedule(low);
      r.irq.taskletHiSchedule(high);
      r.calls.push("handler");
    });
    expect(r.take()).toEqual(["handler", "high", "low"]);
    expect(g.tasklets.every((q) => q.length === 0)).toBe(true);
  });

  it("what is raised in process context is left to ksoftirqd", () => {
    const r = rig();
    const t = new Tasklet("t", () => r.calls.push("ran"), null);
    r.irq.taskletSchedule(t);
    expect(r.take()).toEqual([]);
    r.kernel.run("1ms");
    expect(r.take()).toEqual(["ran"]);
    expect(r.kernel.tasks.all().some((x) => x.comm === "ksoftirqd/0")).toBe(true);
  });

  it("a disabled tasklet waits; one that is killed does not run", () => {
    const r = rig();
    const t = new Tasklet("t", () => r.calls.push("ran"), null);
    r.irq.taskletDisable(t);
    r.kernel.core.irq.raise(0, () => r.irq.taskletSchedule(t));
    expect(r.take()).toEqual([]);
    r.irq.taskletEnable(t);
    r.kernel.run("1ms");
    expect(r.take()).toEqual(["ran"]);
    r.irq.taskletSchedule(t);
    r.irq.taskletKill(t);
    r.kernel.run("1ms");
    expect(r.take()).toEqual([]);
    expect(() => r.irq.taskletEnable(t)).toThrow(RangeError);
  });

  it("a soft interrupt that raises itself for ever is served ten rounds, then by ksoftirqd between tasks", () => {
    const r = rig();
    let rounds = 0;
    r.irq.openSoftirq(BLOCK_SOFTIRQ, () => {
      if (++rounds < 25) r.irq.raiseSoftirq(BLOCK_SOFTIRQ);
    });
    r.kernel.core.irq.raise(0, () => r.irq.raiseSoftirq(BLOCK_SOFTIRQ));
    expect(rounds).toBe(10);
    r.kernel.run("1ms");
    expect(rounds).toBe(25);
  });

  it("irq_work runs once in hard interrupt context and counts in the row IWI", () => {
    const r = rig();
    const g = r.irq.irqs;
    const w = new IrqWork(g, () => r.calls.push(`work ${r.kernel.core.irq.inInterrupt()}`), null);
    expect(r.irq.irqWorkQueue(w)).toBe(true);
    expect(r.irq.irqWorkQueue(w)).toBe(false);
    r.kernel.run("1ms");
    expect(r.take()).toEqual(["work true"]);
    expect(g.archRows.find((row) => row.label === "IWI")?.counts).toEqual([1, 0]);
  });

  it("tracepoints tell of tasklets and raised vectors under Linux's names", () => {
    const r = rig();
    const stop = r.kernel.trace.enable("irq:*");
    const t = new Tasklet("net_rx", function rx() {}, null);
    r.kernel.core.irq.raise(0, () => r.irq.taskletSchedule(t));
    stop();
    const text = r.kernel.trace.text();
    expect(text).toContain("softirq_raise: vec=6 [action=TASKLET]");
    expect(text).toContain("tasklet_entry: tasklet=net_rx function=rx");
    expect(text).toContain("tasklet_exit: tasklet=net_rx function=rx");
  });
});

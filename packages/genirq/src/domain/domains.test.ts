import { describe, expect, it } from "vitest";
import * as G from "../index.js";
import { rig } from "../testRig.js";

describe("irq_sim", () => {
  it("interrupts an enabled line when its pending state is set, in hard interrupt context", () => {
    const r = rig();
    const sim = r.irq.irqDomainCreateSim("sim", 4);
    const irq = r.irq.irqCreateMapping(sim, 3);
    expect(
      r.irq.requestIrq(
        irq,
        () => {
          r.calls.push(`handler ${r.kernel.core.irq.inInterrupt()}`);
          return G.IRQ_HANDLED;
        },
        0,
        "dev",
      ),
    ).toBe(0);
    expect(r.irq.irqSimFire(irq)).toBe(0);
    expect(r.take()).toEqual([]);
    r.kernel.run("1us");
    expect(r.take()).toEqual(["handler true"]);
    expect(r.irq.irqInjectInterrupt(irq)).toBe(0);
    r.kernel.run("1us");
    expect(r.take()).toEqual(["handler true"]);
    expect(r.irq.irqSetIrqType(irq, G.IRQ_TYPE_LEVEL_HIGH)).toBe(-22);
    expect(r.irq.irqSetIrqType(irq, G.IRQ_TYPE_EDGE_RISING)).toBe(0);
  });
});

describe("domains", () => {
  it("one, two and one-or-two cells are read as the drivers of those domains do", () => {
    const d = null as unknown as G.IrqDomain;
    expect(G.irqDomainXlateOnecell(d, [5, 8])).toEqual({ hwirq: 5, type: 0 });
    expect(G.irqDomainXlateTwocell(d, [5, 8])).toEqual({ hwirq: 5, type: 8 });
    expect(G.irqDomainXlateTwocell(d, [5])).toBeNull();
    expect(G.irqDomainXlateOnetwocell(d, [5])).toEqual({ hwirq: 5, type: 0 });
  });

  it("a two-cell domain given one cell maps nothing", () => {
    const r = rig();
    const d = r.irq.irqDomainCreateLinear("D", 8, { xlate: G.irqDomainXlateTwocell });
    expect(r.irq.irqCreateFwspecMapping(d, [3])).toBe(0);
    expect(d.mapcount).toBe(0);
  });

  it("a hardware line beyond the domain is refused with a warning, and its descriptor is given back", () => {
    const r = rig();
    const d = r.irq.irqDomainCreateLinear("D", 8, {});
    expect(r.irq.irqCreateMapping(d, 8)).toBe(0);
    expect(r.log().some((l) => l.includes("error: hwirq 0x8 is too large for D"))).toBe(true);
    expect(r.irq.irqs.has(24)).toBe(false);
  });

  it("if a parent cannot activate, the request fails and nothing is left activated", () => {
    const r = rig();
    const parent = r.irq.irqDomainCreateHierarchy(null, 8, "P", {
      alloc: (d, virq, _, arg) => G.irqDomainSetHwirqAndChip(d, virq, Number(arg), r.chip(["irqMask", "irqUnmask"])),
      activate: () => -28,
    });
    const kid = r.irq.irqDomainCreateHierarchy(parent, 8, "K", {
      alloc: (d, virq, nr, arg) =>
        G.irqDomainAllocIrqsParent(d, virq, nr, arg) ||
        G.irqDomainSetInfo(d, virq, Number(arg), r.chip(["irqEoi"]), null, G.handleFasteoiIrq),
      activate() {
        r.calls.push("kid");
        return 0;
      },
    });
    const irq = r.irq.irqDomainAllocIrqs(kid, 1, 2);
    expect(irq).toBe(24);
    expect(r.irq.requestIrq(irq, r.handler("h"), 0, "dev")).toBe(-28);
    expect(r.take()).toEqual([]);
    expect(r.irq.irqs.action[irq]).toBeNull();
    expect(r.irq.irqs.state[irq] & G.IRQD_ACTIVATED).toBe(0);
  });
});

describe("the generic chip", () => {
  it("keeps the mask register in a cache and sets a bit per line", () => {
    const r = rig();
    const base = r.irq.irqAllocDescs(-1, 32, 8);
    const gc = r.irq.irqAllocGenericChip("gc", base, { mask: 0, ack: 1 });
    r.irq.irqSetupGenericChip(
      gc,
      0b11,
      { irqMask: G.irqGcMaskSetBit, irqUnmask: G.irqGcMaskClrBit, irqAck: G.irqGcAckSetBit },
      G.handleLevelIrq,
      0,
      G.IRQ_NOREQUEST,
      0,
    );
    gc.maskCache = 0b11;
    const masks: number[] = [];
    r.irq.requestIrq(base + 1, () => masks.push(gc.regs[0]) && G.IRQ_HANDLED, 0, "dev");
    expect(gc.regs[0]).toBe(0b01);
    r.irq.raise(base + 1, 0);
    expect(masks).toEqual([0b11]);
    expect([gc.regs[0], gc.regs[1]]).toEqual([0b01, 0b10]);
  });
});

describe("autoprobing", () => {
  it("finds the one free line that interrupts in between", () => {
    const r = rig();
    const lines = [1, 2, 3].map((n) => {
      const irq = r.irq.irqAllocDescs(n, 0, 1);
      r.irq.irqSetChipAndHandlerName(irq, r.chip(["irqMask", "irqUnmask", "irqAck"]), G.handleLevelIrq, null);
      return irq;
    });
    expect(r.irq.probeIrqOn()).toBe(0b1110);
    r.irq.raise(lines[1], 0);
    expect(r.irq.probeIrqOff()).toBe(2);
    expect(r.irq.probeIrqOn()).toBe(0b1110);
    r.irq.raise(lines[0], 0);
    r.irq.raise(lines[2], 0);
    expect(r.irq.probeIrqOff()).toBe(-1);
  });
});

import { describe, expect, it } from "vitest";
import * as G from "../index.js";
import { type Rig, rig } from "../testRig.js";

const OPS = ["irqMask", "irqUnmask", "irqAck"] as const;

function movable(r: Rig, flags = 0, over: G.IrqChipOps = {}): number {
  const chip = r.chip(OPS, flags, {
    irqSetAffinity(d, mask) {
      r.calls.push(`move ${mask[0]}`);
      G.irqDataUpdateEffectiveAffinity(d, mask);
      return 0;
    },
    ...over,
  });
  const irq = r.line(chip, G.handleEdgeIrq);
  r.irq.requestIrq(irq, r.handler("handler"), 0, "dev");
  r.take();
  return irq;
}

describe("affinity", () => {
  it("a deferred move is made by the chip's ack at the next interrupt, masked meanwhile", () => {
    const r = rig();
    const irq = movable(r, G.IRQCHIP_MOVE_DEFERRED, {
      irqAck(d) {
        r.calls.push("ack");
        G.irqMoveIrq(d.g, d);
      },
    });
    expect(r.irq.irqSetAffinity(irq, Uint32Array.of(2))).toBe(0);
    expect(r.take()).toEqual([]);
    r.irq.raise(irq, 0);
    expect(r.take()).toEqual(["ack", "irqMask", "move 2", "irqUnmask", "handler"]);
    expect((r.irq.irqs.desc[irq] as G.IrqDesc).affinity[0]).toBe(2);
  });

  it("a notifier is told in process context, once for moves that follow each other, with the last mask", () => {
    const r = rig();
    const irq = movable(r);
    const told: number[] = [];
    r.irq.irqSetAffinityNotifier(irq, {
      irq: 0,
      notify: (_, mask) => {
        told.push(mask[0]);
      },
    });
    r.irq.irqSetAffinity(irq, Uint32Array.of(1));
    r.irq.irqSetAffinity(irq, Uint32Array.of(2));
    expect(told).toEqual([]);
    r.kernel.run("1ms");
    expect(told).toEqual([2]);
  });

  it("isolcpus=managed_irq keeps managed lines off isolated CPUs while another of their mask is on line", () => {
    const r = rig({}, { machine: { cpus: 4 }, cmdline: "isolcpus=managed_irq,2" });
    const chip = r.chip(OPS, 0, {
      irqSetAffinity(d, mask) {
        r.calls.push(`move ${mask[0]}`);
        G.irqDataUpdateEffectiveAffinity(d, mask);
        return 0;
      },
    });
    const irq = r.irq.irqAllocDescs(-1, 0, 1, -1, [Uint32Array.of(0b1100)]);
    r.irq.irqSetChipAndHandlerName(irq, chip, G.handleEdgeIrq, null);
    r.irq.requestIrq(irq, r.handler("h"), 0, "dev");
    expect(r.take()).toContain("move 8");
    expect((r.irq.irqs.desc[irq] as G.IrqDesc).affinity[0]).toBe(0b1100);
  });

  it("irqaffinity= sets where lines start, always with the CPU that boots", () => {
    const r = rig({}, { machine: { cpus: 4 }, cmdline: "irqaffinity=2-3" });
    expect(r.irq.irqs.defaultAffinity[0]).toBe(0b1101);
  });

  it("a managed line that its driver has disabled stays so while its CPUs go and come", () => {
    const r = rig({}, { machine: { cpus: 2 } });
    const chip = r.chip(OPS, 0, {
      irqSetAffinity(d, mask) {
        G.irqDataUpdateEffectiveAffinity(d, mask);
        return 0;
      },
    });
    const irq = r.irq.irqAllocDescs(-1, 0, 1, -1, [Uint32Array.of(2)]);
    r.irq.irqSetChipAndHandlerName(irq, chip, G.handleEdgeIrq, null);
    r.irq.requestIrq(irq, r.handler("h"), 0, "dev");
    r.irq.disableIrq(irq);
    const { hotplug } = r.kernel.core;
    expect(hotplug.down(1)).toBe(0);
    expect(r.irq.irqs.depth[irq]).toBe(2);
    expect(hotplug.up(1)).toBe(0);
    expect(r.irq.irqs.depth[irq]).toBe(1);
    r.irq.enableIrq(irq);
    expect(r.irq.irqs.state[irq] & (G.IRQD_IRQ_STARTED | G.IRQD_IRQ_DISABLED)).toBe(G.IRQD_IRQ_STARTED);
  });

  it("a chip that does not say where it has put a line is named once", () => {
    const r = rig();
    const irq = movable(r, 0, { irqSetAffinity: () => 0 });
    r.irq.irqSetAffinity(irq, Uint32Array.of(1));
    const said = r.log().filter((l) => l.includes("did not update eff. affinity mask"));
    expect(said).toEqual([`genirq: irq_chip test did not update eff. affinity mask of irq ${irq}`]);
  });
});

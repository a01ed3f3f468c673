import { KernelError } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import * as G from "../index.js";
import { type Rig, rig } from "../testRig.js";

const FLOW_OPS = ["irqMask", "irqUnmask", "irqAck", "irqEoi"] as const;

/** A requested line whose handler does `what` in its first run. */
function busy(r: Rig, flow: G.FlowHandler, what: (irq: number) => void, flags = 0): number {
  const irq = r.line(r.chip(FLOW_OPS, flags), flow);
  let first = true;
  r.irq.requestIrq(
    irq,
    (n) => {
      r.calls.push("handler");
      if (first) {
        first = false;
        what(n);
      }
      return G.IRQ_HANDLED;
    },
    0,
    "dev",
  );
  r.take();
  return irq;
}

describe("flows", () => {
  it("edge_eoi: one eoi at the very end, pending arrivals run the handlers again", () => {
    const r = rig();
    const irq = busy(r, G.handleEdgeEoiIrq, (n) => r.irq.raise(n, 0));
    r.irq.raise(irq, 0);
    expect(r.take()).toEqual(["handler", "irqEoi", "handler", "irqEoi"]);
  });

  it("fasteoi_ack acknowledges before the handlers; fasteoi_mask masks and acknowledges at entry", () => {
    const r = rig();
    const ack = busy(r, G.handleFasteoiAckIrq, () => {});
    r.irq.raise(ack, 0);
    expect(r.take()).toEqual(["irqAck", "handler", "irqEoi"]);
    const mask = busy(r, G.handleFasteoiMaskIrq, () => {});
    r.irq.raise(mask, 0);
    expect(r.take()).toEqual(["irqMask", "irqAck", "handler", "irqUnmask", "irqEoi"]);
  });

  it("a line that wants it is resent when an arrival met its running handlers", () => {
    const r = rig();
    const irq = busy(r, G.handleFasteoiIrq, (n) => r.irq.raise(n, 0));
    G.irqdSetResendWhenInProgress(r.irq.irqGetIrqData(irq) as G.IrqData);
    r.irq.raise(irq, 0);
    r.kernel.run("1ms");
    expect(r.take()).toEqual(["handler", "irqEoi", "irqEoi", "handler", "irqEoi"]);
  });

  it("an edge on the CPU a line has just moved to waits for the handler on the old one, and is handled there", () => {
    const r = rig();
    const seen: number[] = [];
    const chip = r.chip(["irqMask", "irqUnmask", "irqAck"], 0, {
      irqSetAffinity(d, mask) {
        G.irqDataUpdateEffectiveAffinity(d, mask);
        G.irqdSetSingleTarget(d);
        return 0;
      },
    });
    const irq = r.line(chip, G.handleEdgeIrq);
    r.irq.requestIrq(
      irq,
      (n) => {
        seen.push(r.irq.irqs.cpu);
        if (seen.length === 1) {
          r.irq.irqSetAffinity(n, Uint32Array.of(2));
          r.irq.raise(n, 1);
          expect(seen).toEqual([0]);
        }
        return G.IRQ_HANDLED;
      },
      0,
      "dev",
    );
    r.irq.irqSetAffinity(irq, Uint32Array.of(1));
    r.take();
    r.irq.raise(irq, 0);
    expect(seen).toEqual([0, 1]);
    expect(r.take()).toEqual(["irqAck", "irqAck"]);
  });

  it("a handler that throws leaves the line as it should be, its sharers run, and the arrival's caller is told", () => {
    const r = rig();
    const irq = r.line(r.chip(["irqMask", "irqUnmask", "irqAck"]), G.handleLevelIrq);
    r.irq.requestIrq(
      irq,
      () => {
        throw new Error("broken driver");
      },
      G.IRQF_SHARED,
      "bad",
      1,
    );
    r.irq.requestIrq(irq, r.handler("good"), G.IRQF_SHARED, "good", 2);
    r.take();
    expect(() => r.irq.raise(irq, 0)).toThrow("broken driver");
    expect(r.take()).toEqual(["irqMask", "irqAck", "good", "irqUnmask"]);
    expect(r.irq.irqs.state[irq] & (G.IRQD_IRQ_INPROGRESS | G.IRQD_IRQ_MASKED)).toBe(0);
    expect(r.kernel.core.irq.inInterrupt()).toBe(false);
  });

  it("an operation that a flow cannot do without is named", () => {
    const r = rig();
    const irq = r.line(r.chip(["irqMask", "irqUnmask"]), G.handleEdgeIrq);
    expect(() => r.irq.raise(irq, 0)).toThrow(
      /irq 24: handle_edge_irq needs irqAck, which irq_chip 'test' does not have/,
    );
  });

  it("a platform's own flow is called with the lines and the number", () => {
    const r = rig();
    const irq = r.line(r.chip([]), (g, n) => {
      r.calls.push(`quirk ${n} ${g === r.irq.irqs}`);
    });
    r.take();
    r.irq.raise(irq, 1);
    expect(r.take()).toEqual(["quirk 24 true"]);
  });

  it("disable_irq from the line's own handler would wait for ever: EDEADLK, and nothing changes", () => {
    const r = rig();
    let error: unknown;
    const irq = busy(r, G.handleSimpleIrq, (n) => {
      try {
        r.irq.disableIrq(n);
      } catch (e) {
        error = e;
      }
    });
    r.irq.raise(irq, 0);
    expect(error).toBeInstanceOf(KernelError);
    expect((error as KernelError).code).toBe("EDEADLK");
    expect(r.irq.irqs.depth[irq]).toBe(0);
  });

  it("unknown and odd numbers are EINVAL", () => {
    const r = rig();
    for (const irq of [0, -1, 900, 1.5, Number.NaN, 2 ** 31]) expect(r.irq.genericHandleIrq(irq)).toBe(-22);
    expect(() => r.irq.raise(24, 7)).toThrow(/cpu 7 is not on line/);
  });

  it("a chip that insists on hard interrupt context gets EPERM elsewhere", () => {
    const r = rig();
    const irq = busy(r, G.handleSimpleIrq, () => {});
    G.irqdSetHandleEnforceIrqctx(r.irq.irqGetIrqData(irq) as G.IrqData);
    expect(r.irq.genericHandleIrq(irq)).toBe(-1);
    expect(r.irq.raise(irq, 0)).toBe(0);
    expect(r.take()).toEqual(["handler"]);
  });

  it("2006's SIMPLE and PERCPU types pick the flow and do not reach the chip", () => {
    const r = rig();
    const irq = r.line(r.chip(["irqSetType", "irqAck"]), G.handleEdgeIrq);
    expect(r.irq.setIrqType(irq, G.IRQ_TYPE_SIMPLE)).toBe(0);
    expect(G.flowName(r.irq.irqs.flow[irq])).toBe("handle_simple_irq");
    expect(r.irq.setIrqType(irq, G.IRQ_TYPE_PERCPU)).toBe(0);
    expect(G.flowName(r.irq.irqs.flow[irq])).toBe("handle_percpu_irq");
    expect(r.take()).toEqual([]);
  });
});

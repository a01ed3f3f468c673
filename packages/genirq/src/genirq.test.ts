import { createKernel, createMachine, KernelError } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import * as G from "./index.js";
import { rig } from "./testRig.js";

describe("the package in a kernel", () => {
  it("names a wrong option, its value and what is allowed", () => {
    expect(() => G.genirq({ entry: "both" } as never)).toThrow(/entry must be "flow" or "__do_IRQ", not both/);
    expect(() => G.genirq({ counterBits: 16 } as never)).toThrow(/counterBits must be 32 or 64, not 16/);
    expect(() => G.genirq({ nrIrqs: 0 })).toThrow(/nrIrqs must be an integer from 1/);
    expect(() => G.genirq({ irqs: 3 } as never)).toThrow(/there is no option irqs; allowed are entry/);
    expect(() => G.irqChip("c", { mask() {} } as never)).toThrow(/there is no operation mask; allowed are irqStartup/);
  });

  it("changes nothing for those who do not use it", () => {
    const digest = (withIt: boolean): string => {
      const b = createKernel({ machine: { cpus: 2 } });
      const k = withIt ? b.use(G.genirq()).boot() : b.boot();
      const sys = k.sys(k.init);
      sys.mkdir("/tmp/a", 0o755);
      k.run("1s");
      return k.digest();
    };
    expect(digest(true)).toBe(digest(false));
  });

  it("a checkpoint taken between interrupts and threads goes on as the kernel it was taken from", () => {
    const handler = (): number => G.IRQ_WAKE_THREAD;
    const thread = (): number => G.IRQ_HANDLED;
    const chip = G.irqChip("saved", { irqMask() {}, irqUnmask() {}, irqAck() {} });
    const make = () => {
      const k = createMachine({ machine: { cpus: 2 } })
        .use(G.genirq())
        .boot();
      k.core.state.static("test.handler", handler);
      k.core.state.static("test.thread", thread);
      k.core.state.static("test.chip", chip);
      return k;
    };
    const k = make();
    const irq = k.genirq.irqAllocDesc();
    k.genirq.irqSetChipAndHandlerName(irq, chip, G.handleLevelIrq, "level");
    k.genirq.requestThreadedIrq(irq, handler, thread, G.IRQF_ONESHOT, "dev");
    k.genirq.raise(irq, 1);
    k.genirq.disableIrqNosync(irq);
    k.genirq.raise(irq, 0);
    const saved = JSON.parse(JSON.stringify(k.checkpoint())) as ReturnType<typeof k.checkpoint>;
    const go = (x: typeof k): string => {
      x.genirq.enableIrq(irq);
      x.run("5ms");
      x.genirq.raise(irq, 1);
      x.run("5ms");
      return `${x.digest()} ${x.genirq.interruptsText()} ${x.genirq.irqs.threadsHandled[irq]}`;
    };
    const other = make();
    (other as unknown as { restore(c: unknown): void }).restore(saved);
    expect(go(other)).toBe(go(k));
    expect(k.genirq.irqs.threadsHandled[irq]).toBe(3);
  });

  it("takes no memory per interrupt", () => {
    const r = rig();
    const irq = r.line(G.irqChip("c", { irqMask() {}, irqUnmask() {}, irqAck() {} }), G.handleLevelIrq);
    r.irq.requestIrq(irq, () => G.IRQ_HANDLED, 0, "dev");
    const storm = (n: number): void => {
      for (let i = 0; i < n; i++) r.irq.genericHandleIrq(irq);
    };
    storm(100_000);
    const before = process.memoryUsage().heapUsed;
    storm(1_000_000);
    const grown = process.memoryUsage().heapUsed - before;
    // a single object per interrupt would be tens of megabytes
    expect(grown).toBeLessThan(4e6);
  });

  it("the lines of 10,000 devices take what the columns say", () => {
    const r = rig();
    const first = r.irq.irqAllocDescs(-1, 0, 10_000);
    expect(first).toBe(24);
    expect(r.irq.irqs.nrIrqs).toBe(10_024);
    expect(r.irq.irqs.bytesPerLine).toBe(72 + 3 * 4);
    r.irq.irqFreeDescs(first, 10_000);
    expect(r.irq.irqAllocDesc()).toBe(24);
  });
});

describe("hostile arguments", () => {
  const weird: unknown[] = [
    -1,
    0,
    23,
    900,
    1.5,
    Number.NaN,
    2 ** 31,
    2 ** 53,
    Number.POSITIVE_INFINITY,
    null,
    undefined,
    "24",
    {},
  ];

  it("no function of a line throws for a number that is none, or changes anything", () => {
    const r = rig();
    const before = JSON.stringify(r.kernel.checkpoint());
    const { irq } = r;
    for (const w of weird as number[]) {
      const ints = [
        irq.genericHandleIrq(w),
        irq.requestIrq(w, r.handler("h"), 0, "d"),
        irq.irqSetIrqType(w, 1),
        irq.irqSetIrqWake(w, true),
        irq.irqInjectInterrupt(w),
        irq.irqSetAffinity(w, Uint32Array.of(1)),
        irq.irqModifyStatus(w, 0, -1),
        irq.irqSetChip(w, null),
        irq.irqSetPercpuDevid(w),
      ];
      for (const i of ints) expect(i).toBeLessThan(0);
      irq.enableIrq(w);
      irq.disableIrq(w);
      irq.handleNestedIrq(w);
      irq.irqDisposeMapping(w);
      expect(irq.freeIrq(w, 1)).toBeNull();
    }
    expect(JSON.stringify(r.kernel.checkpoint())).toBe(before);
  });

  it("a handler that is no function is a TypeError that says so", () => {
    const r = rig();
    expect(() => r.irq.requestIrq(24, 5 as never, 0, "d")).toThrow(/handler must be a function or null, not 5/);
  });

  it("writes to the affinity files surface nothing but their errno, and a failed one changes nothing", () => {
    const k = createKernel({ machine: { cpus: 4 } })
      .use(G.genirq())
      .boot();
    const a = k.genirq;
    const irq = a.irqAllocDesc();
    const chip = G.irqChip("c", {
      irqMask() {},
      irqUnmask() {},
      irqAck() {},
      irqSetAffinity(d, mask) {
        G.irqDataUpdateEffectiveAffinity(d, mask);
        return 0;
      },
    });
    a.irqSetChipAndHandlerName(irq, chip, G.handleEdgeIrq, null);
    a.requestIrq(irq, () => G.IRQ_HANDLED, 0, "dev");
    const sys = k.sys(k.init);
    let x = 7;
    const random = (n: number): number => {
      x = (Math.imul(x, 1664525) + 1013904223) >>> 0;
      return (x >>> 8) % n;
    };
    const alphabet = "0123456789abcdefABCDEF,-:/ \n\tNxlz\0é";
    for (const name of [`${irq}/smp_affinity`, `${irq}/smp_affinity_list`, "default_smp_affinity"]) {
      const fd = sys.open(`/proc/irq/${name}`, 2);
      for (let n = 0; n < 2000; n++) {
        let text = "";
        for (let i = random(12); i >= 0; i--) text += alphabet[random(alphabet.length)];
        const was = `${a.irqs.desc[irq]?.affinity} ${a.irqs.defaultAffinity}`;
        try {
          expect(sys.write(fd, text)).toBeGreaterThan(0);
        } catch (e) {
          expect(e).toBeInstanceOf(KernelError);
          expect(["EINVAL", "EOVERFLOW", "ERANGE"]).toContain((e as KernelError).code);
          expect(`${a.irqs.desc[irq]?.affinity} ${a.irqs.defaultAffinity}`).toBe(was);
        }
      }
      sys.close(fd);
    }
  });

  it("a storm of 100,000 unhandled interrupts ends with the line disabled and one report", () => {
    const r = rig();
    const irq = r.line(r.chip(["irqAck"]), G.handleEdgeIrq);
    r.irq.requestIrq(irq, () => G.IRQ_NONE, 0, "dev");
    r.log();
    for (let i = 0; i < 200_000; i++) r.irq.genericHandleIrq(irq);
    const log = r.log();
    expect(log.filter((l) => l.includes("nobody cared"))).toHaveLength(1);
    expect(log).toContain(`Disabling IRQ #${irq}`);
    expect(r.irq.irqs.total[irq]).toBe(100_000);
  });
});

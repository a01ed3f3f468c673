/** stuckLine: one device holds a shared level line for ever and its handler denies it. What becomes of the others on the line? */
import { createMachine } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import { IRQ_HANDLED, IRQ_NONE, IRQD_IRQ_DISABLED, IRQF_SHARED, IRQS_SPURIOUS_DISABLED } from "../abi.js";
import { irqChip } from "../chip/irqChip.js";
import { handleLevelIrq } from "../flow/flowHandlers.js";
import { genirq } from "../genirq.js";

type Knobs = { goodDevices: number; stormPeriodNs: number; eventMs: number; seconds: number };

const HARDWARE = 0;

export const stuckLine: Story<Knobs> = {
  id: "stuckLine",
  question:
    "When a shared interrupt line is stuck, how long do the innocent devices on it wait before, during and after its shutdown?",
  source: "Documentation/core-api/genericirq, boot parameters irqpoll and noirqdebug",
  claim:
    "the line is disabled with the 100,000th interrupt of the window that began with the first unhandled one, if more than 99,900 were unhandled; from then on the others are polled every 100 ms (26 ticks at 250 Hz, since a wheel timer fires in the tick after)",
  assumes: ["An interrupt takes no time by itself; the stuck line comes again after `stormPeriodNs`."],
  knobs: {
    goodDevices: { kind: "number", default: 2, min: 1, max: 16, unit: "devices" },
    stormPeriodNs: { kind: "number", default: 5000, min: 500, max: 1e6, unit: "ns" },
    eventMs: { kind: "number", default: 37, min: 1, max: 1000, unit: "ms" },
    seconds: { kind: "number", default: 3, min: 1, max: 60, unit: "s" },
  },
  run(given): StoryResult {
    const { goodDevices, stormPeriodNs, eventMs, seconds } = knobsOf(stuckLine.knobs, given);
    const kernel = createMachine({ machine: { cpus: 1 } })
      .use(genirq())
      .boot();
    const { core, genirq: a } = kernel;
    const chip = irqChip("level", { irqMask() {}, irqUnmask() {}, irqAck() {} });
    const irq = a.irqAllocDesc();
    a.irqSetChipAndHandlerName(irq, chip, handleLevelIrq, "level");
    let stuckSince = -1;
    let arrivals = 0;
    let atDisable = -1;
    const x: number[] = [];
    const y: number[] = [];
    const waits = { before: 0, during: 0, after: 0 };
    /** Instants of events that their handler has not seen. */
    const events: number[][] = Array.from({ length: goodDevices }, () => []);
    const isOff = (): boolean => (a.irqs.state[irq] & IRQD_IRQ_DISABLED) !== 0;
    for (let i = 0; i < goodDevices; i++) {
      a.requestIrq(
        irq,
        () => {
          if (events[i].length === 0) return IRQ_NONE;
          for (const t of events[i].splice(0)) {
            const ms = (core.now - t) / 1e6;
            const phase = stuckSince < 0 ? "before" : atDisable < 0 ? "during" : "after";
            waits[phase] = Math.max(waits[phase], ms);
            x.push(core.now / 1e9);
            y.push(ms);
          }
          return IRQ_HANDLED;
        },
        IRQF_SHARED,
        `good${i}`,
        `good${i}`,
      );
    }
    a.requestIrq(irq, () => IRQ_NONE, IRQF_SHARED, "stuck", "stuck");
    let stuckArrivals = 0;
    const interrupt = (): void => {
      arrivals++;
      if (stuckSince >= 0) stuckArrivals++;
      a.raise(irq, 0);
      if (atDisable < 0 && isOff()) atDisable = core.now;
    };
    // the line's level: a good device's event, or the stuck device, interrupts while the line is open
    const storm = core.events.define("story.storm", () => {
      if (isOff()) return;
      interrupt();
      core.events.at(core.now + stormPeriodNs, HARDWARE, storm, null);
    });
    const event = core.events.define("story.event", (i) => {
      events[i as number].push(core.now);
      if (stuckSince < 0 && !isOff()) interrupt();
      core.events.at(core.now + eventMs * 1e6, HARDWARE, event, i);
    });
    for (let i = 0; i < goodDevices; i++) core.events.at(core.now + (i + 1) * 1e6, HARDWARE, event, i);
    kernel.run(0.5e9);
    const handledBefore = arrivals;
    stuckSince = core.now;
    core.events.at(core.now, HARDWARE, storm, null);
    kernel.run(seconds * 1e9);
    const spurious = (a.irqs.state[irq] & IRQS_SPURIOUS_DISABLED) !== 0;
    return {
      series: [{ name: "wait of the good devices", unit: "ms", of: "s", x, y }],
      table: {
        columns: ["phase", "longest wait, ms"],
        rows: [
          ["before", waits.before],
          ["storm", waits.during],
          ["disabled, polled", Math.round(waits.after * 1000) / 1000],
        ],
      },
      numbers: {
        handledBefore,
        stormInterrupts: stuckArrivals,
        disabled: spurious ? 1 : 0,
        disabledAfterMs: (atDisable - stuckSince) / 1e6,
        waitBeforeMs: waits.before,
        waitStormMs: waits.during,
        waitPolledMs: waits.after,
      },
    };
  },
};

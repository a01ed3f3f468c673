/** counterWrap: a year of timer interrupts, and what 32-bit counters make of it. */
import { createMachine } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import { IRQ_HANDLED } from "../abi.js";
import { dummyIrqChip } from "../chip/irqChip.js";
import { presetCounts } from "../files/preset.js";
import { intrText } from "../files/procInterrupts.js";
import { handlePercpuIrq } from "../flow/flowHandlers.js";
import { genirq } from "../genirq.js";

/** Real arrivals after each stretch that is counted at once: they are what crosses the wrap. */
const REAL = 100;
const DAY = 86400;

type Knobs = { hz: number; days: number; sampleSeconds: number };

export const counterWrap: Story<Knobs> = {
  id: "counterWrap",
  question:
    "When do Linux's 32-bit interrupt counters wrap under a 1000 Hz timer, and what do tools that compute rates show then?",
  source: "LU&D 3.18",
  claim:
    "2^32 interrupts at 1000 per second last 49.71 days (the article says 46): seven wraps in a year; a tool that subtracts as 64-bit numbers shows 1e15 interrupts a second and more, one that subtracts modulo 2^32 shows nothing",
  assumes: ["Between samples all interrupts but the last hundred are counted at once."],
  knobs: {
    hz: { kind: "number", default: 1000, min: 100, max: 10_000, unit: "interrupts/s" },
    days: { kind: "number", default: 365, min: 1, max: 3650, unit: "days" },
    sampleSeconds: { kind: "number", default: 3600, min: 10, max: DAY, unit: "s" },
  },
  run(given): StoryResult {
    const { hz, days, sampleSeconds } = knobsOf(counterWrap.knobs, given);
    const machines = ([32, 64] as const).map((counterBits) => {
      const kernel = createMachine({ machine: { cpus: 1 } })
        .use(genirq({ counterBits }))
        .boot();
      const a = kernel.genirq;
      const irq = a.irqAllocDesc();
      a.irqSetChipAndHandlerName(irq, dummyIrqChip, handlePercpuIrq, null);
      a.requestIrq(irq, () => IRQ_HANDLED, 0, "timer");
      return { kernel, a, irq };
    });
    const read = (m: (typeof machines)[number]): number => m.a.irqs.kstat[m.irq * m.a.irqs.nrCpus];
    const x: number[] = [];
    const y: [number[], number[]] = [[], []];
    const rows: (string | number)[][] = [];
    let wraps = 0;
    let first = 0;
    let worst = 0;
    let last = 0;
    const perSample = Math.round(hz * sampleSeconds);
    const samples = Math.round((days * DAY) / sampleSeconds);
    const every = Math.max(1, Math.floor(samples / 400));
    for (let n = 1; n <= samples; n++) {
      for (const m of machines) {
        presetCounts(m.a.irqs, m.irq, [read(m) + perSample - REAL]);
        for (let i = 0; i < REAL; i++) m.a.raise(m.irq, 0);
        m.kernel.run(sampleSeconds * 1e9);
      }
      const now = read(machines[0]);
      const day = (n * sampleSeconds) / DAY;
      if (now < last) {
        wraps++;
        const crossed = day - now / hz / DAY;
        if (wraps === 1) first = crossed;
        // the difference as a signed double, as an unsigned 64-bit number, and modulo 2^32
        const signed = (now - last) / sampleSeconds;
        const u64 = (2 ** 64 + now - last) / sampleSeconds;
        worst = Math.max(worst, u64);
        rows.push([
          wraps,
          round(crossed),
          Math.round(signed),
          u64.toExponential(2),
          Math.round(((now - last) >>> 0) / sampleSeconds),
        ]);
      }
      last = now;
      if (n % every === 0) {
        x.push(round(day));
        y[0].push(now);
        y[1].push(read(machines[1]));
      }
    }
    const bytes = machines.map((m) => m.a.irqs.bytesPerLine);
    return {
      series: [
        { name: "32-bit counter", unit: "interrupts", of: "days", x, y: y[0] },
        { name: "64-bit counter", unit: "interrupts", of: "days", x, y: y[1] },
      ],
      table: { columns: ["wrap", "day", "rate, signed", "rate, 64-bit unsigned", "rate, modulo 2^32"], rows },
      numbers: {
        firstWrapDays: first,
        articleDays: 46,
        wraps,
        worstRate: worst,
        // /proc/stat's total is 64 bits wide in both
        total: Number(intrText(machines[0].a.irqs).split(" ")[0]),
        bytesPerLine32: bytes[0],
        bytesPerLine64: bytes[1],
      },
    };
  },
};

const round = (n: number): number => Math.round(n * 100) / 100;

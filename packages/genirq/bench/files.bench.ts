/** What the texts cost: /proc/interrupts of a large machine, and of one as big as this one's, beside the real kernel's. */

import { readFileSync } from "node:fs";
import { createMachine } from "@kernelkit/core";
import type { Benchmark } from "../../../tooling/bench/src/index.js";
import {
  type GenirqApi,
  genirq,
  handleEdgeIrq,
  IRQ_HANDLED,
  irqChip,
  parseInterrupts,
  presetCounts,
} from "../src/index.js";

const chip = irqChip("PCI-MSIX-0000:00:01.0", { irqMask() {}, irqUnmask() {}, irqAck() {} });

/** A machine whose lines all have counts on all CPUs. */
function machine(cpus: number, lines: number): GenirqApi {
  const a = createMachine({ machine: { cpus } }).use(genirq()).boot().genirq;
  const domain = a.irqDomainCreateTree("msi", {});
  for (let n = 0; n < lines; n++) {
    const irq = a.irqCreateMapping(domain, n);
    a.irqSetChipAndHandlerName(irq, chip, handleEdgeIrq, "edge");
    a.requestIrq(irq, () => IRQ_HANDLED, 0, `nvme0q${n}`);
    presetCounts(
      a.irqs,
      irq,
      Array.from({ length: cpus }, (_, c) => (n * 7919 + c * 104729) % 1_000_000),
    );
  }
  return a;
}

const text = (a: GenirqApi) => (): string => a.interruptsText();

const benchmarks: Benchmark[] = [
  {
    name: "/proc/interrupts, 1024 lines x 64 CPUs",
    unit: "read",
    target: 200,
    setup: () => text(machine(64, 1024)),
  },
  {
    name: "/proc/interrupts, 20 lines x 2 CPUs",
    unit: "read",
    setup: () => text(machine(2, 20)),
    peers: [{ name: "Linux, this machine's file", run: () => readFileSync("/proc/interrupts") }],
  },
  {
    name: "parse /proc/interrupts, 1024 lines x 64 CPUs",
    unit: "read",
    setup: () => {
      const file = machine(64, 1024).interruptsText();
      return () => parseInterrupts(file);
    },
  },
];

export default benchmarks;

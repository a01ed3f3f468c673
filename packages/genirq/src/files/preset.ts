/**
 * A machine set up from a real one's /proc/interrupts: a line for each numbered row, with a chip of that name, the flow its name tells,
 * the requests (whose handlers do nothing) and the counts. Rows that are no lines replace the machine's own.
 */
import { IRQ_HANDLED, IRQF_SHARED } from "../abi.js";
import { dummyIrqChip, type IrqChip, irqChip } from "../chip/irqChip.js";
import type { FlowHandler } from "../desc.js";
import { irqDomainAssociate, irqDomainCreateTree } from "../domain/irqDomain.js";
import { irqSetHandler } from "../flow/chained.js";
import {
  handleEdgeIrq,
  handleFasteoiIrq,
  handleLevelIrq,
  handlePercpuIrq,
  handleSimpleIrq,
} from "../flow/flowHandlers.js";
import type { Irqs } from "../irqs.js";
import { requestIrq } from "../manage/requestIrq.js";
import { irqAllocDescs, irqSetChip } from "../manage/setChip.js";
import { type Interrupts, parseInterrupts } from "./parseInterrupts.js";

const FLOW_OF: Readonly<Record<string, FlowHandler>> = {
  edge: handleEdgeIrq,
  level: handleLevelIrq,
  fasteoi: handleFasteoiIrq,
  percpu: handlePercpuIrq,
};

/** Handler of a request that is only known by name. */
export function presetHandler(): number {
  return IRQ_HANDLED;
}

/**
 * Set the machine from the text of /proc/interrupts, or what `parseInterrupts` made of it. Counts of CPUs that the machine does not have
 * are added to CPU 0. Returns the numbers of the lines. RangeError if a line of that number is there already.
 */
export function presetInterrupts(g: Irqs, from: string | Interrupts): number[] {
  const file = typeof from === "string" ? parseInterrupts(from) : from;
  const taken = file.rows.find((r) => r.chip !== null && g.has(Number(r.label)));
  if (taken !== undefined) throw new RangeError(`presetInterrupts: line ${taken.label} is there already`);
  const chips = new Map<string, IrqChip>();
  const numbers: number[] = [];
  const rows: Irqs["archRows"] = [];
  for (const r of file.rows) {
    const counts = new Array<number>(g.nrCpus).fill(0);
    r.counts.forEach((n, i) => {
      const cpu = file.cpus[i] ?? 0;
      counts[cpu < g.nrCpus ? cpu : 0] += n;
    });
    if (!/^\d+$/.test(r.label)) {
      const single = r.counts.length === 1 && r.text === "";
      rows.push({ label: r.label, text: r.text, single, counts: single ? [...r.counts] : counts });
      continue;
    }
    const irq = Number(r.label);
    irqAllocDescs(g, irq, 0, 1);
    const name = r.chip ?? dummyIrqChip.name;
    let chip = chips.get(name);
    if (chip === undefined) {
      chip = irqChip(name, { irqMask() {}, irqUnmask() {}, irqAck() {}, irqEoi() {} });
      chips.set(name, chip);
    }
    irqSetChip(g, irq, chip);
    if (r.hwirq !== null) {
      const domain = g.domains.find((d) => d.name === name) ?? irqDomainCreateTree(g, name, {});
      // several controllers of one name may each have a line of that number
      const own = domain.revmap.has(r.hwirq) ? irqDomainCreateTree(g, name, {}) : domain;
      irqDomainAssociate(g, own, irq, r.hwirq);
    }
    irqSetHandler(g, irq, FLOW_OF[r.flow ?? ""] ?? handleSimpleIrq, r.flow);
    const shared = r.actions.length > 1 ? IRQF_SHARED : 0;
    r.actions.forEach((action, i) => {
      requestIrq(g, irq, presetHandler, shared, action, `${irq}.${i}`);
    });
    presetCounts(g, irq, counts);
    numbers.push(irq);
  }
  if (rows.length > 0) g.archRows.splice(0, g.archRows.length, ...rows);
  g.nrIrqs = Math.max(g.nrIrqs, ...numbers.map((n) => n + 1));
  return numbers;
}

/** Set the counters of a line, one per CPU; the total follows. */
export function presetCounts(g: Irqs, irq: number, counts: readonly number[]): void {
  let total = 0;
  counts.forEach((n, cpu) => {
    const at = irq * g.nrCpus + cpu;
    g.irqsSum[cpu] += n - g.kstat[at];
    g.kstat[at] = n;
    total += g.kstat[at];
  });
  g.total[irq] = total;
}

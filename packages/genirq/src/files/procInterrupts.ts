/**
 * /proc/interrupts and the `intr` line of /proc/stat, as pure functions over the state. proc(5).
 *
 * A line has a row if it was requested or has counts (chained ones only with counts, hidden ones never); columns are CPUs on line.
 * Spacing is that of 6.18.
 */
import { latin1Text, padLeft, padRight } from "@kernelkit/core";
import { IRQ_HIDDEN, IRQ_PER_CPU, IRQ_PER_CPU_DEVID } from "../abi.js";
import type { IrqData, IrqDesc } from "../desc.js";
import type { ArchRow, Irqs } from "../irqs.js";
import { actionNames } from "./irqText.js";

/** Rows that are no lines, as a 6.18 x86 machine has them. */
export const ARCH_ROWS: readonly (readonly [label: string, text: string])[] = [
  ["NMI", "Non-maskable interrupts"],
  ["LOC", "Local timer interrupts"],
  ["SPU", "Spurious interrupts"],
  ["PMI", "Performance monitoring interrupts"],
  ["IWI", "IRQ work interrupts"],
  ["RTR", "APIC ICR read retries"],
  ["RES", "Rescheduling interrupts"],
  ["CAL", "Function call interrupts"],
  ["TLB", "TLB shootdowns"],
  ["TRM", "Thermal event interrupts"],
  ["ERR", ""],
  ["MIS", ""],
  ["PIN", "Posted-interrupt notification event"],
  ["NPI", "Nested posted-interrupt event"],
  ["PIW", "Posted-interrupt wakeup event"],
];

/** The rows of a machine with that many CPUs, all zero. */
export function archRows(cpus: number): ArchRow[] {
  return ARCH_ROWS.map(([label, text]) => {
    const single = text === "";
    return { label, text, single, counts: new Array<number>(single ? 1 : cpus).fill(0) };
  });
}

/** Columns that the number of a line takes. */
export function labelWidth(nrIrqs: number): number {
  return Math.max(3, String(nrIrqs).length);
}

/** The whole file. */
export function interruptsText(g: Irqs): string {
  const { online } = g.k.cpus;
  const cpus: number[] = [];
  for (let c = 0; c < g.nrCpus; c++) if (online[c] === 1) cpus.push(c);
  const width = labelWidth(g.nrIrqs);
  let out = " ".repeat(width + 8);
  for (const c of cpus) out += `CPU${padRight(c, 8)}`;
  out += "\n";
  const cells = new Uint8Array(cpus.length * CELL);
  for (let irq = 0; irq < g.desc.length; irq++) if (g.desc[irq] !== null) out += row(g, irq, cpus, width, cells);
  for (const row of g.archRows) {
    out += `${padLeft(row.label, width)}:`;
    if (row.single) out += ` ${padLeft(row.counts[0], 10)}\n`;
    else {
      for (const c of cpus) out += ` ${padLeft(row.counts[c] ?? 0, 10)}`;
      out += `   ${row.text}\n`;
    }
  }
  return out;
}

/** Bytes of a count with the blanks before it. */
const CELL = 11;

/** The counts of a row, as bytes: a large machine's file has a hundred thousand of them. */
function countsText(cells: Uint8Array, kstat: ArrayLike<number>, base: number, cpus: readonly number[]): string {
  cells.fill(32);
  for (let i = 0; i < cpus.length; i++) {
    let n = kstat[base + cpus[i]];
    let at = i * CELL + CELL;
    // numbers of 64-bit counters may be wider than their column
    if (n > 9_999_999_999) return cpus.map((c) => ` ${padLeft(kstat[base + c], CELL - 1)}`).join("");
    do {
      const tens = Math.floor(n / 10);
      cells[--at] = 48 + n - tens * 10;
      n = tens;
    } while (n > 0);
  }
  return latin1Text(cells);
}

/** A line's row with its newline; empty if it has none. */
export function lineRow(g: Irqs, irq: number, cpus: readonly number[], width: number): string {
  return row(g, irq, cpus, width, new Uint8Array(cpus.length * CELL));
}

function row(g: Irqs, irq: number, cpus: readonly number[], width: number, cells: Uint8Array): string {
  const base = irq * g.nrCpus;
  if ((g.settings[irq] & IRQ_HIDDEN) !== 0) return "";
  const action = g.action[irq];
  if ((action === null || action === g.chained) && !cpus.some((c) => g.kstat[base + c] !== 0)) return "";
  const desc = g.desc[irq] as IrqDesc;
  const d = g.data[irq] as IrqData;
  let text = `${padLeft(irq, width)}:${countsText(cells, g.kstat, base, cpus)} ${d.chip.irqPrintChip !== null ? d.chip.irqPrintChip(d) : padLeft(d.chip.name, 8)}`;
  text += d.domain !== null ? ` ${padLeft(d.hwirq, 3)}` : "    ";
  if (desc.name !== null) text += `-${padRight(desc.name, 8)}`;
  const names = actionNames(g, irq);
  if (names.length > 0) text += `  ${names.join(", ")}`;
  return `${text}\n`;
}

/** Interrupts of a line in all; of per-CPU ones the sum, else the total that is counted along. */
export function kstatIrqs(g: Irqs, irq: number): number {
  if ((g.settings[irq] & (IRQ_PER_CPU | IRQ_PER_CPU_DEVID)) === 0) return g.total[irq];
  let sum = 0;
  for (let c = 0; c < g.nrCpus; c++) sum += g.kstat[irq * g.nrCpus + c];
  return g.counterBits === 32 ? sum >>> 0 : sum;
}

/** What stands behind `intr ` in /proc/stat: all interrupts, then those of each line up to nr_irqs. */
export function intrText(g: Irqs): string {
  let all = 0;
  for (let c = 0; c < g.nrCpus; c++) all += g.irqsSum[c];
  for (const row of g.archRows) for (const n of row.counts) all += n;
  const parts: (number | string)[] = [all];
  for (let i = 0; i < g.nrIrqs; i++) parts.push(i < g.desc.length && g.desc[i] !== null ? kstatIrqs(g, i) : 0);
  return parts.join(" ");
}

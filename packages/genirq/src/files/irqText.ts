/**
 * Texts of a line's files, as pure functions over the state: /sys/kernel/irq/N/ (Documentation/ABI/testing/sysfs-kernel-irq) and
 * /proc/irq/N/ (Documentation/core-api/irq/irq-affinity.rst). Each ends with a newline, or is empty where there is nothing to say.
 */
import { bitmapAlloc, formatList, formatMask } from "@kernelkit/core";
import { IRQD_LEVEL, IRQD_SETAFFINITY_PENDING, IRQD_WAKEUP_STATE } from "../abi.js";
import type { IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";

/** Names of a line's requests. */
export function actionNames(g: Irqs, irq: number): string[] {
  const names: string[] = [];
  for (let a = g.action[irq]; a !== null && a !== undefined && a !== g.chained; a = a.next) names.push(a.name);
  return names;
}

const orEmpty = (s: string): string => (s === "" ? "" : `${s}\n`);

export function actionsText(g: Irqs, irq: number): string {
  return orEmpty(actionNames(g, irq).join(","));
}
export function chipNameText(g: Irqs, irq: number): string {
  return orEmpty(g.data[irq]?.chip.name ?? "");
}
/** The hardware's number; empty without a domain. */
export function hwirqText(g: Irqs, irq: number): string {
  const d = g.data[irq];
  return d === null || d.domain === null ? "" : `${d.hwirq}\n`;
}
export function nameText(g: Irqs, irq: number): string {
  return orEmpty(g.desc[irq]?.name ?? "");
}
/** A count per possible CPU. */
export function perCpuCountText(g: Irqs, irq: number): string {
  return `${Array.from(g.kstat.subarray(irq * g.nrCpus, (irq + 1) * g.nrCpus)).join(",")}\n`;
}
export function typeText(g: Irqs, irq: number): string {
  return (g.state[irq] & IRQD_LEVEL) !== 0 ? "level\n" : "edge\n";
}
export function wakeupText(g: Irqs, irq: number): string {
  return (g.state[irq] & IRQD_WAKEUP_STATE) !== 0 ? "enabled\n" : "disabled\n";
}

/** The mask that smp_affinity shows: one that waits for the next interrupt, else the present one. */
export function shownAffinity(g: Irqs, irq: number): Uint32Array {
  const d = g.desc[irq] as IrqDesc;
  return (g.state[irq] & IRQD_SETAFFINITY_PENDING) !== 0 && d.pending !== null ? d.pending : d.affinity;
}

/** A CPU mask as hex words ("f", "ff,ffffffff") or as a list ("0-3"). */
export function maskText(g: Irqs, mask: Uint32Array, list: boolean): string {
  return `${list ? formatList(mask) : formatMask(mask, g.nrCpus)}\n`;
}
export function affinityText(g: Irqs, irq: number, list: boolean): string {
  return maskText(g, shownAffinity(g, irq), list);
}
export function effectiveText(g: Irqs, irq: number, list: boolean): string {
  return maskText(g, (g.desc[irq] as IrqDesc).effective, list);
}
/** The driver's hint; zeros without one. */
export function hintText(g: Irqs, irq: number): string {
  return maskText(g, (g.desc[irq] as IrqDesc).hint ?? bitmapAlloc(g.nrCpus), false);
}
export function nodeText(g: Irqs, irq: number): string {
  return `${(g.desc[irq] as IrqDesc).node}\n`;
}
/** Counts of the spurious detector; the time is the jiffies of the last unhandled one in ms, not its age. */
export function spuriousText(g: Irqs, irq: number): string {
  const ms = Math.floor((g.lastUnhandled[irq] * 1000) / g.k.time.hz) % 2 ** 32;
  return `count ${g.irqCount[irq]}\nunhandled ${g.irqsUnhandled[irq]}\nlast_unhandled ${ms} ms\n`;
}

/** `kernelkit kmsg FILE` and `kernelkit interrupts FILE`: what was copied from a real machine, read. */
import { parseInterrupts } from "@kernelkit/genirq";
import type { KmsgRecord } from "@kernelkit/printk-syslog";
import Table from "cli-table3";
import { printable } from "./printable.js";

/** As dmesg(1) prints it, with a line for records that are missing. */
export function kmsgText(records: readonly KmsgRecord[]): string {
  let expected = records[0]?.seq ?? 0;
  let out = "";
  for (const r of records) {
    if (r.seq > expected) out += `... ${r.seq - expected} records are missing ...\n`;
    expected = r.seq + 1;
    const time = `${String(Math.floor(r.usec / 1e6)).padStart(5)}.${String(r.usec % 1e6).padStart(6, "0")}`;
    for (const line of printable(r.text).split("\n")) out += `[${time}] ${line}\n`;
  }
  return out;
}

/** Totals of /proc/interrupts, busiest first. */
export function interruptsText(text: string, json: boolean): string {
  const read = parseInterrupts(text);
  const rows = read.rows
    .map((r) => ({
      irq: r.label,
      total: r.counts.reduce((a, b) => a + b, 0),
      busiest: read.cpus[r.counts.indexOf(Math.max(...r.counts))] ?? 0,
      chip: r.chip,
      what: r.actions.length > 0 ? r.actions.join(", ") : r.text,
    }))
    .sort((a, b) => b.total - a.total);
  if (json) return `${JSON.stringify({ cpus: read.cpus, rows }, null, 1)}\n`;
  const table = new Table({
    head: ["IRQ", "total", "most on CPU", "chip", "name"],
    colAligns: ["right", "right", "right", "left", "left"],
    style: { head: [], border: [], compact: true },
  });
  for (const r of rows) table.push([r.irq, r.total, r.busiest, r.chip ?? "", r.what]);
  return `${table.toString()}\n`;
}

/** `kernelkit kmsg FILE` and `kernelkit interrupts FILE`: what was copied from a real machine, read. */
import { parseInterrupts } from "@kernelkit/genirq";
import Table from "cli-table3";

/** A record of /dev/kmsg. */
export interface KmsgRecord {
  readonly facility: number;
  readonly level: number;
  readonly seq: number;
  readonly usec: number;
  readonly flags: string;
  readonly text: string;
  readonly dictionary: Readonly<Record<string, string>>;
}

const unescapeText = (text: string): string =>
  text.replace(/\\x([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));

/** Records of /dev/kmsg, one after the other: `prio,seq,usec,flags;text` and lines ` KEY=value`. SyntaxError names a bad line. */
export function parseKmsg(text: string): KmsgRecord[] {
  const out: KmsgRecord[] = [];
  text.split("\n").forEach((line, i) => {
    if (line === "") return;
    if (line.startsWith(" ")) {
      const last = out.at(-1);
      const at = line.indexOf("=");
      if (last === undefined || at < 0) throw new SyntaxError(`kmsg, line ${i + 1}: a key without a record`);
      (last.dictionary as Record<string, string>)[line.slice(1, at)] = unescapeText(line.slice(at + 1));
      return;
    }
    const m = /^(\d+),(\d+),(\d+),([^;]*);(.*)$/.exec(line);
    if (m === null) throw new SyntaxError(`kmsg, line ${i + 1}: not a record: ${JSON.stringify(line.slice(0, 60))}`);
    const prio = Number(m[1]);
    out.push({
      facility: prio >> 3,
      level: prio & 7,
      seq: Number(m[2]),
      usec: Number(m[3]),
      flags: m[4].split(",")[0],
      text: unescapeText(m[5]),
      dictionary: {},
    });
  });
  return out;
}

/** As dmesg(1) prints it, with a line for records that are missing. */
export function kmsgText(records: readonly KmsgRecord[]): string {
  let expected = records[0]?.seq ?? 0;
  let out = "";
  for (const r of records) {
    if (r.seq > expected) out += `... ${r.seq - expected} records are missing ...\n`;
    expected = r.seq + 1;
    const time = `${String(Math.floor(r.usec / 1e6)).padStart(5)}.${String(r.usec % 1e6).padStart(6, "0")}`;
    for (const line of r.text.split("\n")) out += `[${time}] ${line}\n`;
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

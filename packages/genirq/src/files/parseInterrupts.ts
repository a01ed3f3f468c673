/**
 * Reading real kernels' /proc/interrupts and the `intr` line of /proc/stat: any number of CPUs, some of them off line, any rows. What is
 * read can be written again byte for byte, whatever kernel it came from, and set a simulated machine (files/preset.ts).
 */

export interface InterruptsRow {
  /** "24", "NMI" */
  readonly label: string;
  /** Counts, one per column; ERR and MIS have one in all. Exact to 2^53. */
  readonly counts: readonly number[];
  /** What follows the last count, as it stands there. */
  readonly rest: string;
  /** Text between the colon and the first count, and width of a count with the blanks before it, as they stand there. */
  readonly widths: readonly number[];
  /** Of lines: the controller, its number of the line (null: none), the flow's name, the requests. */
  readonly chip: string | null;
  readonly hwirq: number | null;
  readonly flow: string | null;
  readonly actions: readonly string[];
  /** Of other rows: what they count. */
  readonly text: string;
}

export interface Interrupts {
  /** Numbers of the CPUs that have a column. */
  readonly cpus: readonly number[];
  readonly header: string;
  readonly rows: readonly InterruptsRow[];
  /** Width of the labels. */
  readonly width: number;
}

/** Read the text of /proc/interrupts. SyntaxError, with the number of the line, for what is not one. */
export function parseInterrupts(text: string): Interrupts {
  const lines = text.split("\n");
  if (lines.pop() !== "") throw new SyntaxError("/proc/interrupts: the last line has no end");
  const header = lines[0] ?? "";
  if (!/^ +(CPU\d+ +)+$/.test(header)) throw new SyntaxError("/proc/interrupts, line 1: no header of CPUs");
  const cpus = [...header.matchAll(/CPU(\d+)/g)].map((m) => Number(m[1]));
  const rows = lines.slice(1).map((line, i) => parseRow(line, i + 2, cpus.length));
  return { cpus, header, rows, width: header.indexOf("CPU") - 8 };
}

function parseRow(line: string, number: number, columns: number): InterruptsRow {
  const head = /^( *)(\S+?):/.exec(line);
  if (head === null) throw new SyntaxError(`/proc/interrupts, line ${number}: no label before a colon`);
  let at = head[0].length;
  const counts: number[] = [];
  const widths: number[] = [head[1].length];
  const count = / *\d+(?= |$)/y;
  while (counts.length < columns) {
    count.lastIndex = at;
    const m = count.exec(line);
    if (m === null) break;
    counts.push(Number(m[0]));
    widths.push(m[0].length);
    at += m[0].length;
  }
  if (counts.length !== columns && counts.length !== 1)
    throw new SyntaxError(`/proc/interrupts, line ${number}: ${counts.length} counts for ${columns} CPUs`);
  const rest = line.slice(at);
  const label = head[2];
  if (!/^\d+$/.test(label))
    return { label, counts, rest, widths, chip: null, hwirq: null, flow: null, actions: [], text: rest.trim() };
  return { label, counts, rest, widths, text: "", ...parseLine(rest) };
}

/** `  IO-APIC   5-edge      ACPI:Ged`: chip, hardware line and flow, two blanks, requests. */
function parseLine(rest: string): Pick<InterruptsRow, "chip" | "hwirq" | "flow" | "actions"> {
  const chip = /^ *(\S+)/.exec(rest);
  if (chip === null) return { chip: null, hwirq: null, flow: null, actions: [] };
  let tail = rest.slice(chip[0].length);
  const hw = /^ +(\d+)(?=[-\s]|$)/.exec(tail);
  if (hw !== null) tail = tail.slice(hw[0].length);
  const flow = /^ {0,4}-(\S+)/.exec(tail);
  if (flow !== null) tail = tail.slice(flow[0].length);
  const names = tail.trim();
  return {
    chip: chip[1],
    hwirq: hw === null ? null : Number(hw[1]),
    flow: flow === null ? null : flow[1],
    actions: names === "" ? [] : names.split(/, */),
  };
}

/** The text again. Counts that have been changed are put in the same width, or more if they need it. */
export function formatInterrupts(i: Interrupts): string {
  let out = `${i.header}\n`;
  for (const r of i.rows) {
    out += `${" ".repeat(r.widths[0])}${r.label}:`;
    r.counts.forEach((n, c) => {
      const s = String(n);
      const width = r.widths[c + 1] ?? 11;
      out += s.length < width ? s.padStart(width) : ` ${s}`;
    });
    out += `${r.rest}\n`;
  }
  return out;
}

export interface Intr {
  /** All interrupts since boot. */
  readonly total: number;
  /** Of each line from 0 on. */
  readonly counts: readonly number[];
}

/** Read the `intr` line of /proc/stat (the line, or the whole text). SyntaxError if there is none. */
export function parseIntr(text: string): Intr {
  const line = text.split("\n").find((l) => l.startsWith("intr "));
  if (line === undefined || !/^intr( \d+)+ *$/.test(line))
    throw new SyntaxError("/proc/stat: no line 'intr' of numbers");
  const numbers = line.trim().split(" ").slice(1).map(Number);
  return { total: numbers[0], counts: numbers.slice(1) };
}

/** The line again, without its end. */
export function formatIntr(i: Intr): string {
  return `intr ${[i.total, ...i.counts].join(" ")}`;
}

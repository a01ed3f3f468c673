/** A story's result for the terminal: what it asks, the table, a small plot of each unit, the figures of the claim. */
import type { Series, StoryResult } from "@kernelkit/core/stories";
import { plot } from "asciichart";
import Table from "cli-table3";
import type { Entry } from "./catalogue.js";

const WIDTH = 64;
const HEIGHT = 8;
/** Fewer points than this are read better in the table. */
const POINTS = 12;

const figure = (v: string | number): string =>
  typeof v === "string" ? v : Number.isInteger(v) ? String(v) : String(Number(v.toPrecision(4)));

export function tableText(result: StoryResult): string {
  const { columns, rows } = result.table;
  if (rows.length === 0) return "";
  const table = new Table({
    head: [...columns],
    style: { head: [], border: [], compact: true },
    colAligns: columns.map((_, i) => (rows.every((r) => typeof r[i] === "number") ? "right" : "left")),
  });
  for (const row of rows) table.push(row.map(figure));
  return `${table.toString()}\n`;
}

/** A series at evenly spaced places: the value of the last point at or before each. */
function spaced(s: Series, from: number, to: number): number[] {
  const out: number[] = [];
  let i = 0;
  for (let n = 0; n < WIDTH; n++) {
    const x = from + ((to - from) * n) / (WIDTH - 1);
    while (i + 1 < s.x.length && s.x[i + 1] <= x) i++;
    out.push(s.y[i]);
  }
  return out;
}

/** One plot for the series that share unit and abscissa; nothing if they have few points. */
function plotText(series: readonly Series[]): string {
  const good = series.filter((s) => s.x.length >= POINTS && s.y.every(Number.isFinite));
  if (good.length === 0) return "";
  const from = Math.min(...good.map((s) => s.x[0]));
  const to = Math.max(...good.map((s) => s.x[s.x.length - 1]));
  return good
    .map((s) => {
      const body = plot(spaced(s, from, to), { height: HEIGHT, format: (v) => figure(v).padStart(9) });
      return `${s.name} (${s.unit}) over ${s.of} ${figure(from)}..${figure(to)}\n${body}\n`;
    })
    .join("");
}

/** At most this many lines are drawn: more say less. */
const PLOTS = 2;

export function storyText(e: Entry, result: StoryResult): string {
  const { story } = e;
  const drawn = result.series.filter((s) => s.x.length >= POINTS).slice(0, PLOTS);
  const numbers = Object.entries(result.numbers).map(([name, v]) => `${name} ${figure(v)}`);
  return [
    `${e.package}: ${story.id}\n`,
    `${story.question} (${story.source})\n`,
    `Expected: ${story.claim}.\n`,
    tableText(result),
    plotText(drawn),
    `${numbers.join(", ")}\n`,
  ].join("");
}

/** A story's result as files: data as CSV or JSON, pictures as SVG (vega, without a browser). */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { StoryResult } from "@kernelkit/core/stories";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import type { Entry } from "./catalogue.js";

/** A value of a CSV file: quoted where RFC 4180 wants it. */
const cell = (v: string | number): string =>
  /[",\r\n]/.test(String(v)) ? `"${String(v).replaceAll('"', '""')}"` : String(v);

const rowsText = (rows: readonly (readonly (string | number)[])[]): string =>
  rows.map((r) => `${r.map(cell).join(",")}\n`).join("");

/** The table, and the series one point per line. */
export function csvOf(result: StoryResult): { table: string; series: string } {
  return {
    table: rowsText([result.table.columns, ...result.table.rows]),
    series: rowsText([
      ["series", "of", "x", "unit", "y"],
      ...result.series.flatMap((s) => s.x.map((x, i) => [s.name, s.of, x, s.unit, s.y[i]])),
    ]),
  };
}

/** A picture of the series, one panel per unit; null if there are none. */
export async function svgOf(e: Entry, result: StoryResult): Promise<string | null> {
  const units = [...new Set(result.series.map((s) => s.unit))];
  if (units.length === 0) return null;
  const spec: TopLevelSpec = {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title: e.story.question,
    vconcat: units.map((unit) => {
      const series = result.series.filter((s) => s.unit === unit);
      return {
        width: 640,
        height: 240,
        data: { values: series.flatMap((s) => s.x.map((x, i) => ({ series: s.name, x, y: s.y[i] }))) },
        mark: { type: "line", point: series.every((s) => s.x.length < 50) },
        encoding: {
          x: { field: "x", type: "quantitative", title: series[0].of },
          y: { field: "y", type: "quantitative", title: unit },
          color: { field: "series", type: "nominal", title: null },
        },
      } as const;
    }),
  };
  return new View(parse(compile(spec).spec), { renderer: "none" }).toSVG();
}

export interface Outputs {
  readonly csv?: string;
  readonly json?: string;
  readonly svg?: string;
}

/** Write what is asked for into the directories given, by the story's id. */
export async function writeResult(e: Entry, result: StoryResult, o: Outputs): Promise<void> {
  const file = (dir: string, name: string, text: string): void => {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, `${e.story.id}${name}`), text);
  };
  if (o.csv !== undefined) {
    const { table, series } = csvOf(result);
    file(o.csv, ".table.csv", table);
    if (result.series.length > 0) file(o.csv, ".series.csv", series);
  }
  if (o.json !== undefined) {
    const { id, question, source, claim, assumes } = e.story;
    file(
      o.json,
      ".json",
      `${JSON.stringify({ package: e.package, id, question, source, claim, assumes, ...result }, null, 1)}\n`,
    );
  }
  if (o.svg !== undefined) {
    const svg = await svgOf(e, result);
    if (svg !== null) file(o.svg, ".svg", svg);
  }
}

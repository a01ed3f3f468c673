/** A sweep's progress and findings as text. */
import type { PointSummary, Progress, SweepSummary } from "@kernelkit/sweep";
import Table from "cli-table3";

/** Points in the table; more are in the files. */
const MOST_ROWS = 40;
const MOST_MEASURES = 5;

const figure = (v: number): string => (Number.isInteger(v) ? String(v) : String(Number(v.toPrecision(4))));

/** "40 s", "12 min", "3.5 h". */
export function duration(ms: number): string {
  const s = ms / 1000;
  if (s < 100) return `${Math.round(s)} s`;
  return s < 6000 ? `${Math.round(s / 60)} min` : `${figure(Math.round(s / 360) / 10)} h`;
}

export function progressText(p: Progress): string {
  const eta = p.etaMs === null ? "" : `, ${duration(p.etaMs)} to go`;
  return `${p.done}/${p.total} runs, ${p.failed} failed${eta}`;
}

/** A figure's mean with its interval. */
function cell(p: PointSummary, measure: string): string {
  const m = p.measures[measure];
  if (m === undefined) return "";
  return Number.isFinite(m.ci) && m.ci > 0 ? `${figure(m.mean)} ± ${figure(m.ci)}` : figure(m.mean);
}

const place = (p: PointSummary): string =>
  Object.entries(p.parameters)
    .map(([name, v]) => `${name}=${typeof v === "number" ? figure(v) : v}`)
    .join(" ");

/** The measures that are shown: those of the objective first. */
function shown(s: SweepSummary): readonly string[] {
  const first =
    s.objective === null ? [] : [s.objective.measure, ...(s.objective.subjectTo ?? []).map((b) => b.measure)];
  return [...new Set([...first, ...s.measures])].filter((m) => s.measures.includes(m)).slice(0, MOST_MEASURES);
}

/** The points as a table (means ± 95 %), and the best. */
export function summaryText(s: SweepSummary): string {
  const measures = shown(s);
  const table = new Table({
    head: [...s.varying, "runs", ...measures],
    style: { head: [], border: [], compact: true },
  });
  const points = s.points.slice(0, MOST_ROWS);
  for (const p of points) {
    const parameters = s.varying.map((name) => {
      const v = p.parameters[name];
      return typeof v === "number" ? figure(v) : String(v);
    });
    const runs = p.failed > 0 ? `${p.runs} (${p.failed} failed)` : String(p.runs);
    table.push([...parameters, runs, ...measures.map((m) => cell(p, m))]);
  }
  const more = s.points.length - points.length;
  return `${table.toString()}\n${more > 0 ? `and ${more} more points\n` : ""}${bestText(s)}`;
}

function bestText({ objective, best, tied }: SweepSummary): string {
  if (objective === null) return "";
  const goal = `${objective.goal === "min" ? "least" : "most"} ${objective.measure}`;
  if (best === null) return `${goal}: no point keeps the bounds\n`;
  const ties = tied > 0 ? `; ${tied} other ${tied === 1 ? "point" : "points"} within the intervals` : "";
  return `${goal}: ${place(best)} (${cell(best, objective.measure)}${ties})\n`;
}

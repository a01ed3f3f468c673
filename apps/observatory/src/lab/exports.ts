/** What one takes away: a trace for trace viewers, ftrace's text, the series as CSV, the run itself. */
import { BadRequest } from "./protocol.js";
import type { Run } from "./run.js";
import { RUN_FILE_VERSION } from "./runFile.js";

export interface Exported {
  readonly name: string;
  readonly type: string;
  readonly text: string;
}

/** A field of CSV: quoted where it must be. */
export const csvField = (v: string | number): string => {
  const s = String(v);
  return /[",\n\r]/.test(s) ? `"${s.replaceAll('"', '""')}"` : s;
};
export const csv = (rows: readonly (readonly (string | number)[])[]): string =>
  rows.map((r) => `${r.map(csvField).join(",")}\r\n`).join("");

export function exported(run: Run, what: string): Exported {
  const { scenario, spec, history } = run;
  const base = `kernelkit-${scenario.id}-seed${spec.seed}`;
  switch (what) {
    case "trace":
      return { name: `${base}.trace.json`, type: "application/json", text: run.kernel.trace.toJson() };
    case "ftrace":
      return { name: `${base}.ftrace.txt`, type: "text/plain", text: run.kernel.trace.text() };
    case "csv": {
      const [from, to] = history.span;
      const bins = Math.max(1, Math.round((to - from) / scenario.binNs) + 1);
      const c = history.columns(
        from,
        to,
        bins,
        scenario.gauges.map((g) => g.rate === true),
      );
      const head = ["seconds", ...scenario.gauges.map((g) => `${g.name} (${g.unit})`)];
      const rows = Array.from(c.x, (t, i) => [t, ...c.y.map((y) => y[i])]);
      return { name: `${base}.csv`, type: "text/csv", text: csv([head, ...rows]) };
    }
    case "run":
      return {
        name: `${base}.kkrun.json`,
        type: "application/json",
        text: JSON.stringify(
          { kkrun: RUN_FILE_VERSION, view: scenario.id, ...spec, journal: run.journal, at: run.at },
          null,
          1,
        ),
      };
    default:
      throw new BadRequest(`what: there is no export '${what}'`);
  }
}

/** Results as CSV (RFC 4180): a line per run, parameters and figures as columns. */
import type { RunRecord } from "./record.js";

const cell = (v: unknown): string => {
  const text = v === null || v === undefined ? "" : String(v);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

/** Lines with their ends; the columns are those of the first run that succeeded. */
export async function* csvLines(records: AsyncIterable<RunRecord>): AsyncGenerator<string> {
  let parameters: readonly string[] = [];
  let measures: readonly string[] | null = null;
  const early: RunRecord[] = [];
  const line = (r: RunRecord): string => {
    const { outcome } = r;
    const figures = outcome.status === "ok" ? outcome.measures : {};
    return `${[
      r.id,
      ...parameters.map((p) => r.parameters[p]),
      r.seed,
      outcome.status,
      ...(measures ?? []).map((m) => figures[m]),
      outcome.status === "ok" ? outcome.digest : outcome.error,
      r.wallMs,
    ]
      .map(cell)
      .join(",")}\n`;
  };
  function* begin(first: RunRecord): Generator<string> {
    parameters = Object.keys(first.parameters);
    measures = first.outcome.status === "ok" ? Object.keys(first.outcome.measures) : [];
    yield `${["id", ...parameters, "seed", "status", ...measures, "digest", "wallMs"].map(cell).join(",")}\n`;
    for (const r of early) yield line(r);
  }
  for await (const r of records) {
    if (measures === null && r.outcome.status !== "ok") early.push(r);
    else {
      if (measures === null) yield* begin(r);
      yield line(r);
    }
  }
  if (measures === null && early.length > 0) yield* begin(early[0]);
}

// What a run of Stryker found, reduced to what a reader of the report wants: the score per file and the mutants that lived. The results of
// all packages stand in one checked-in file of data; the page is written from it.
import { existsSync, readFileSync } from "node:fs";

/** The part of Stryker's JSON report (mutation-testing-report-schema) that is read here. */
export interface StrykerReport {
  readonly files: Readonly<
    Record<
      string,
      {
        readonly source: string;
        readonly mutants: readonly {
          readonly mutatorName: string;
          readonly replacement?: string;
          readonly status: string;
          readonly location: { readonly start: Position; readonly end: Position };
        }[];
      }
    >
  >;
}
interface Position {
  readonly line: number;
  readonly column: number;
}

export interface Survivor {
  readonly line: number;
  readonly from: string;
  readonly to: string;
  /** Why it lives: written by hand when somebody has looked at it. */
  readonly why?: string;
}

export interface FileResult {
  readonly file: string;
  readonly killed: number;
  readonly survived: readonly Survivor[];
}

export type Results = Record<string, readonly FileResult[]>;

const FOUND = new Set(["Killed", "Timeout", "RuntimeError"]);
const LIVED = new Set(["Survived", "NoCoverage"]);

/** The results of one package; `before` gives the reasons that are known, which stay with a mutant as long as its text does. */
export function reduce(report: StrykerReport, before: readonly FileResult[]): FileResult[] {
  return Object.entries(report.files)
    .map(([file, { source, mutants }]) => {
      const known = before.find((f) => f.file === file)?.survived ?? [];
      const lines = source.split("\n");
      const survived = mutants
        .filter((m) => LIVED.has(m.status))
        .map((m): Survivor => {
          const from = cut(lines, m.location.start, m.location.end);
          const to = oneLine(m.replacement ?? m.mutatorName);
          const why = known.find((k) => k.from === from && k.to === to)?.why;
          return { line: m.location.start.line, from, to, ...(why === undefined ? {} : { why }) };
        })
        .sort((a, b) => a.line - b.line);
      return { file, killed: mutants.filter((m) => FOUND.has(m.status)).length, survived };
    })
    .sort((a, b) => (a.file < b.file ? -1 : 1));
}

const WIDTH = 70;
function oneLine(text: string): string {
  const flat = text.replace(/\s+/g, " ").trim();
  return flat.length > WIDTH ? `${flat.slice(0, WIDTH - 3)}...` : flat;
}

function cut(lines: readonly string[], start: Position, end: Position): string {
  const rows = lines.slice(start.line - 1, end.line);
  rows[rows.length - 1] = rows[rows.length - 1].slice(0, end.column - 1);
  rows[0] = rows[0].slice(start.column - 1);
  return oneLine(rows.join("\n"));
}

/** Percent of mutants found; 100 when there is none. */
export function score(files: readonly FileResult[]): number {
  const killed = files.reduce((n, f) => n + f.killed, 0);
  const all = files.reduce((n, f) => n + f.survived.length, killed);
  return all === 0 ? 100 : (100 * killed) / all;
}

export function readResults(file: string): Results {
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")) as Results) : {};
}

const code = (text: string): string => `\`\`${text.replaceAll("|", "\\|")} \`\``;

/** The page: a table of scores, then each survivor with the reason. */
export function page(results: Results): string {
  const names = Object.keys(results).sort();
  const out = [
    "# Mutation testing",
    "",
    "A mutant is a file with one small change: a comparison turned, a constant replaced, a statement removed. A test that notices kills it.",
    "Written by `pnpm mutate PACKAGE`; which files and tests: `tooling/mutation/src/coreFiles.ts`. A survivor without a reason is work to do.",
    "",
    "| package | mutants | found | score |",
    "|---|--:|--:|--:|",
  ];
  for (const name of names) {
    const files = results[name];
    const killed = files.reduce((n, f) => n + f.killed, 0);
    const all = files.reduce((n, f) => n + f.survived.length, killed);
    out.push(`| ${name} | ${all} | ${killed} | ${score(files).toFixed(1)} % |`);
  }
  for (const name of names) {
    out.push("", `## ${name}`, "", "| file | mutants | score |", "|---|--:|--:|");
    for (const f of results[name])
      out.push(
        `| \`${f.file.replace(/^packages\//, "")}\` | ${f.killed + f.survived.length} | ${score([f]).toFixed(1)} % |`,
      );
    const lived = results[name].flatMap((f) => f.survived.map((s) => ({ file: f.file, ...s })));
    if (lived.length === 0) continue;
    out.push("", "| survivor | change | why it lives |", "|---|---|---|");
    for (const s of lived)
      out.push(
        `| ${s.file.replace(/^.*\/src\//, "")}:${s.line} | ${code(s.from)} → ${code(s.to)} | ${s.why ?? "not looked at yet"} |`,
      );
  }
  return `${out.join("\n")}\n`;
}

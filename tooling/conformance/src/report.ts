/**
 * report: the score of a run as a table and as JSON.
 */
import type { Failure, Outcome } from "./outcome.js";

/** The score of one package. */
export interface PackageScore {
  readonly name: string;
  cases: number;
  pass: number;
  fail: number;
  known: number;
  notYet: number;
  /** Cases that failed and are not on the known list. */
  readonly failures: Failure[];
  /** What the cases that are not yet run lack, and how many lack it. */
  readonly missing: Map<string, number>;
  /** Cases on the known list that pass: their entries must go. */
  readonly stale: string[];
}

export interface RunReport {
  readonly packages: PackageScore[];
  /** False if a case failed that is not on the known list, or a listed one passed. */
  readonly ok: boolean;
}

export const newScore = (name: string): PackageScore => ({
  name,
  cases: 0,
  pass: 0,
  fail: 0,
  known: 0,
  notYet: 0,
  failures: [],
  missing: new Map(),
  stale: [],
});

export function count(score: PackageScore, outcome: Outcome): void {
  score.cases++;
  score[outcome]++;
}

export const asReport = (packages: PackageScore[]): RunReport => ({
  packages,
  ok: packages.every((p) => p.fail === 0 && p.stale.length === 0),
});

/** One report of those of several parts of a run; packages in the order in which they are first named. */
export function mergeReports(parts: readonly RunReport[]): RunReport {
  const byName = new Map<string, PackageScore>();
  for (const p of parts.flatMap((part) => part.packages)) {
    if (!byName.has(p.name)) byName.set(p.name, newScore(p.name));
    const sum = byName.get(p.name) as PackageScore;
    for (const c of COLUMNS) sum[c] += p[c];
    sum.failures.push(...p.failures);
    sum.stale.push(...p.stale);
    for (const [what, n] of p.missing) sum.missing.set(what, (sum.missing.get(what) ?? 0) + n);
  }
  return asReport([...byName.values()]);
}

const COLUMNS = ["cases", "pass", "fail", "known", "notYet"] as const;

/** The table of scores, one line per package and a total if there are several. */
export function scoreTable(packages: readonly PackageScore[]): string {
  const header = ["package", "cases", "pass", "fail", "known", "not yet"];
  const rows = packages.map((p) => [p.name, ...COLUMNS.map((c) => String(p[c]))]);
  if (packages.length > 1) {
    rows.push(["total", ...COLUMNS.map((c) => String(packages.reduce((sum, p) => sum + p[c], 0)))]);
  }
  const width = header.map((h, i) => Math.max(h.length, ...rows.map((r) => r[i].length)));
  const line = (cells: string[]): string =>
    cells.map((cell, i) => (i === 0 ? cell.padEnd(width[i]) : cell.padStart(width[i]))).join("  ");
  return `${[header, ...rows].map(line).join("\n")}\n`;
}

/** The failures, each with what was expected and what was got at its step; entries of the known list that must go. */
export function failureText(packages: readonly PackageScore[]): string {
  let out = "";
  for (const p of packages) {
    for (const f of p.failures) {
      const where = f.step < 0 ? "start state" : `step ${f.step}`;
      out += `FAIL ${p.name}/${f.id} ${where}\n     expected ${f.expected}\n     got      ${f.got}\n`;
    }
    for (const id of p.stale) out += `PASS ${p.name}/${id} is on the known list: remove it from the list\n`;
  }
  return out;
}

/** What the cases lack that are not yet run, the most frequent first, at most `limit` lines per package. */
export function missingText(packages: readonly PackageScore[], limit: number): string {
  let out = "";
  for (const p of packages) {
    const reasons = [...p.missing].sort((a, b) => b[1] - a[1] || (a[0] < b[0] ? -1 : 1));
    for (const [reason, n] of reasons.slice(0, limit)) out += `not yet ${p.name}: ${n} x ${reason}\n`;
    if (reasons.length > limit) out += `not yet ${p.name}: ... and ${reasons.length - limit} other reasons\n`;
  }
  return out;
}

/** The report as plain JSON data: `{packages: [{name, cases, pass, fail, known, notYet, failures}]}`. */
export function reportJson(report: RunReport): {
  packages: Pick<PackageScore, "name" | (typeof COLUMNS)[number] | "failures">[];
} {
  return {
    packages: report.packages.map(({ name, cases, pass, fail, known, notYet, failures }) => ({
      name,
      cases,
      pass,
      fail,
      known,
      notYet,
      failures,
    })),
  };
}

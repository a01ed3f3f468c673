// How many tests, cases and checks a step has run: read from what the step printed or wrote.
import { readFileSync } from "node:fs";

/** What one step adds to the last line of `npm test`. */
export interface Totals {
  readonly passed: number;
  readonly failed: number;
}

/** The totals that a check of ours prints as its last line, `N passed, N failed`; null when it ended without one (a crash). */
export function lastLineTotals(output: string): Totals | null {
  const last = output.trimEnd().split("\n").at(-1) ?? "";
  const found = /^(\d+) passed, (\d+) failed$/.exec(last);
  return found === null ? null : { passed: Number(found[1]), failed: Number(found[2]) };
}

/** The line that `lastLineTotals` reads. */
export function totalsLine(totals: Totals): string {
  return `${totals.passed} passed, ${totals.failed} failed`;
}

/** The totals in the file of vitest's JSON reporter. A file that could not be loaded counts as one failure. */
export function vitestTotals(file: string): Totals | null {
  const report = readJson(file) as {
    numPassedTests: number;
    numFailedTests: number;
    testResults: readonly { status: string; assertionResults: readonly unknown[] }[];
  } | null;
  if (report === null) return null;
  const unloadable = report.testResults.filter((f) => f.status === "failed" && f.assertionResults.length === 0).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloadable };
}

/** The totals in the file that `pnpm conformance --json` writes. Known and "not yet" cases are neither passed nor failed. */
export function conformanceTotals(file: string): Totals | null {
  const report = readJson(file) as { packages: readonly { pass: number; fail: number }[] } | null;
  if (report === null) return null;
  const sum = (key: "pass" | "fail"): number => report.packages.reduce((n, p) => n + p[key], 0);
  return { passed: sum("pass"), failed: sum("fail") };
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, "utf8"));
  } catch {
    return null;
  }
}

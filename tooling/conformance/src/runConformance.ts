/**
 * runConformance: the whole run - reads the cases, runs them, gives the score. What the command line does, for a script.
 *
 *     const report = await runConformance({ packages: ["core"] }, (p) => console.log(p.done, p.total, p.id, p.outcome));
 *     if (!report.ok) console.error(failureText(report.packages));
 */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseJson } from "./json.js";
import { asKnownList, type KnownList } from "./known.js";
import { casePackages, loadCaseSet } from "./loadCases.js";
import { asReport, type RunReport } from "./report.js";
import { type Part, type Progress, type RunCasesOptions, runCases } from "./runCases.js";

export interface ConformanceOptions {
  /** Which packages' cases; all that have some if left out. */
  readonly packages?: readonly string[];
  /** Folder of cases, laid out DIR/<package>/*.json; the recorded ones beside this runner if left out. */
  readonly casesDir?: string;
  /** Only the cases with this id. */
  readonly caseId?: string;
  /** Only this share of the cases of each package: for several threads, whose reports `mergeReports` puts together. */
  readonly part?: Part;
  /** File of the known list; the one beside this runner if left out. */
  readonly knownFile?: string;
  readonly trace?: RunCasesOptions["trace"];
}

/** The folder of this tool, from wherever in the repository its code has been bundled to. RangeError if it is not there. */
export function toolDir(): string {
  for (let dir = dirname(fileURLToPath(import.meta.url)); ; dir = dirname(dir)) {
    for (const tool of [dir, join(dir, "tooling", "conformance")]) {
      if (existsSync(join(tool, "known.json")) && existsSync(join(tool, "cases"))) return tool;
    }
    if (dirname(dir) === dir)
      throw new RangeError("conformance: cannot find its own folder: give casesDir and knownFile");
  }
}

/** The packages that have recorded cases. */
export const recordedPackages = (): string[] => casePackages(join(toolDir(), "cases"));

/**
 * Runs the cases and gives the score. RangeError for a package or case id that is not there, TypeError or SyntaxError for a
 * file that is no case file. A listed case that is in none of the own cases counts as one that must leave the list.
 */
export async function runConformance(
  options: ConformanceOptions = {},
  onProgress?: (p: Progress) => void,
): Promise<RunReport> {
  const dir = options.casesDir ?? join(toolDir(), "cases");
  const knownFile = options.knownFile ?? join(toolDir(), "known.json");
  const known = asKnownList(parseJson(readFileSync(knownFile, "utf8")), knownFile);
  const there = casePackages(dir);
  const packages = options.packages === undefined || options.packages.length === 0 ? there : options.packages;
  for (const name of packages) {
    if (!there.includes(name)) throw new RangeError(`no cases of '${name}' in ${dir}; there are: ${there.join(", ")}`);
  }
  const sets = packages.map((name) => loadCaseSet(dir, name));
  if (options.caseId !== undefined && !sets.some((set) => set.cases.some((c) => c.id === options.caseId))) {
    throw new RangeError(`no case '${options.caseId}' in ${packages.join(", ")} of ${dir}`);
  }
  const report = await runCases(sets, { known, ...pick(options) }, onProgress);
  const first = options.part === undefined || options.part.index === 0;
  if (options.casesDir === undefined && options.caseId === undefined && first) addOrphans(report, known, sets);
  return asReport(report.packages);
}

function pick(options: ConformanceOptions): Pick<RunCasesOptions, "caseId" | "part" | "trace"> {
  return {
    ...(options.caseId !== undefined && { caseId: options.caseId }),
    ...(options.part !== undefined && { part: options.part }),
    ...(options.trace !== undefined && { trace: options.trace }),
  };
}

function addOrphans(report: RunReport, known: KnownList, sets: readonly ReturnType<typeof loadCaseSet>[]): void {
  sets.forEach((set, i) => {
    for (const id of Object.keys(known[set.package] ?? {})) {
      if (!set.cases.some((c) => c.id === id)) report.packages[i].stale.push(`${id} (no such case)`);
    }
  });
}

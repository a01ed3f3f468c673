/**
 * runCases: runs cases that are already in memory, each on a kernel of its own, and counts them. Nothing here needs Node.
 *
 *     const report = await runCases([{ package: "core", cases }], { known }, (p) => bar.update(p.done / p.total));
 *
 * A case ends at the first thing it sees that is not as it says. Whatever a case does - throw, loop, wait for ever - ends
 * that case alone: a kernel gives up after a number of events at one instant, and a call that nothing could wake throws.
 */
import type { Case, CaseSet, Step } from "./caseFile.js";
import { bootKernel } from "./composition.js";
import type { Dialect } from "./dialect.js";
import { DIALECTS } from "./dialects/index.js";
import { returned } from "./expectations.js";
import { type KnownList, withKnown } from "./known.js";
import { type Failure, Mismatch, NotYet, type Outcome } from "./outcome.js";
import { asReport, count, newScore, type PackageScore, type RunReport } from "./report.js";
import { checkStepKeys, isNote, kindOf, runStep } from "./runStep.js";
import { type CaseKernel, Session } from "./session.js";

/** Told after every case. */
export interface Progress {
  readonly package: string;
  readonly id: string;
  readonly outcome: Outcome;
  readonly failure?: Failure;
  /** What the case lacks, if it is not yet run. */
  readonly missing?: string;
  /** Cases run so far, and in all. */
  readonly done: number;
  readonly total: number;
}

/** A share of the cases: every `of`-th of a package, from the `index`-th. The shares of all indices are the whole run. */
export interface Part {
  readonly index: number;
  readonly of: number;
}

export interface RunCasesOptions {
  readonly known?: KnownList;
  /** Only the case with this id. */
  readonly caseId?: string;
  /** Only this share of them. */
  readonly part?: Part;
  /** Told what each step saw. */
  readonly trace?: (id: string, index: number, step: Step, saw: string) => void;
  /** How the folders are read; every package's own way if left out. */
  readonly dialects?: ReadonlyMap<string, Dialect>;
}

/** How one case went. */
export interface CaseEnd {
  readonly outcome: "pass" | "fail" | "notYet";
  readonly failure?: Failure;
  readonly missing?: string;
}

const YIELD_EVERY_MS = 50;

/** Runs the cases of all sets in order. Gives way to the host every 50 ms, so that a progress bar or a page can paint. */
export async function runCases(
  sets: readonly CaseSet[],
  options: RunCasesOptions = {},
  onProgress?: (p: Progress) => void,
): Promise<RunReport> {
  const { caseId, part } = options;
  const chosen = sets.map((set) => ({
    set,
    cases: set.cases.filter(
      (c, i) => (caseId === undefined || c.id === caseId) && (part === undefined || i % part.of === part.index),
    ),
  }));
  const total = chosen.reduce((sum, c) => sum + c.cases.length, 0);
  const packages: PackageScore[] = [];
  let done = 0;
  let last = performance.now();
  for (const { set, cases } of chosen) {
    const score = newScore(set.package);
    packages.push(score);
    for (const c of cases) {
      const end = runCase(c, set, options);
      const { outcome, stale } = withKnown(options.known ?? {}, set.package, c.id, end.outcome);
      count(score, outcome);
      if (stale) score.stale.push(c.id);
      if (outcome === "fail" && end.failure !== undefined) score.failures.push(end.failure);
      if (outcome === "notYet") {
        const what = end.missing ?? "?";
        score.missing.set(what, (score.missing.get(what) ?? 0) + 1);
      }
      done++;
      onProgress?.({ package: set.package, id: c.id, done, total, ...end, outcome });
      if (performance.now() - last > YIELD_EVERY_MS) {
        await new Promise<void>((resolve) => setTimeout(resolve));
        last = performance.now();
      }
    }
  }
  return asReport(packages);
}

/** Runs one case on a fresh kernel. Never throws. */
export function runCase(c: Case, set: CaseSet, options: Pick<RunCasesOptions, "trace" | "dialects"> = {}): CaseEnd {
  let step = -1;
  try {
    const dialect = (options.dialects ?? DIALECTS).get(set.package);
    if (dialect === undefined) throw new NotYet(`a dialect for the folder ${set.package}`);
    checkKeys(c, dialect);
    const readData = set.readData ?? (() => undefined);
    const kernel = bootKernel(dialect.compose(c, readData)) as CaseKernel;
    const session = new Session(kernel, c, dialect, readData);
    for (const s of c.steps) checkSupported(session, s, dialect);
    dialect.start(session);
    for (step = 0; step < c.steps.length; step++) {
      if (step > 0 && dialect.pauseNs > 0) session.advance(dialect.pauseNs);
      const result = runStep(session, c.steps[step]);
      options.trace?.(c.id, step, c.steps[step], result === undefined ? "-" : returned(result));
    }
    return { outcome: "pass" };
  } catch (e) {
    if (e instanceof NotYet) return { outcome: "notYet", missing: e.message };
    return { outcome: "fail", failure: { id: c.id, step, ...asFailure(e, step) } };
  }
}

function asFailure(e: unknown, step: number): { expected: string; got: string } {
  if (e instanceof Mismatch) return { expected: e.expected, got: e.got };
  const got = e instanceof Error ? `${e.name}: ${e.message}${where(e)}` : String(e);
  return { expected: step < 0 ? "the start state" : "the step is carried out", got };
}

/** Of an exception that is no kernel error: the function and line it comes from. */
function where(e: Error): string {
  if (e.name === "KernelError") return "";
  const line = e.stack?.split("\n").find((l) => /^\s+at /.test(l));
  return line === undefined ? "" : ` (${line.trim()})`;
}

const CASE_KEYS = ["id", "title", "provenance", "steps", "machine", "tasks", "note", "safe"];

/** A key of the case, or of a step, that the dialect does not know makes it "not yet". */
export function checkKeys(c: Case, dialect: Dialect): void {
  const check = (what: string, object: object | undefined, ...allowed: (readonly string[])[]): void => {
    for (const key of Object.keys(object ?? {})) {
      if (!allowed.some((keys) => keys.includes(key))) throw new NotYet(`${what} key ${key}`);
    }
  };
  check("case", c, CASE_KEYS, dialect.caseKeys);
  check("machine", c.machine, dialect.machineKeys);
  for (const spec of Object.values(c.tasks ?? {})) check("task", spec, dialect.taskKeys);
  for (const step of c.steps) checkStepKeys(step, dialect);
}

/** A step, operation or call that is not there makes the case "not yet" before anything is run. */
function checkSupported(s: Session, step: Step, dialect: Dialect): void {
  if (isNote(step)) return;
  const [, kind] = kindOf(step, dialect);
  const missing = kind.missing?.(s, step);
  if (missing !== undefined) throw new NotYet(missing);
  for (const inner of kind.inner?.(step) ?? []) checkSupported(s, inner, dialect);
}

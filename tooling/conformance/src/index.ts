/** Runs behaviour recorded on real Linux kernels against the composed kernel. `runConformance` is the whole run. */
export type { Case, CaseSet, Step } from "./caseFile.js";
export { parseJson } from "./json.js";
export { asKnownList, type KnownList } from "./known.js";
export { casePackages, loadCaseSet } from "./loadCases.js";
export type { Failure, Outcome } from "./outcome.js";
export {
  failureText,
  mergeReports,
  missingText,
  type PackageScore,
  type RunReport,
  reportJson,
  scoreTable,
} from "./report.js";
export { type CaseEnd, type Part, type Progress, type RunCasesOptions, runCase, runCases } from "./runCases.js";
export { type ConformanceOptions, recordedPackages, runConformance } from "./runConformance.js";

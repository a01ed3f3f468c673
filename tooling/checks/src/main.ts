// `npm test`: every check of the repository, two at a time, then what failed and the totals.
//
//   npm test                       everything
//   npm test -- types vitest       these steps only, and the steps they need
//
// A step is a script of the root package.json, so that each can be run alone (`pnpm check:types`), and the way to count it. To add a
// check, add the script there and a line to `steps` here. The last line printed is `N passed, N failed`: tests, recorded cases, checks.
import { mkdirSync, readFileSync } from "node:fs";
import { runSteps, type Step, selectSteps } from "./steps.js";
import { conformanceTotals, lastLineTotals, type Totals, vitestTotals } from "./totals.js";

const CACHE = ".cache";
const VITEST_JSON = `${CACHE}/vitest.json`;
const CONFORMANCE_JSON = `${CACHE}/conformance.json`;
const RANDOM_JSON = `${CACHE}/random.json`;

const steps: readonly Step[] = [
  { name: "build", script: "build" },
  {
    name: "vitest",
    script: "check:vitest",
    arguments: ["--reporter=default", "--reporter=json", `--outputFile.json=${VITEST_JSON}`],
    writes: VITEST_JSON,
    totals: () => vitestTotals(VITEST_JSON),
  },
  { name: "lint", script: "check:lint" },
  { name: "types", script: "check:types", totals: lastLineTotals },
  { name: "boundaries", script: "check:boundaries" },
  { name: "unused", script: "check:unused" },
  {
    name: "conformance",
    script: "conformance",
    arguments: ["--json", CONFORMANCE_JSON],
    show: true,
    writes: CONFORMANCE_JSON,
    totals: () => conformanceTotals(CONFORMANCE_JSON),
  },
  {
    name: "random",
    script: "conformance",
    arguments: ["--cases", "tooling/conformance/random", "--json", RANDOM_JSON],
    writes: RANDOM_JSON,
    totals: () => conformanceTotals(RANDOM_JSON),
  },
  { name: "api", script: "check:api", totals: lastLineTotals },
  { name: "licences", script: "check:licences", totals: lastLineTotals },
  { name: "shipped", script: "check:shipped", after: "build", totals: lastLineTotals },
  { name: "release", script: "check:release", after: "build", totals: lastLineTotals },
  { name: "readme", script: "check:readme", after: "build", totals: lastLineTotals },
  { name: "docs", script: "check:docs", after: "build", totals: lastLineTotals },
  { name: "scaffold", script: "check:scaffold", after: "build", totals: lastLineTotals },
  { name: "size", script: "check:size", after: "build", show: true, totals: lastLineTotals },
];

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !steps.some((step) => step.name === name));
if (unknown.length > 0) {
  console.error(`no such step: ${unknown.join(", ")} (there are ${steps.map((step) => step.name).join(", ")})`);
  process.exit(2);
}

mkdirSync(CACHE, { recursive: true });
const scripts = (JSON.parse(readFileSync("package.json", "utf8")) as { scripts: Record<string, string> }).scripts;
const results = await runSteps(selectSteps(steps, wanted), scripts);

const failures = results.filter((result) => !result.ok);
if (failures.length > 0) {
  console.log(
    `\nFailed: ${failures.map((result) => result.name).join(", ")}. Run one alone with \`npm test -- NAME\`.`,
  );
}
const sum = results.reduce<Totals>(
  (a, { totals: b }) => ({ passed: a.passed + b.passed, failed: a.failed + b.failed }),
  {
    passed: 0,
    failed: 0,
  },
);
console.log(`\n${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;

// `pnpm check:types`: type-checks everything once, and asks the checker what a linter cannot see.
//
// Packages and tools are one program (tsconfig.json); each app is one of its own (apps/*/tsconfig.json), since what an app exports need
// not be declared explicitly. Type tests (*.test-d.ts) are checked here as code and run by vitest.
import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { nondeterminism } from "./determinismRule.js";
import { format, type Rule } from "./findings.js";
import { diagnosticsText, loadProgram, ownFiles } from "./program.js";
import { totalsLine } from "./totals.js";
import { unyieldedSyscalls } from "./yieldRule.js";

const rules: readonly Rule[] = [unyieldedSyscalls, nondeterminism];

const apps = existsSync("apps") ? readdirSync("apps") : [];
const configs = ["tsconfig.json", ...apps.map((app) => join("apps", app, "tsconfig.json"))].filter((f) =>
  existsSync(f),
);

let passed = 0;
let failed = 0;
function count(problems: string): void {
  if (problems === "") passed++;
  else {
    failed++;
    console.log(problems);
  }
}

for (const config of configs) {
  const program = loadProgram(config);
  count(diagnosticsText(program));
  const files = ownFiles(program);
  for (const rule of rules) count(rule(program, files).map(format).join("\n"));
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

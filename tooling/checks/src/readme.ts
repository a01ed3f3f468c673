// `pnpm check:readme`: compiles and runs the examples of the READMEs (see examples.ts for which blocks count) against the built packages.
import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import ts from "typescript";
import { type Example, examples } from "./examples.js";
import { format } from "./findings.js";
import { diagnosticsText, loadProgram } from "./program.js";
import { totalsLine } from "./totals.js";
import { packages } from "./workspace.js";
import { unyieldedSyscalls } from "./yieldRule.js";

// Below this tool's folder, whose dependencies are all the packages: so an example finds them by name as a user's file would.
const work = join("tooling", "checks", ".cache", "readme");
const TIME_LIMIT_MS = 60_000;

interface Program extends Example {
  readonly readme: string;
  readonly file: string;
}

rmSync(work, { recursive: true, force: true });
mkdirSync(work, { recursive: true });
const readmes = ["README.md", ...packages().map((pkg) => join(pkg.path, "README.md"))].filter((file) =>
  existsSync(file),
);
const programs: Program[] = readmes.flatMap((readme) =>
  examples(readFileSync(readme, "utf8")).map((example) => {
    const file = join(work, `${readme.replaceAll("/", "-").replace(".md", "")}-${example.line}.ts`);
    writeFileSync(file, example.source);
    return { ...example, readme, file };
  }),
);

let passed = 0;
let failed = 0;
function count(program: Program, problem: string | null): void {
  if (problem === null) passed++;
  else {
    failed++;
    console.log(`${program.readme}:${program.line}\n${problem.trimEnd()}\n`);
  }
}

/** What is wrong with a program when it runs; null when nothing is. */
function run(program: Program): string | null {
  const target = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
  const file = program.file.replace(/\.ts$/, ".mjs");
  writeFileSync(file, ts.transpileModule(program.source, { compilerOptions: target }).outputText);
  const done = spawnSync(process.execPath, [file], { encoding: "utf8", timeout: TIME_LIMIT_MS });
  if (done.status !== 0) return `${done.stdout}${done.stderr}${done.signal === null ? "" : `ended by ${done.signal}`}`;
  if (program.output !== null && done.stdout !== program.output) {
    return `prints\n${done.stdout}\nbut the README says\n${program.output}`;
  }
  return null;
}

if (programs.length > 0) {
  const config = join(work, "tsconfig.json");
  const files = programs.map((program) => basename(program.file));
  // Every example is a module of its own, whether it exports anything or not.
  const compilerOptions = { isolatedDeclarations: false, moduleDetection: "force" };
  writeFileSync(config, JSON.stringify({ extends: "../../../../tsconfig.base.json", compilerOptions, files }));
  const checked = loadProgram(config);
  for (const program of programs) {
    const source = checked.getSourceFiles().filter((file) => file.fileName.endsWith(`/${basename(program.file)}`));
    const problems = [diagnosticsText(checked, source[0]), ...unyieldedSyscalls(checked, source).map(format)].filter(
      (text) => text !== "",
    );
    count(program, problems.length > 0 ? problems.join("\n") : run(program));
  }
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

// Compiles and runs the programs that stand in Markdown (see examples.ts for which blocks count) against the built packages.
import { spawnSync } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { basename, join, relative } from "node:path";
import ts from "typescript";
import { type Example, examples } from "./examples.js";
import { format } from "./findings.js";
import { diagnosticsText, loadProgram } from "./program.js";
import type { Totals } from "./totals.js";
import { unyieldedSyscalls } from "./yieldRule.js";

const TIME_LIMIT_MS = 120_000;

interface Program extends Example {
  readonly page: string;
  readonly file: string;
}

/**
 * Checks all programs of `pages`, printing what is wrong. `work` is a folder for them that may be emptied; it stands below one whose
 * dependencies are what the programs import, so that they find it by name as a user's file would.
 */
export function checkMarkdown(pages: readonly string[], work: string): Totals {
  rmSync(work, { recursive: true, force: true });
  mkdirSync(work, { recursive: true });
  const programs: Program[] = pages.flatMap((page) =>
    examples(readFileSync(page, "utf8")).map((example) => {
      const file = join(work, `${page.replaceAll("/", "-").replace(".md", "")}-${example.line}.ts`);
      writeFileSync(file, example.source);
      return { ...example, page, file };
    }),
  );
  let passed = 0;
  let failed = 0;
  for (const [program, problem] of problems(programs, work)) {
    if (problem === null) passed++;
    else {
      failed++;
      console.log(`${program.page}:${program.line}\n${problem.trimEnd()}\n`);
    }
  }
  return { passed, failed };
}

function* problems(programs: readonly Program[], work: string): Generator<[Program, string | null]> {
  if (programs.length === 0) return;
  const config = join(work, "tsconfig.json");
  const files = programs.map((program) => basename(program.file));
  // Every example is a module of its own, whether it exports anything or not.
  const compilerOptions = { isolatedDeclarations: false, moduleDetection: "force" };
  writeFileSync(config, JSON.stringify({ extends: relative(work, "tsconfig.base.json"), compilerOptions, files }));
  const checked = loadProgram(config);
  for (const program of programs) {
    const source = checked.getSourceFiles().filter((file) => file.fileName.endsWith(`/${basename(program.file)}`));
    const found = [diagnosticsText(checked, source[0]), ...unyieldedSyscalls(checked, source).map(format)].filter(
      (text) => text !== "",
    );
    yield [program, found.length > 0 ? found.join("\n") : run(program)];
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
    return `prints\n${done.stdout}\nbut the page says\n${program.output}`;
  }
  return null;
}

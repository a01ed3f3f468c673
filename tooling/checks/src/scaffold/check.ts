// `pnpm check:scaffold`: what `pnpm new-package` writes passes the checks. A package is made in a temporary copy of the workspace, linted,
// type-checked, tested, built, its README's examples run; then the copy is removed. Needs a build of core.
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import ts from "typescript";
import { command } from "../command.js";
import { examples } from "../examples.js";
import { totalsLine } from "../totals.js";
import { scaffold } from "./scaffold.js";

const NAME = "fork-watch";
const COPIED = [
  ".gitignore",
  "biome.json",
  "package.json",
  "tsconfig.base.json",
  "vitest.config.ts",
  "tsconfig.type-tests.json",
  "tooling/presets",
  "tooling/checks/package.json",
  "tooling/checks/coverage.json",
];

let passed = 0;
let failed = 0;
function count(what: string, ok: boolean, output: string): void {
  if (ok) passed++;
  else {
    failed++;
    console.log(`${what}\n${output.trimEnd()}\n`);
  }
}

const bin = (name: string): string => resolve("node_modules/.bin", name);
const root = mkdtempSync(join(tmpdir(), "kernelkit-scaffold-"));
try {
  for (const file of COPIED) {
    mkdirSync(dirname(join(root, file)), { recursive: true });
    cpSync(file, join(root, file), { recursive: true });
  }
  symlinkSync(resolve("node_modules"), join(root, "node_modules"));
  mkdirSync(join(root, "packages"));
  symlinkSync(resolve("packages/core"), join(root, "packages/core"));

  scaffold(root, NAME);
  const home = join(root, "packages", NAME);
  const scope = join(home, "node_modules/@kernelkit");
  mkdirSync(scope, { recursive: true });
  symlinkSync(resolve("packages/core"), join(scope, "core"));
  symlinkSync(home, join(scope, NAME));

  const run = async (what: string, tool: string, args: readonly string[], cwd = root): Promise<void> => {
    const { ok, output } = await command(bin(tool), args, cwd);
    count(what, ok, output);
  };
  const own = ["--vcs-enabled=false", `packages/${NAME}`];
  await run("formatting", "biome", ["check", "--write", ...own]);
  await run("lint", "biome", ["check", "--error-on-warnings", ...own]);
  await run("types", "tsc", ["--noEmit", "-p", `packages/${NAME}`]);
  await run("tests", "vitest", ["run", "--root", root, "--project", "unit", `packages/${NAME}`]);
  await run("build", "tsup", [], home);
  const readme = readFileSync(join(home, "README.md"), "utf8");
  for (const example of examples(readme)) {
    const target = { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.ESNext };
    writeFileSync(
      join(home, "example.mjs"),
      ts.transpileModule(example.source, { compilerOptions: target }).outputText,
    );
    const { ok, output } = await command(process.execPath, ["example.mjs"], home);
    count("the example of the README", ok && output === example.output, output);
  }
  const before = passed + failed;
  try {
    scaffold(root, NAME);
  } catch (e) {
    count("a name that is taken is refused", e instanceof RangeError, String(e));
  }
  if (passed + failed === before) count("a name that is taken is refused", false, "it was not");
} finally {
  rmSync(root, { recursive: true, force: true });
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

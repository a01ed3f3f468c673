// `pnpm mutate PACKAGE[:FILE]...`: mutation testing of a package's core files (coreFiles.ts), or of one of them. Prints the score, and writes results and page to
// tooling/mutation/MUTATION.md. On demand: it takes minutes, and is no part of `npm test`. `pnpm mutate --page` writes the page alone, after
// a reason was written into results.json.
//
// Stryker works on a copy below .cache, so the checkout stays as it is and can be worked in meanwhile.
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { CORE_FILES } from "./coreFiles.js";
import { page, type Results, readResults, reduce, type StrykerReport, score } from "./report.js";

const HOME = "tooling/mutation";
const RESULTS = join(HOME, "results.json");
const PAGE = join(HOME, "MUTATION.md");

function write(results: Results): void {
  const sorted = Object.fromEntries(Object.entries(results).sort(([a], [b]) => (a < b ? -1 : 1)));
  writeFileSync(RESULTS, `${JSON.stringify(sorted, null, 2)}\n`);
  writeFileSync(PAGE, page(sorted));
}

/** A copy of what the tests of one package reach: its folder and core's, the dependencies as links. */
function copyWorkspace(name: string, to: string): void {
  rmSync(to, { recursive: true, force: true });
  for (const folder of new Set(["core", name])) {
    const from = join("packages", folder);
    mkdirSync(join(to, from), { recursive: true });
    cpSync(join(from, "src"), join(to, from, "src"), { recursive: true });
    cpSync(join(from, "package.json"), join(to, from, "package.json"));
    const modules = resolve(from, "node_modules");
    if (existsSync(modules)) symlinkSync(modules, join(to, from, "node_modules"));
  }
  for (const file of ["package.json", "tsconfig.base.json", join(HOME, "vitest.config.ts")]) {
    mkdirSync(join(to, file, ".."), { recursive: true });
    cpSync(file, join(to, file));
  }
  symlinkSync(resolve("node_modules"), join(to, "node_modules"));
}

/** Runs Stryker on one package; null when it did not get as far as a report. */
function mutate(name: string, only: string | undefined): StrykerReport | null {
  const { mutate: all, tests } = CORE_FILES[name];
  const files = only === undefined ? all : all.filter((file) => file === only);
  const work = resolve(".cache", "mutation", [name, ...(only ?? "").split("/")].join("-"));
  copyWorkspace(name, work);
  const source = `packages/${name}/src`;
  const report = join(work, "report.json");
  const config = {
    testRunner: "vitest",
    plugins: [resolve(HOME, "node_modules/@stryker-mutator/vitest-runner/dist/src/index.js")],
    mutate: files.map((file) => `${source}/${file}`).concat(`!${source}/**/*.test.ts`),
    vitest: { configFile: `${HOME}/vitest.config.ts`, related: false },
    inPlace: true,
    coverageAnalysis: "perTest",
    // a mutant of what runs when a module is loaded needs all modules loaded anew: minutes for each hundred
    ignoreStatic: true,
    concurrency: 1,
    timeoutMS: 10_000,
    reporters: ["json", "clear-text", "progress-append-only"],
    clearTextReporter: { logTests: false, reportTests: false, reportMutants: false },
    jsonReporter: { fileName: report },
  };
  writeFileSync(join(work, "stryker.conf.json"), JSON.stringify(config));
  const env = { ...process.env, MUTATION_TESTS: tests.map((t) => `${source}/${t}`).join(",") };
  const stryker = resolve(HOME, "node_modules/.bin/stryker");
  spawnSync(stryker, ["run", "stryker.conf.json"], { cwd: work, stdio: "inherit", env });
  return existsSync(report) ? (JSON.parse(readFileSync(report, "utf8")) as StrykerReport) : null;
}

const names = process.argv.slice(2);
const unknown = names.filter((name) => {
  const [folder, file] = name.split(":");
  return (
    name !== "--page" &&
    !(Object.hasOwn(CORE_FILES, folder) && (file === undefined || CORE_FILES[folder].mutate.includes(file)))
  );
});
if (names.length === 0 || unknown.length > 0) {
  console.error(`usage: pnpm mutate PACKAGE[:FILE]... (of ${Object.keys(CORE_FILES).join(", ")}) | --page`);
  process.exit(2);
}
for (const name of names) {
  if (name === "--page") {
    write(readResults(RESULTS));
    continue;
  }
  const [folder, file] = name.split(":");
  const report = mutate(folder, file);
  if (report === null) {
    console.error(`${name}: no report`);
    process.exitCode = 1;
    continue;
  }
  // read again: another run may have written meanwhile
  const results = readResults(RESULTS);
  const before = results[folder] ?? [];
  const now = reduce(report, before);
  const others = before.filter((f) => file !== undefined && !now.some((n) => n.file === f.file));
  results[folder] = [...others, ...now].sort((a, b) => (a.file < b.file ? -1 : 1));
  write(results);
  console.log(`${name}: ${score(now).toFixed(1)} % of its mutants are found`);
}

// `pnpm coverage [PACKAGE...] [--update]`: which lines and branches of a package its own tests run, against a floor per package
// (tooling/checks/coverage.json). No part of `npm test`: instrumented, the tests take twice their time. CI runs it.
//
// The floors stand a little under what was measured. One that is missed means that code came without tests; `--update` writes the floors
// anew, for when tests came, or when code went that had many.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { command } from "./command.js";
import { totalsLine } from "./totals.js";
import { packages } from "./workspace.js";

interface Floor {
  /** Percent of lines, of branches. */
  readonly lines: number;
  readonly branches: number;
}

interface Summary {
  readonly total: Readonly<Record<"lines" | "branches", { readonly total: number; readonly pct: number }>>;
}

const FLOORS = "tooling/checks/coverage.json";
const OUT = join(".cache", "coverage");
/** What a floor leaves below the measured percentage, so that a line more or less is no failure. */
const SLACK = 0.5;

const update = process.argv.includes("--update");
const asked = process.argv.slice(2).filter((a) => !a.startsWith("--"));
const folders = packages().map((pkg) => pkg.folder);
const unknown = asked.filter((name) => !folders.includes(name));
if (unknown.length > 0) {
  console.error(`no such package: ${unknown.join(", ")} (there are ${folders.join(", ")})`);
  process.exit(2);
}

/** Runs the package's tests; throws with what they printed when one fails or nothing was measured. */
async function measure(folder: string): Promise<Summary["total"]> {
  const out = join(OUT, folder);
  mkdirSync(out, { recursive: true });
  const source = `packages/${folder}/src`;
  const args = ["run", "--project", "unit", source, "--coverage.enabled", "--coverage.provider=v8"];
  // what they measure is the heap, where instrumented code allocates
  args.push("--exclude=**/{allocation,hotPath}.test.ts");
  args.push(
    `--coverage.include=${source}/**/*.ts`,
    "--coverage.exclude=**/*.test.ts",
    "--coverage.exclude=**/*.test-d.ts",
  );
  args.push("--coverage.exclude=**/testing/**", "--coverage.exclude=**/index.ts");
  args.push("--coverage.reporter=json-summary", "--coverage.reporter=html", `--coverage.reportsDirectory=${out}`);
  const { ok, output } = await command("node_modules/.bin/vitest", args);
  if (!ok) throw new Error(output);
  const { total } = JSON.parse(readFileSync(join(out, "coverage-summary.json"), "utf8")) as Summary;
  if (total.lines.total === 0) throw new Error("nothing was measured");
  return total;
}

const floors = JSON.parse(readFileSync(FLOORS, "utf8")) as Record<string, Floor>;
let passed = 0;
let failed = 0;
console.log("package          lines (floor)    branches (floor)");
for (const folder of asked.length > 0 ? asked : folders) {
  const total = await measure(folder).catch((e: Error) => e);
  if (total instanceof Error) {
    failed++;
    console.log(`${folder}: ${total.message}`);
    continue;
  }
  const down = (pct: number): number => Math.floor((pct - SLACK) * 2) / 2;
  if (update) {
    floors[folder] = { lines: down(total.lines.pct), branches: down(total.branches.pct) };
    const sorted = Object.fromEntries(Object.entries(floors).sort(([a], [b]) => (a < b ? -1 : 1)));
    writeFileSync(FLOORS, `${JSON.stringify(sorted, null, 2)}\n`);
  }
  const floor = floors[folder];
  if (floor === undefined) console.log(`${folder} has no floor yet: \`pnpm coverage ${folder} --update\` sets it`);
  const ok = floor !== undefined && total.lines.pct >= floor.lines && total.branches.pct >= floor.branches;
  if (ok) passed++;
  else failed++;
  const column = (pct: number, least: number | undefined): string =>
    `${pct.toFixed(1).padStart(5)} %  (${(least ?? Number.NaN).toFixed(1)})`;
  console.log(
    `${ok ? "  " : "! "}${folder.padEnd(14)} ${column(total.lines.pct, floor?.lines)}  ${column(total.branches.pct, floor?.branches)}`,
  );
}
console.log(`the pages: ${OUT}/PACKAGE/index.html`);
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

// `pnpm check:api`: the public API against its checked-in report, tooling/checks/api/<package>.api.md. `--update` writes the reports.
//
// A difference is not wrong, it has to be seen: the report goes into the same commit, so that a reviewer reads signatures, and what a user can
// see comes with a changeset. On a branch of CI (GITHUB_BASE_REF) a changed report without a changeset for its package fails as well.
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { readApi } from "./apiModel.js";
import { changes, render } from "./apiReport.js";
import { command } from "./command.js";
import { totalsLine } from "./totals.js";
import { type Package, packages } from "./workspace.js";

const FOLDER = "tooling/checks/api";
const reportOf = (pkg: Package): string => join(FOLDER, `${pkg.folder}.api.md`);
const update = process.argv.includes("--update");

let passed = 0;
let failed = 0;
function count(problem: string | null): void {
  if (problem === null) passed++;
  else {
    failed++;
    console.log(`${problem}\n`);
  }
}

/** Packages for which a changeset of this checkout speaks. */
function announced(): Set<string> {
  const files = readdirSync(".changeset").filter((name) => name.endsWith(".md") && name !== "README.md");
  const texts = files.map((name) => readFileSync(join(".changeset", name), "utf8").split("\n---")[0]);
  return new Set(texts.flatMap((text) => [...text.matchAll(/["'](@kernelkit\/[a-z-]+)["']\s*:/g)].map((m) => m[1])));
}

mkdirSync(FOLDER, { recursive: true });
const all = packages();
const api = readApi(all);
for (const [pkg, entries] of api) {
  const file = reportOf(pkg);
  const now = render(pkg.name, entries);
  const before = existsSync(file) ? readFileSync(file, "utf8") : "";
  if (update) {
    if (now !== before) writeFileSync(file, now);
    count(null);
  } else if (now === before) count(null);
  else {
    count(
      `${pkg.name}: the public API is not what ${file} says:\n${changes(before, now)}\n` +
        "If that is meant: `pnpm check:api --update`, commit the report with the change, and add a changeset\n" +
        "(`npx -y pnpm@12.21.0 changeset`): minor when something was removed or changed, patch or minor when it was added.",
    );
  }
}

const base = process.env.GITHUB_BASE_REF;
if (base !== undefined && base !== "") {
  const { ok, output } = await command("git", ["diff", "--name-only", `origin/${base}...HEAD`, "--", FOLDER]);
  const touched = new Set(ok ? output.trim().split("\n") : []);
  const said = announced();
  for (const pkg of all) {
    if (!touched.has(reportOf(pkg))) continue;
    count(
      said.has(pkg.name) ? null : `${pkg.name}: its API report changed, and no file of .changeset names the package`,
    );
  }
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

// `pnpm check:licences`: every package that users install with ours has a licence that may go along with MIT. What only development uses
// is not passed on and may have others.
import { command } from "./command.js";
import { totalsLine } from "./totals.js";

const ALLOWED = new Set([
  "MIT",
  "ISC",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "Apache-2.0",
  "0BSD",
  "CC0-1.0",
  "BlueOak-1.0.0",
  "Unlicense",
  "Python-2.0",
]);

interface Listed {
  readonly name: string;
  readonly versions: readonly string[];
}

/** An expression of SPDX is allowed when one side of each OR, and all of an AND, is. */
function allowed(expression: string): boolean {
  const text = expression.replace(/[()]/g, " ").trim();
  return text.split(/\s+OR\s+/).some((part) => part.split(/\s+AND\s+/).every((licence) => ALLOWED.has(licence.trim())));
}

const { ok, output } = await command("pnpm", ["licenses", "list", "--prod", "--json", "--filter", "./packages/*"]);
const start = output.indexOf("{");
if (!ok || start < 0) throw new Error(output);
const listed = JSON.parse(output.slice(start)) as Record<string, readonly Listed[]>;
let passed = 0;
let failed = 0;
for (const [licence, packages] of Object.entries(listed)) {
  if (allowed(licence)) passed += packages.length;
  else {
    failed += packages.length;
    console.log(`${licence}: ${packages.map((p) => `${p.name} ${p.versions.join(" ")}`).join(", ")}`);
  }
}
if (passed === 0) failed++;
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

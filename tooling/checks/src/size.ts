// `pnpm check:size`: runs size-limit (.size-limit.js has the budgets) and prints one line per package.
import { command } from "./command.js";
import { totalsLine } from "./totals.js";

interface Row {
  readonly name: string;
  readonly passed: boolean;
  /** Bytes, minified and gzipped. */
  readonly size: number;
  readonly sizeLimit: number;
}

const { output } = await command("node_modules/.bin/size-limit", ["--json"], "tooling/checks");
const start = output.indexOf("[");
if (start < 0) throw new Error(output);
const rows = JSON.parse(output.slice(start, output.lastIndexOf("]") + 1)) as readonly Row[];
const kB = (bytes: number): string => (bytes / 1000).toFixed(1).padStart(6);
console.log("kB min+gzip   size  budget");
for (const row of rows) {
  console.log(`${row.passed ? "  " : "! "}        ${kB(row.size)}  ${kB(row.sizeLimit)}  ${row.name}`);
}
const failed = rows.filter((row) => !row.passed).length;
console.log(totalsLine({ passed: rows.length - failed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

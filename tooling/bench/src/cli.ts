// `pnpm bench [package...]`: the packages' benchmarks beside their peers, as operations per second and ratios in one run.
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { benchmarkFiles, loadBenchmarks } from "./load.js";
import { type Measured, measureBenchmark } from "./measure.js";
import { jsonReport, rows } from "./report.js";

const usage = `usage: pnpm bench [package...] [options]

  package       core, memcg, ...; "peers" compares libraries with each other; all of them without one
  --only TEXT   benchmarks whose name contains TEXT
  --json FILE   write the results to FILE
  --ms N        milliseconds of timing for each candidate in each of two passes (400)
  --list        names only

Ratios are ours / peer in operations per second, above 1 is faster. Leave the machine alone while it runs.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: "string" },
    json: { type: "string" },
    ms: { type: "string", default: "400" },
    list: { type: "boolean", default: false },
    help: { type: "boolean", short: "h", default: false },
  },
});

function fail(message: string): never {
  console.error(message);
  process.exit(2);
}

if (values.help) {
  console.log(usage);
  process.exit(0);
}
const milliseconds = Number(values.ms);
if (!(milliseconds > 0)) fail(`--ms takes a number of milliseconds above 0, not ${values.ms}`);

const all = benchmarkFiles();
const known = new Set(all.map((file) => file.package));
const strangers = positionals.filter((name) => !known.has(name));
if (strangers.length > 0)
  fail(`no benchmarks for ${strangers.join(", ")} (there are some for ${[...known].join(", ")})`);
const files = positionals.length === 0 ? all : all.filter((file) => positionals.includes(file.package));

const results: Measured[] = [];
let last = "";
for (const { package: pkg, list } of await loadBenchmarks(files)) {
  for (const benchmark of list) {
    if (values.only !== undefined && !benchmark.name.includes(values.only)) continue;
    if (pkg !== last) console.log(`\n${pkg}`);
    last = pkg;
    if (values.list) {
      console.log(`  ${benchmark.name}`);
      continue;
    }
    const result = await measureBenchmark(pkg, benchmark, milliseconds);
    results.push(result);
    console.log(rows(result));
  }
}
if (values.json !== undefined && !values.list) writeFileSync(values.json, jsonReport(results));

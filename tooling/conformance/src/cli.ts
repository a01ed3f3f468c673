/**
 * cli: `pnpm conformance [package...] [--cases DIR] [--case ID] [--json FILE] [--verbose]`.
 *
 * Prints the failures with what was expected and got at which step, then the table of scores. Exit status: 0 if nothing
 * failed that is not on the known list and the list is true; 1 otherwise; 2 for a wrong call.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { failureText, missingText, reportJson, scoreTable } from "./report.js";
import { runConformance } from "./runConformance.js";

const USAGE = `usage: conformance [package...] [--cases DIR] [--case ID] [--json FILE] [--verbose] [--alone]

Runs the recorded cases against the composed kernel.
  package        only these folders (core, namespaces, ...)
  --cases DIR    cases from another folder, laid out DIR/<package>/*.json
  --case ID      only the case with this id
  --json FILE    also write the score as JSON
  --verbose      show what every step saw, and all that is missing
  --alone        compose only core and the packages named
`;

/** The reasons shown per package for cases that are not yet run, without --verbose. */
const REASONS_SHOWN = 8;

/** Runs the command line; gives the exit status. */
export async function main(argv: readonly string[]): Promise<number> {
  let args: ReturnType<typeof parse>;
  try {
    args = parse(argv);
  } catch (e) {
    process.stderr.write(`conformance: ${(e as Error).message}\n${USAGE}`);
    return 2;
  }
  const { values, positionals } = args;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }
  try {
    const report = await runConformance({
      packages: positionals,
      ...(values.cases !== undefined && { casesDir: values.cases }),
      ...(values.case !== undefined && { caseId: values.case }),
      ...(values.verbose && {
        trace: (id, index, step, saw) => {
          process.stdout.write(`${id} ${index} ${showStep(step)}\n    -> ${saw}\n`);
        },
      }),
    });
    process.stdout.write(failureText(report.packages));
    process.stdout.write(missingText(report.packages, values.verbose ? Number.POSITIVE_INFINITY : REASONS_SHOWN));
    process.stdout.write(scoreTable(report.packages));
    if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify(reportJson(report), null, 2)}\n`);
    return report.ok ? 0 : 1;
  } catch (e) {
    if (!(e instanceof RangeError || e instanceof TypeError || e instanceof SyntaxError)) throw e;
    process.stderr.write(`conformance: ${e.message}\n`);
    return 2;
  }
}

function parse(argv: readonly string[]) {
  return parseArgs({
    args: [...argv],
    allowPositionals: true,
    options: {
      cases: { type: "string" },
      case: { type: "string" },
      json: { type: "string" },
      verbose: { type: "boolean", short: "v" },
      // Acted on where the runner is bundled (bin/conformance.mjs): the other packages are left out of the bundle.
      alone: { type: "boolean" },
      help: { type: "boolean", short: "h" },
    },
  });
}

function showStep(step: object): string {
  const text = JSON.stringify(step, (_, v) => (typeof v === "bigint" ? Number(v) : v));
  return text.length > 200 ? `${text.slice(0, 200)}...` : text;
}

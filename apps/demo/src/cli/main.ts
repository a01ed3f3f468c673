/**
 * The command line: `main(["node", "kernelkit", "boot", "-c", "uname -a"])`.
 *
 * Exit codes: 0, that of the script or program that was run, 1 something does not hold, 2 the command line or a file is wrong.
 */
import { Command, CommanderError } from "commander";
import { failureText, reportJson, scoreTable } from "kernelkit-conformance";
import { type DemoOptions, demo, withBar } from "../demo.js";
import { openPool, score } from "../pool/pool.js";
import { listJson, listText, type TourOptions, tour } from "../tour/tour.js";
import { addBoot } from "./boot.js";
import { addLayouts } from "./layouts.js";
import { collect, withMachine } from "./options.js";
import { addReaders } from "./readers.js";
import { addSweep } from "./sweep.js";

const out = (text: string): void => void process.stdout.write(text);

function createProgram(): Command {
  const program = new Command("kernelkit")
    .description("The Linux kernel's mechanisms, composed into one kernel that runs in virtual time")
    .version("0.1.0")
    .showSuggestionAfterError()
    .showHelpAfterError("(add --help for what there is)")
    .exitOverride()
    .addHelpText(
      "after",
      `
Examples:
  $ kernelkit boot                                              a shell in the kernel
  $ kernelkit boot -c 'unshare -Urpf --mount-proc ps -ef'       a script in it
  $ kernelkit tour jitter --svg pictures                        one story, as table, plot and picture
  $ kernelkit run --layout docker-v2 --memory 512M -- node -p 'process.constrainedMemory()'
  $ kernelkit export /tmp/tree --layout kubernetes-v2 --live    what a process there sees, kept current
  $ kernelkit ima verify binary_runtime_measurements            a real machine's measurement list
  $ kernelkit conformance namespaces                            recorded Linux against this kernel

Exit codes: 0; that of the script or program that was run; 1 something does not hold; 2 bad usage or a bad file.`,
    );

  withMachine(program.command("demo"))
    .description(
      "(the default) boot, show a short session, every story in a line, and the score against recorded Linux",
    )
    .option("--no-tour", "leave the stories out")
    .option("--no-conformance", "leave the recorded behaviour out")
    .action(async (o: DemoOptions) => {
      process.exitCode = (await demo(o, out)) ? 0 : 1;
    });

  addBoot(program);

  program
    .command("tour")
    .description("run the packages' stories: rivals on one workload, as tables, plots and figures")
    .argument("[story...]", "ids of stories or names of packages; all without any")
    .option("--list", "say what there is, with the knobs (with --json - as JSON)")
    .option("--brief", "a line for each story")
    .option("--set <knob=value>", "set a knob of the stories that have it (repeatable)", collect, [])
    .option("--csv <dir>", "write tables and series as CSV")
    .option("--json <dir>", "write results as JSON")
    .option("--svg <dir>", "write pictures")
    .action(async (asked: string[], o: TourOptions & { list?: boolean }) => {
      if (o.list === true) out(o.json === "-" ? listJson(asked) : listText(asked));
      else await tour(asked, o, out);
    });

  program
    .command("conformance")
    .description("run behaviour recorded on real kernels against this one")
    .argument("[package...]", "packages; all without any")
    .option("--json", "the report as JSON")
    .action(async (packages: string[], o: { json?: boolean }) => {
      const pool = openPool();
      try {
        const report = await withBar((progress) => score(pool, packages, progress));
        if (o.json === true) out(`${JSON.stringify(reportJson(report), null, 1)}\n`);
        else out(`${failureText(report.packages)}${scoreTable(report.packages)}`);
        process.exitCode = report.ok ? 0 : 1;
      } finally {
        await pool.close();
      }
    });

  addLayouts(program);
  addReaders(program);
  addSweep(program, out);

  /** Subcommands do not inherit it. */
  for (const c of program.commands) {
    c.exitOverride();
    for (const inner of c.commands) inner.exitOverride();
  }
  return program;
}

/** Run one command line; the exit code goes to process.exitCode. */
export async function main(argv: readonly string[]): Promise<void> {
  try {
    const [first] = argv.slice(2);
    // without a command, or with options of it alone, it is the demo
    const alone =
      first === undefined || (first.startsWith("-") && !["-h", "--help", "-V", "--version"].includes(first));
    await createProgram().parseAsync(alone ? [...argv.slice(0, 2), "demo", ...argv.slice(2)] : [...argv]);
  } catch (e) {
    if (e instanceof CommanderError) process.exitCode = e.exitCode === 0 ? 0 : 2;
    // what the user gave was wrong: one line, no stack
    else if (e instanceof RangeError || e instanceof TypeError || e instanceof SyntaxError || "code" in (e as object)) {
      process.stderr.write(`kernelkit: ${(e as Error).message}\n`);
      process.exitCode = 2;
    } else throw e;
  }
}

#!/usr/bin/env node
import { readFileSync } from "node:fs";
// The `kernelkit` command. `npm run demo -- ARGUMENTS` in the checkout runs it.
import { parseKmsg } from "@kernelkit/printk-syslog";
import { Command, InvalidArgumentError } from "commander";
import { type Progress, runConformance, scoreTable } from "kernelkit-conformance";
import { addSweepCommands } from "./commands/sweep.js";
import { type DemoOptions, demo } from "./demo.js";
import { bootKernel } from "./kernel.js";
import { machineOption } from "./machineOption.js";
import { imaShow, imaVerify } from "./readers/ima.js";
import { interruptsText, kmsgText } from "./readers/logs.js";
import { repl } from "./repl.js";
import { createShell, shellTask } from "./shell/shell.js";
import { listText, type TourOptions, tour } from "./tour/tour.js";

const out = (text: string): void => void process.stdout.write(text);
const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];
const integer = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n)) throw new InvalidArgumentError("a whole number is needed.");
  return n;
};
/** A RangeError of ours is the user's: its message, and exit code 2. */
const machine = (text: string): ReturnType<typeof machineOption> => {
  try {
    return machineOption(text);
  } catch (e) {
    throw new InvalidArgumentError((e as Error).message);
  }
};

const program = new Command("kernelkit")
  .description("The Linux kernel's mechanisms, composed into one kernel that runs in virtual time")
  .version("0.1.0")
  .showSuggestionAfterError()
  .showHelpAfterError("(add --help for what there is)");

interface MachineFlags {
  readonly machine: ReturnType<typeof machineOption>;
  readonly cmdline: string;
  readonly seed: number;
}

const withMachine = (c: Command): Command =>
  c
    .option("--machine <what>", 'the machine: "4cpu,2node,8G"', machine, machineOption("4cpu,1node,4G"))
    .option("--cmdline <text>", "kernel command line", "loglevel=7")
    .option("--seed <n>", "seed: the same seed gives the same run", integer, 1);

withMachine(program.command("demo", { isDefault: true }))
  .description("boot, show a short session, every story in a line, and the score against recorded Linux")
  .option("--no-tour", "leave the stories out")
  .option("--no-conformance", "leave the recorded behaviour out")
  .action(async (o: DemoOptions) => {
    process.exitCode = (await demo(o, out)) ? 0 : 1;
  });

withMachine(program.command("boot"))
  .description("boot and give a shell: a prompt, a script file, or -c")
  .argument("[script]", "script file to run in the kernel's shell")
  .option("-c, --command <script>", "run this and exit")
  .action(async (file: string | undefined, o: MachineFlags & { command?: string }) => {
    const kernel = bootKernel({ machine: o.machine, cmdline: o.cmdline, seed: o.seed });
    const shell = createShell(kernel, shellTask(kernel));
    const script = o.command ?? (file === undefined ? undefined : readFileSync(file, "utf8"));
    if (script === undefined && process.stdin.isTTY) {
      out(kernel.printk.dmesg());
      process.exitCode = await repl(shell, { input: process.stdin, output: process.stdout, terminal: true });
      return;
    }
    const r = await shell.exec(script ?? readFileSync(0, "utf8"));
    out(r.stdout);
    process.stderr.write(r.stderr);
    process.exitCode = r.exitCode;
  });

program
  .command("tour")
  .description("run the packages' stories: rivals on one workload, as tables, plots and figures")
  .argument("[story...]", "ids of stories or names of packages; all without any")
  .option("--list", "say what there is, with the knobs")
  .option("--brief", "a line for each story")
  .option("--set <knob=value>", "set a knob of the stories that have it (repeatable)", collect, [])
  .option("--csv <dir>", "write tables and series as CSV")
  .option("--json <dir>", "write results as JSON")
  .option("--svg <dir>", "write pictures")
  .action(async (asked: string[], o: TourOptions & { list?: boolean }) => {
    if (o.list === true) out(listText(asked));
    else await tour(asked, o, out);
  });

program
  .command("conformance")
  .description("run behaviour recorded on real kernels against this one")
  .argument("[package...]", "packages; all without any")
  .option("--json", "the report as JSON")
  .action(async (packages: string[], o: { json?: boolean }) => {
    const report = await runConformance({ packages }, (_: Progress) => {});
    out(o.json === true ? `${JSON.stringify(report, null, 1)}\n` : scoreTable(report.packages));
    process.exitCode = report.ok ? 0 : 1;
  });

const ima = program.command("ima").description("read measurement lists of real machines");
ima
  .command("show")
  .description("a binary list as the kernel's ascii form")
  .argument("<file>", "binary_runtime_measurements")
  .option("--json", "entries as JSON")
  .action((file: string, o: { json?: boolean }) => out(imaShow(file, o.json === true)));
ima
  .command("verify")
  .description("check a list's hashes, and that it fits the registers of a TPM")
  .argument("<file>", "binary_runtime_measurements")
  .option("--pcrs <file>", "registers: JSON, `tpm2_pcrread`'s output, or lines `sha256 10 HEX`")
  .option("--json", "the verdict as JSON")
  .action((file: string, o: { json?: boolean; pcrs?: string }) => {
    const v = imaVerify(file, { ...o, json: o.json === true });
    out(v.text);
    process.exitCode = v.ok ? 0 : 1;
  });

program
  .command("kmsg")
  .description("records copied from /dev/kmsg, as dmesg prints them")
  .argument("<file>")
  .option("--json", "records as JSON")
  .action((file: string, o: { json?: boolean }) => {
    const records = parseKmsg(readFileSync(file, "utf8"));
    out(o.json === true ? `${JSON.stringify(records, null, 1)}\n` : kmsgText(records));
  });

program
  .command("interrupts")
  .description("a copy of /proc/interrupts: totals, busiest first")
  .argument("<file>")
  .option("--json", "as JSON")
  .action((file: string, o: { json?: boolean }) => out(interruptsText(readFileSync(file, "utf8"), o.json === true)));

addSweepCommands(program, out);

try {
  await program.parseAsync();
} catch (e) {
  // what the user gave was wrong: one line, no stack
  if (!(e instanceof RangeError || e instanceof TypeError || e instanceof SyntaxError || "code" in (e as object)))
    throw e;
  process.stderr.write(`kernelkit: ${(e as Error).message}\n`);
  process.exitCode = 2;
}

#!/usr/bin/env node
// The `kernelkit` command. `npm run demo -- ARGUMENTS` in the checkout runs it.
import { readFileSync } from "node:fs";
import { Command, InvalidArgumentError } from "commander";
import { type DemoOptions, demo } from "./demo.js";
import { bootKernel } from "./kernel.js";
import { repl } from "./repl.js";
import { createShell, shellTask } from "./shell/shell.js";

const integer = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n)) throw new InvalidArgumentError("a whole number is needed.");
  return n;
};

const program = new Command("kernelkit")
  .description("The Linux kernel's mechanisms, composed into one kernel that runs in virtual time")
  .version("0.1.0");

const withMachine = (c: Command): Command =>
  c
    .option("--cpus <n>", "CPUs of the machine", integer, 4)
    .option("--memory <size>", 'memory of the machine, like "8G"', "4G")
    .option("--cmdline <text>", "kernel command line", "loglevel=7")
    .option("--seed <n>", "seed: the same seed gives the same run", integer, 1);

withMachine(program.command("demo", { isDefault: true }))
  .description("boot, show a short session, and run recorded Linux behaviour against the kernel")
  .option("--no-conformance", "leave the recorded behaviour out")
  .action(async (o: DemoOptions) => {
    process.exitCode = (await demo(o, (text) => process.stdout.write(text))) ? 0 : 1;
  });

withMachine(program.command("boot"))
  .description("boot and give a shell: a prompt, a script file, or -c")
  .argument("[script]", "script file to run in the kernel's shell")
  .option("-c, --command <script>", "run this and exit")
  .action(async (file: string | undefined, o: DemoOptions & { command?: string }) => {
    const kernel = bootKernel({
      machine: { cpus: o.cpus ?? 4, memory: o.memory ?? "4G" },
      cmdline: o.cmdline ?? "",
      seed: o.seed ?? 1,
    });
    const shell = createShell(kernel, shellTask(kernel));
    const script = o.command ?? (file === undefined ? undefined : readFileSync(file, "utf8"));
    if (script === undefined && process.stdin.isTTY) {
      await repl(shell);
      return;
    }
    const r = await shell.exec(script ?? readFileSync(0, "utf8"));
    process.stdout.write(r.stdout);
    process.stderr.write(r.stderr);
    process.exitCode = r.exitCode;
  });

await program.parseAsync();

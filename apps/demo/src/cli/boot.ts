/** `kernelkit boot` and `kernelkit dmesg`: a kernel and its shell. */
import { readFileSync, writeFileSync } from "node:fs";
import type { Command } from "commander";
import { repl } from "../repl.js";
import { rawSyslog } from "../shell/commands/log.js";
import { createShell, shellTask } from "../shell/shell.js";
import { bootWith, type MachineFlags, traceOutput, withMachine, withTrace } from "./options.js";

interface BootFlags extends MachineFlags {
  readonly command?: string;
  readonly json?: boolean;
}

async function boot(file: string | undefined, args: readonly string[], o: BootFlags): Promise<void> {
  const kernel = bootWith(o);
  const task = shellTask(kernel);
  const script = o.command ?? (file === undefined ? undefined : readFileSync(file === "-" ? 0 : file, "utf8"));
  if (script === undefined && process.stdin.isTTY) {
    process.stdout.write(kernel.printk.dmesg());
    const write = (a: string, b: string): void => void process.stdout.write(a + b);
    const shell = createShell(kernel, task, { interactive: true, write });
    process.exitCode = await repl(shell, { input: process.stdin, output: process.stdout, terminal: true });
  } else {
    const shell = createShell(kernel, task);
    // $0 and what follows the script's name
    const given = file === undefined ? "" : `set -- ${args.map((a) => `'${a.replaceAll("'", "'\\''")}'`).join(" ")}\n`;
    const r = await shell.exec(given + (script ?? readFileSync(0, "utf8")));
    if (o.json === true) {
      const { stdout, stderr, exitCode } = r;
      process.stdout.write(
        `${JSON.stringify({ stdout, stderr, exitCode, nowNs: kernel.now, digest: kernel.digest() }, null, 1)}\n`,
      );
    } else {
      process.stdout.write(r.stdout);
      process.stderr.write(r.stderr);
    }
    process.exitCode = r.exitCode;
  }
  if (o.trace !== undefined) writeFileSync(o.trace, traceOutput(kernel, o.trace));
}

export function addBoot(program: Command): void {
  withTrace(withMachine(program.command("boot")))
    .description("boot and give a shell: a prompt, a script file (- or a pipe: standard input), or -c")
    .argument("[script]", "script file to run in the kernel's shell")
    .argument("[args...]", "its arguments")
    .option("-c, --command <script>", "run this and exit")
    .option("--json", "output, exit code, virtual time and digest as JSON")
    .addHelpText(
      "after",
      `
Examples:
  $ kernelkit boot
  $ kernelkit boot --machine 8cpu,2node,16G -c 'numactl -H; stress -c 4 -t 10; vmstat'
  $ kernelkit boot --disk sda:writeBps=4M -c 'mount -t ext4 /dev/sda /mnt; cd /mnt; time stress -d 1 --hdd-bytes 64M -t 30'
  $ kernelkit boot --trace out.json --trace-events 'sched:*' -c 'stress -c 2 -t 1'`,
    )
    .action(boot);

  withMachine(program.command("dmesg"))
    .description("the kernel log of a boot, or after a script")
    .option("-c, --command <script>", "run this first")
    .option("--raw-syslog", "as syslog(2) gives it: what `dmesg -F FILE` of util-linux reads")
    .option("--json", "records as JSON")
    .action(async (o: BootFlags & { rawSyslog?: boolean }) => {
      const kernel = bootWith(o);
      const task = shellTask(kernel);
      const shell = createShell(kernel, task);
      if (o.command !== undefined) await shell.exec(o.command);
      if (o.rawSyslog === true) process.stdout.write(rawSyslog({ sys: kernel.sys(task) }));
      else process.stdout.write((await shell.exec(o.json === true ? "dmesg -J" : "dmesg")).stdout);
    });
}

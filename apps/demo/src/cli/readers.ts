/** Commands that read what was copied from real machines: ima, kmsg, interrupts, replay. */
import { readFileSync } from "node:fs";
import { parseKmsg } from "@kernelkit/printk-syslog";
import { replayText, replayTrace } from "@kernelkit/writeback";
import type { Command } from "commander";
import { imaShow, imaVerify } from "../readers/ima.js";
import { interruptsText, kmsgText } from "../readers/logs.js";
import { integer } from "./options.js";

const out = (text: string): void => void process.stdout.write(text);

interface JsonFlag {
  readonly json?: boolean;
}

export function addReaders(program: Command): void {
  const ima = program.command("ima").description("read measurement lists of real machines");
  ima
    .command("show")
    .description("a binary list as the kernel's ascii form")
    .argument("<file>", "binary_runtime_measurements")
    .option("--json", "entries as JSON")
    .action((file: string, o: JsonFlag) => out(imaShow(file, o.json === true)));
  ima
    .command("verify")
    .description("check a list's hashes, and that it fits the registers of a TPM")
    .argument("<file>", "binary_runtime_measurements")
    .option("--pcrs <file>", "registers: JSON, `tpm2_pcrread`'s output, or lines `sha256 10 HEX`")
    .option("--json", "the verdict as JSON")
    .action((file: string, o: JsonFlag & { pcrs?: string }) => {
      const v = imaVerify(file, { ...o, json: o.json === true });
      out(v.text);
      process.exitCode = v.ok ? 0 : 1;
    });

  program
    .command("kmsg")
    .description("records copied from /dev/kmsg, as dmesg prints them")
    .argument("<file>")
    .option("--json", "records as JSON")
    .action((file: string, o: JsonFlag) => {
      const records = parseKmsg(readFileSync(file, "utf8"));
      out(o.json === true ? `${JSON.stringify(records, null, 1)}\n` : kmsgText(records));
    });

  program
    .command("interrupts")
    .description("a copy of /proc/interrupts: totals, busiest first")
    .argument("<file>")
    .option("--json", "as JSON")
    .action((file: string, o: JsonFlag) => out(interruptsText(readFileSync(file, "utf8"), o.json === true)));

  program
    .command("replay")
    .description("a trace of writeback from a real machine, event by event against the rules here")
    .argument("<trace>", "text of trace-cmd report, perf script, or /sys/kernel/tracing/trace")
    .option("--hz <n>", "ticks per second of that kernel", integer, 250)
    .option("--min <percent>", "fail if less than this agrees", Number, 0)
    .option("--json", "counts and differences as JSON")
    .action((file: string, o: JsonFlag & { hz: number; min: number }) => {
      const r = replayTrace(readFileSync(file, "utf8"), { hz: o.hz });
      const json = {
        agreement: r.agreement,
        byEvent: Object.fromEntries(r.byEvent),
        differences: r.events
          .filter((e) => !e.agrees)
          .map((e) => ({ time: e.line.time, event: e.line.event, checks: e.checks })),
      };
      out(o.json === true ? `${JSON.stringify(json, null, 1)}\n` : replayText(r));
      process.exitCode = 100 * r.agreement >= o.min ? 0 : 1;
    });
}

/**
 * The dialect of the folder `genirq`: operations of the irq core by name, with the callbacks they lead to (`calls`) and what
 * is logged (`log`), and files below /proc and /sys. `{A}` is the number of line A.
 */
import type { Step } from "../caseFile.js";
import type { Dialect, StepKind } from "../dialect.js";
import { compare, type Expectation } from "../expectations.js";
import { genirqOps, lineNumber, namedLines, takeCalls } from "../ops/genirq.js";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import { makeHolder, makeTasks } from "../startState.js";
import { fileSteps, listDir, readFile } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { taskOf } from "../steps/syscallSteps.js";
import { advanceStep } from "../steps/taskSteps.js";
import { show } from "../value.js";
import { braceVariables } from "../variables.js";

/** Lines of the kernel log since the step began. */
function takeLog(s: Session): string[] {
  return s.state("log", (): string[] => []).splice(0);
}

/** Adds what the step's callbacks and the log have shown. */
const observed = (kind: StepKind): StepKind => ({
  ...kind,
  run: (s, step) => {
    takeCalls(s);
    takeLog(s);
    let result: Result | undefined;
    try {
      result = kind.run(s, step);
    } catch (e) {
      result = s.errorResult(e);
    }
    return { ...result, calls: takeCalls(s), log: takeLog(s), lines: namedLines(s) };
  },
});

/** What of a file the step is about: a row by its label, a line by its number, a field of /proc/stat's intr line. */
function partOf(step: Step, text: string): unknown {
  if (step.row !== undefined) {
    const label = `${String(step.row)}:`;
    const row = text.split("\n").find((line) => line.trimStart().startsWith(label));
    return row === undefined ? null : row.slice(row.indexOf(":") + 1);
  }
  if (step.line !== undefined) return text.split("\n")[Number(step.line) - 1] ?? null;
  if (step.intr_field !== undefined) {
    const intr = text.split("\n").find((line) => line.startsWith("intr "));
    // The first number is the total.
    return intr?.split(" ")[2 + Number(step.intr_field)] ?? null;
  }
  return text;
}

const files = fileSteps();

const read: StepKind = {
  inputs: ["row", "line", "intr_field"],
  missing: files.read.missing,
  run: (s, step) => {
    const text = readFile(s, taskOf(step), String(step.read));
    return { ret: text.length, value: partOf(step, text), text };
  },
};

/** Names of file types, by the type bits of st_mode. */
const TYPES: Readonly<Record<number, string>> = { 4: "dir", 8: "file", 10: "link" };

const stat: StepKind = {
  inputs: [],
  missing: (s) => (s.has("stat") ? undefined : "system call stat"),
  run: (s, step) => {
    const { mode } = s.syscall<{ mode: number }>(taskOf(step), "stat", step.stat);
    const type = TYPES[(mode >> 12) & 15] ?? "other";
    return { ret: 0, fields: { mode: (mode & 0o7777).toString(8).padStart(4, "0"), type } };
  },
};

const readdir: StepKind = {
  inputs: [],
  missing: files.listdir.missing,
  run: (s, step) => ({ ret: 0, value: listDir(s, taskOf(step), String(step.readdir)) }),
};

const exists: StepKind = {
  inputs: [],
  missing: (s) => (s.has("stat") ? undefined : "system call stat"),
  run: (s, step) => {
    try {
      s.syscall(taskOf(step), "stat", step.exists);
      return { ret: true };
    } catch (e) {
      if (s.errorResult(e).errno !== "ENOENT") throw e;
      return { ret: false };
    }
  },
};

/** Lines of a trace file with these texts, in this order. */
const events: Expectation = (expected, result) => {
  const seen = String(result.text ?? "").split("\n");
  let from = 0;
  for (const event of expected as string[]) {
    const at = seen.findIndex((line, i) => i >= from && line.includes(event));
    if (at < 0) throw new Mismatch(`trace line with ${show(event)}`, show(seen.slice(from)));
    from = at + 1;
  }
};

/** Log lines of this step, in this order; `WARNING at FILE FUNCTION` is a kernel warning from there, whatever else it says. */
const log: Expectation = (expected, result) => {
  const lines = (result.log as string[] | undefined) ?? [];
  let from = 0;
  for (const part of expected as string[]) {
    const where = /^WARNING at (\S+) (\S+)$/.exec(part);
    // as the banner has it, with a line number and an offset, or without
    const fits = (line: string): boolean => {
      if (where === null) return line.includes(part);
      const m = /WARNING: .*\bat ([^\s:]+)(?::\d+)? (\w+)(?:\+|$)/.exec(line);
      return m?.[1] === where[1] && m[2] === where[2];
    };
    const at = lines.findIndex((line, i) => i >= from && fits(line));
    if (at < 0) throw new Mismatch(`log line with ${show(part)}`, `log ${show(lines)}`);
    from = at + 1;
  }
};

/** `null`: the row is not there. */
const equals: Expectation = (expected, result, context) => compare("equals", expected, result.value, context);

/** A line's number is a number where it is what an operation returns; the step itself may have given it its name. */
const ret: Expectation = (expected, result, context) => {
  const name = /^\{(\w+)\}$/.exec(String(expected))?.[1];
  const named = name === undefined ? undefined : (result.lines as Record<string, number> | undefined)?.[name];
  if (named !== undefined) {
    compare("ret", named, result.ret, context);
    return;
  }
  const number = typeof expected === "string" && /^\d+$/.test(expected) && typeof result.ret === "number";
  compare("ret", number ? Number(expected) : expected, result.ret, context);
};

function start(s: Session): void {
  makeHolder(s);
  makeTasks(s);
  const core = s.kernel.core as {
    hooks: { log: { tap(order: number, label: string, fn: (line: { text: string }) => void): void } };
  };
  const log = s.state("log", (): string[] => []);
  core.hooks.log.tap(950, "conformance", (line) => {
    log.push(...line.text.split("\n"));
  });
}

export const genirq: Dialect = {
  package: "genirq",
  caseKeys: [],
  machineKeys: ["cpus", "cmdline", "release", "hz"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c) => {
    const m = c.machine ?? {};
    return {
      needs: ["genirq"],
      machine: {
        cpus: m.cpus ?? 1,
        ...(m.hz !== undefined && { hz: m.hz }),
        ...(m.release !== undefined && { release: String(m.release) }),
      },
      ...(typeof m.cmdline === "string" && { cmdline: m.cmdline }),
    };
  },
  start,
  substitute: (s, value) => braceVariables(value, (name) => lineNumber(s, name)),
  kinds: {
    advance: observed(advanceStep),
    kernel: observed(kernelStep(genirqOps)),
    read,
    write: observed(files.write),
    stat,
    readdir,
    exists,
  },
  expectations: { events, equals, log, ret },
  pauseNs: 0,
};

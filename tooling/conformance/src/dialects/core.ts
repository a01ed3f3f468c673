import { TEST_PROGRAM_FILE, testProgram } from "@kernelkit/core";
/**
 * The dialect of the folder `core`: everything is visible from user space - tasks, files, memory, /proc - and there are no
 * kernel operations. Values are saved by name (`save`), `$x`, `${x}` and `$B.pid` stand for them; patterns are multi-line.
 */
import type { Dialect, Effect, StepKind } from "../dialect.js";
import { compare, type Expectation } from "../expectations.js";
import { fromLatin1 } from "../result.js";
import type { Session } from "../session.js";
import { HOLDER, makeHolder, makeTasks, mountTmpfs, setSysctls } from "../startState.js";
import { fileSteps, withFileMade } from "../steps/fileSteps.js";
import { joinStep, sysStep, taskOf } from "../steps/syscallSteps.js";
import { pidOf, TASK_STEPS } from "../steps/taskSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { call, octal } from "../syscalls/marshal.js";
import { dollarVariables } from "../variables.js";

/** How long a call that must block is watched. */
const BLOCK_NS = 150_000_000;
/** A recorder needs about that long from one step to the next. */
const PAUSE_NS = 100_000;

/** `save`: a name for the text or the number; `{variable: field}`; for pipe2 a list of names. */
export const saveEffect: Effect = (s, what, result) => {
  const value = result.data ?? result.ret;
  if (typeof what === "string") s.vars.set(what, value);
  else if (Array.isArray(what)) {
    const fds = result.fields?.fds as unknown[] | undefined;
    what.forEach((name, i) => {
      s.vars.set(String(name), fds?.[i]);
    });
  } else {
    for (const [name, field] of Object.entries(what as Record<string, string>)) {
      s.vars.set(name, field === "ret" ? result.ret : result.fields?.[field]);
    }
  }
};

/** Saved values, and pids of tasks as `task` sees them. */
export function dollarLookup(s: Session, task: string): (name: string) => unknown {
  return (name) => {
    if (name.endsWith(".pid")) {
      const target = name.slice(0, -".pid".length);
      return s.tasks.has(target) ? pidOf(s, target, s.tasks.has(task) ? task : HOLDER) : undefined;
    }
    return s.vars.get(name);
  };
}

/** `{touch: address, pages, write}`: user code touches the first byte of each page. */
const touchStep: StepKind = {
  inputs: ["pages", "write"],
  missing: (s) => (s.has("touch") ? undefined : "system call touch"),
  run: (s, step) =>
    s.perform(taskOf(step), call("touch").plan([addressOf(step.touch), step.pages ?? 1, step.write === true], s, step)),
};

/** An address: a number, or hex text. */
export function addressOf(v: unknown): unknown {
  return typeof v === "string" && v.startsWith("0x") ? Number(v) : v;
}

/** `{program: path, mode}`: A installs the test program. */
const programStep: StepKind = {
  inputs: ["mode"],
  run: (s, step) => {
    const task = taskOf(step);
    const path = String(step.program);
    withFileMade(s, task, path, fromLatin1(TEST_PROGRAM_FILE), 0o755);
    s.syscall(task, "chmod", path, octal(step.mode ?? "755"));
    return undefined;
  },
};

/** The recorder looks at what the call returned, also where it read a text. */
const rangeOfRet: Expectation = (expected, result, context) => {
  const [min, max] = expected as [unknown, unknown];
  compare("range", { min, max }, result.ret, context);
};

/** Registers the program that `{program}` files run. */
export function addTestProgram(s: Session): void {
  const core = s.kernel.core as { programs: { add(def: unknown): void } };
  core.programs.add(testProgram);
}

export const core: Dialect = {
  package: "core",
  caseKeys: ["sysctl"],
  machineKeys: ["cpus"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: true,
  compose: (c) => ({ needs: [], machine: { cpus: 2, ...c.machine } }),
  start: (s) => {
    addTestProgram(s);
    makeHolder(s);
    mountTmpfs(s, "/mnt");
    setSysctls(s, {
      "fs.protected_hardlinks": 0,
      "fs.protected_symlinks": 0,
      "fs.protected_fifos": 0,
      "fs.protected_regular": 0,
      ...(s.spec.sysctl as Record<string, unknown> | undefined),
    });
    makeTasks(s);
  },
  substitute: (s, value, task) => dollarVariables(value, dollarLookup(s, task)),
  kinds: {
    ...TASK_STEPS,
    join: joinStep(BLOCK_NS),
    sys: sysStep(CORE_CALLS, BLOCK_NS),
    touch: touchStep,
    program: programStep,
    ...fileSteps({ blockNs: BLOCK_NS }),
  },
  expectations: { range: rangeOfRet },
  effects: { save: saveEffect },
  pauseNs: PAUSE_NS,
};

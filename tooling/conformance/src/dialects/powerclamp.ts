/**
 * The dialect of the folder `powerclamp`: files of thermal devices, named by type (`${cdev:T}`, `${zone:T}`), and kernel
 * operations. `machine.powerclamp` and `machine.thermal` choose the generation of the driver and of the thermal core.
 */
import type { Dialect, StepKind } from "../dialect.js";
import { logLines, powerclampOps } from "../ops/powerclamp.js";
import { Mismatch } from "../outcome.js";
import type { Session } from "../session.js";
import { makeHolder, makeTasks } from "../startState.js";
import { fileSteps, listDir, readFile } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { argsOf, taskOf } from "../steps/syscallSteps.js";
import { advanceStep } from "../steps/taskSteps.js";
import { mapTexts } from "../variables.js";

const CLASS = "/sys/class/thermal";
const FOLDERS: Readonly<Record<string, string>> = { cdev: "cooling_device", zone: "thermal_zone" };

/** The directory of the cooling device or thermal zone of that type. */
function devicePath(s: Session, kind: string, type: string): string {
  const names = listDir(s, "A", CLASS)
    .filter((name) => name.startsWith(FOLDERS[kind]))
    .sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const name of names) {
    if (readFile(s, "A", `${CLASS}/${name}/type`).trim() === type) return `${CLASS}/${name}`;
  }
  throw new Mismatch(`a ${FOLDERS[kind]} of type ${type} in ${CLASS}`, names.join(" ") || "none");
}

/** The numbers of a CPU list ("0-1,3"). */
export function cpuList(text: string): number[] {
  return text
    .split(",")
    .filter((part) => part !== "")
    .flatMap((part) => {
      const [first, last] = part.split("-").map(Number);
      return Array.from({ length: (last ?? first) - first + 1 }, (_, i) => first + i);
    });
}

/** `sched_setaffinity [kernel thread's name, CPU list]`. */
const sys: StepKind = {
  inputs: ["args"],
  missing: (s, step) =>
    step.sys === "sched_setaffinity" && s.has("sched_setaffinity") ? undefined : `system call ${String(step.sys)}`,
  run: (s, step) => {
    const [name, cpus] = argsOf(step);
    const thread = s.kernel.tasks.all().find((t) => t.comm === name);
    if (thread === undefined) throw new Mismatch(`a thread named ${String(name)}`, "none");
    return { ret: s.syscall(taskOf(step), "sched_setaffinity", thread.nr, cpuList(String(cpus))) };
  },
};

export const powerclamp: Dialect = {
  package: "powerclamp",
  caseKeys: [],
  machineKeys: ["cpus", "hz", "tsc_hz", "packages", "powerclamp", "thermal", "cmdline"],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c) => {
    const m = c.machine ?? {};
    return {
      needs: ["powerclamp"],
      machine: { cpus: m.cpus ?? 2, hz: m.hz ?? 250, tscHz: m.tsc_hz ?? 2_000_000_000 },
      ...(typeof m.cmdline === "string" && { cmdline: m.cmdline }),
      options: {
        powerclamp: {
          ...(m.powerclamp !== undefined && { driver: m.powerclamp }),
          ...(m.thermal !== undefined && { thermal: m.thermal }),
          ...(m.packages !== undefined && { packages: m.packages }),
        },
      },
    };
  },
  start: (s) => {
    makeHolder(s);
    makeTasks(s);
    logLines(s);
  },
  substitute: (s, value) =>
    mapTexts(value, (text) =>
      text.replace(/\$\{(cdev|zone):([^}]+)\}/g, (_, kind: string, type: string) => devicePath(s, kind, type)),
    ),
  kinds: {
    advance: advanceStep,
    sys,
    kernel: kernelStep(powerclampOps, ["reset"]),
    ...fileSteps(),
  },
  // what a write woke has run before the next look
  pauseNs: 10_000,
};

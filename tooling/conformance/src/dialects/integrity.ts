/**
 * The dialect of the folder `integrity`: files, attributes and programs on measured and appraised file systems. Descriptors
 * and mappings have names without `$` (default `fd` and `map`), which is also what a call that makes one returns; `execve`
 * runs in a child; results may be compared with an earlier one (`relation`, `from`). An open without `as` whose descriptor no
 * later step names is only a try: it is closed at once, as the recorder does.
 */
import type { Step } from "../caseFile.js";
import type { Dialect, Effect, StepKind } from "../dialect.js";
import { COMMON, type Expectation } from "../expectations.js";
import { integrityOps, seen } from "../ops/integrity.js";
import { type MountSpec, prepareMachine } from "../ops/integrityMachine.js";
import { startRecording } from "../ops/integrityRecords.js";
import { Mismatch } from "../outcome.js";
import { fromLatin1, type Result, subject, toHex } from "../result.js";
import type { Script, Session } from "../session.js";
import { forkTask, makeDirs, makeHolder, makeTasks } from "../startState.js";
import { fileSteps, listDir, readFile, withFile, withFileMade } from "../steps/fileSteps.js";
import { kernelStep } from "../steps/kernelSteps.js";
import { fdNames, fdOf, mapNames } from "../steps/named.js";
import { argsOf, taskOf } from "../steps/syscallSteps.js";
import { CORE_CALLS } from "../syscalls/index.js";
import { flags, octal } from "../syscalls/marshal.js";
import { planOf, type ScriptedCall } from "../syscalls/memcg.js";
import { waitFields } from "../syscalls/process.js";
import { show } from "../value.js";
import { addTestProgram } from "./core.js";

const S_IFIFO = 0o10000;
const S_IFMT = 0o170000;
const S_IFREG = 0o100000;

function* one(plan: ReturnType<typeof planOf>, then: (r: Result) => Result = (r) => r): Script {
  return then(yield plan);
}

const paths = (method: string, toArgs: (a: readonly unknown[]) => readonly unknown[]): ScriptedCall => ({
  needs: [method],
  script: (_s, _task, args) => one(planOf(method, ...toArgs(args.map(flags)))),
});

const open: ScriptedCall = {
  needs: ["open", "close"],
  script: function* (s, task, [path, f, mode], step) {
    const r = yield planOf("open", path, flags(f ?? 0), octal(mode ?? "0644"));
    if (r.errno !== undefined) return r;
    if (!("as" in step) && !isUsed(s, task, step)) yield planOf("close", r.ret);
    else fdNames(s).set(task, String(step.as ?? "fd"), Number(r.ret));
    return { ret: "fd" };
  },
};

/** Does a later step of the task name the default descriptor, before one opens another of that name? */
function isUsed(s: Session, task: string, step: Step): boolean {
  for (const later of s.spec.steps.slice(s.spec.steps.indexOf(step) + 1)) {
    if (taskOf(later) !== task) continue;
    if (argsOf(later).includes("fd")) return true;
    if (later.sys === "open" && !("as" in later)) return false;
  }
  return false;
}

/** `mmap [fd, prot, flags]`: the whole file from its beginning. */
function* mmap(s: Session, task: string, [fd, prot, f]: readonly unknown[], step: Step): Script {
  const number = fdOf(s, task, fd);
  const { size } = s.syscall<{ size: number }>(task, "fstat", number);
  const length = Math.max(Number(size), 1);
  const r = yield planOf("mmap", 0, length, flags(prot), flags(f), number, 0);
  if (r.errno !== undefined) return r;
  mapNames(s).set(task, String(step.as ?? "map"), { addr: Number(r.ret), length });
  return { ret: "map" };
}

const onMap = (method: string, rest: (a: readonly unknown[]) => readonly unknown[] = () => []): ScriptedCall => ({
  needs: [method],
  script: (s, task, args) => {
    const { addr, length } = mapNames(s).get(task, args[0]);
    return one(planOf(method, addr, length, ...rest(args)));
  },
});

/** Runs a call on a file opened for it. */
const onOpened = (method: string, rest: (a: readonly unknown[]) => readonly unknown[]): ScriptedCall => ({
  needs: ["open", "close", method],
  script: function* (_s, _task, args) {
    const opened = yield planOf("open", args[0], 0, 0);
    if (opened.errno !== undefined) return opened;
    const result = yield planOf(method, opened.ret, ...rest(args));
    yield planOf("close", opened.ret);
    return result;
  },
});

function* kexecFileLoad(_s: Session, _task: string, [kernel, initrd, cmdline, f]: readonly unknown[]): Script {
  const image = yield planOf("open", kernel, 0, 0);
  if (image.errno !== undefined) return image;
  const disk = initrd === "" ? { ret: -1 } : yield planOf("open", initrd, 0, 0);
  const result =
    disk.errno !== undefined ? disk : yield planOf("kexec_file_load", image.ret, disk.ret, cmdline, f ?? 0);
  yield planOf("close", image.ret);
  if (disk.errno === undefined && Number(disk.ret) >= 0) yield planOf("close", disk.ret);
  return result;
}

/** The calls whose arguments are integrity's own; all others are core's. */
const CALLS: Readonly<Record<string, ScriptedCall>> = {
  open,
  close: {
    needs: ["close"],
    script: (s, task, [fd]) =>
      one(planOf("close", fdOf(s, task, fd)), (r) => {
        fdNames(s).delete(task, String(fd));
        return r;
      }),
  },
  write: {
    needs: ["write"],
    script: (s, task, [fd, text]) => one(planOf("write", fdOf(s, task, fd), fromLatin1(String(text)))),
  },
  read: { needs: ["read"], script: (s, task, [fd, count]) => one(planOf("read", fdOf(s, task, fd), count)) },
  mmap: { needs: ["mmap", "fstat"], script: mmap },
  mprotect: onMap("mprotect", ([, prot]) => [flags(prot)]),
  munmap: onMap("munmap"),
  poke: {
    needs: ["store"],
    script: (s, task, [map, text]) => one(planOf("store", mapNames(s).get(task, map).addr, fromLatin1(String(text)))),
  },
  chmod: paths("chmod", ([path, mode]) => [path, octal(mode)]),
  mkdir: paths("mkdir", ([path, mode]) => [path, octal(mode ?? "0755")]),
  mkfifo: paths("mknod", ([path, mode]) => [path, S_IFIFO + Number(octal(mode ?? "0644"))]),
  utime: {
    needs: ["utimensat"],
    script: (_s, _task, [path, sec]) => {
      const time = { sec, nsec: 0 };
      return one(planOf("utimensat", flags("AT_FDCWD"), path, [time, time], 0));
    },
  },
  kexec_file_load: { needs: ["open", "close", "kexec_file_load"], script: kexecFileLoad },
  kexec_load: paths("kexec_load", ([entry, segments, f]) => [entry, segments, null, f]),
  // Whether the module can be loaded is not looked at, only that it was asked for.
  finit_module: onOpened("finit_module", () => ["", 0]),
};

const run: StepKind["run"] = (s, step) => {
  const name = String(step.sys);
  const task = taskOf(step);
  if (name === "execve") return execve(s, step);
  if (name === "mount") return mount(s, step);
  if (Object.hasOwn(CALLS, name)) {
    const result = s.performAll(task, CALLS[name].script(s, task, argsOf(step), step));
    return name === "finit_module" && !("errno" in step) ? { ret: result.ret } : result;
  }
  return s.perform(task, CORE_CALLS[name].plan(argsOf(step), s, step));
};

const sys: StepKind = {
  inputs: ["args"],
  missing: (s, step) => {
    const name = String(step.sys);
    if (name === "execve") return s.has("execve") && s.has("wait4") ? undefined : "system call execve";
    const own = Object.hasOwn(CALLS, name) ? CALLS[name].needs : undefined;
    const needs = own ?? (Object.hasOwn(CORE_CALLS, name) ? [CORE_CALLS[name].method ?? name] : undefined);
    const missing = needs === undefined ? name : needs.find((call) => !s.has(call));
    return missing === undefined ? undefined : `system call ${missing}`;
  },
  run,
};

/** `execve [path, args...]` in a child of the task: the error of exec, or 0 and the exit code as `status`. */
function execve(s: Session, step: Step): Result {
  const [path, ...rest] = argsOf(step).map(String);
  const task = taskOf(step);
  const child = `${task}'s child`;
  const { nr } = forkTask(s, task, child);
  let result: Result;
  try {
    result = s.perform(child, planOf("execve", path, [path, ...rest], []));
  } catch (e) {
    result = s.errorResult(e);
    s.kernel.call(s.task(child)).exit_group?.(127);
  }
  const { status } = s.syscall<{ status: number }>(task, "wait4", nr, 0);
  s.tasks.delete(child);
  return result.errno !== undefined ? result : { ret: 0, status: waitFields(nr, status).exited };
}

/** `mount ["remount,ro" | "remount,rw", mount point]`. */
function mount(s: Session, step: Step): Result {
  const [options, target] = argsOf(step);
  const bits = String(options).includes("ro") ? "MS_REMOUNT|MS_RDONLY" : "MS_REMOUNT";
  return { ret: s.syscall(taskOf(step), "mount", "none", target, null, flags(bits), null) };
}

const files = fileSteps();

const read: StepKind = {
  inputs: [],
  missing: files.read.missing,
  run: (s, step) => {
    const data = readFile(s, taskOf(step), String(step.read));
    return { ret: data.length, data };
  },
};

/** `{copy: [a, b]}`: cp - read-open a, create b with its mode, write, close. */
const copy: StepKind = {
  inputs: [],
  missing: files.read.missing,
  run: (s, step) => {
    const [from, to] = step.copy as string[];
    const task = taskOf(step);
    const { mode } = s.syscall<{ mode: number }>(task, "stat", from);
    withFileMade(s, task, to, fromLatin1(readFile(s, task, from)), mode & 0o777);
    return { ret: 0 };
  },
};

/** `{open_each: dir}`: opens and closes every regular file below. */
const openEach: StepKind = {
  inputs: [],
  missing: files.listdir.missing,
  run: (s, step) => {
    visit(s, taskOf(step), String(step.open_each));
    return { ret: 0 };
  },
};

function visit(s: Session, task: string, dir: string): void {
  for (const name of listDir(s, task, dir)) {
    const path = `${dir}/${name}`;
    const { mode } = s.syscall<{ mode: number }>(task, "lstat", path);
    if ((mode & S_IFMT) === S_IFREG) withFile(s, task, path, 0, () => undefined);
    else if ((mode & S_IFMT) === 0o40000) visit(s, task, path);
  }
}

/** What a result is to one that was saved: the same, another, or a PCR extended by the newest entry. */
const relation: Expectation = (expected, result) => {
  const { from } = result;
  const got = asHex(result);
  if (expected === "same" && got !== from) throw new Mismatch(`the same as ${show(from)}`, show(got));
  if (expected === "different" && got === from) throw new Mismatch(`other than ${show(from)}`, show(got));
  if (expected === "extend_by_last_entry") {
    const { extended } = result;
    if (got !== extended) throw new Mismatch(`extended to ${show(extended)}`, show(got));
  }
};

const asHex = (result: Result): unknown =>
  result.data === undefined ? subject(result) : toHex(fromLatin1(result.data));

/** getxattr is compared as hex text. */
const match: Expectation = (expected, result, context) => {
  const text = result.data !== undefined && typeof expected === "string" ? { ...result, value: asHex(result) } : result;
  COMMON.match(expected, text, context);
};

const as: Effect = (s, what, result) => {
  if (result.ret === "fd" || result.ret === "map") return;
  s.vars.set(String(what), asHex(result));
};

/** `from` names what an earlier step saved. */
const withFrom = (kind: StepKind): StepKind => ({
  ...kind,
  inputs: [...kind.inputs, "from"],
  run: (s, step) => {
    const result = kind.run(s, step);
    return step.from === undefined ? result : { ...result, from: s.vars.get(String(step.from)) };
  },
});

function start(s: Session): void {
  addTestProgram(s);
  makeHolder(s);
  makeDirs(s, "/mnt");
  makeDirs(s, "/tmp");
  prepareMachine(s, (s.spec.machine?.mounts ?? []) as unknown as MountSpec[]);
  makeTasks(s);
  seen(s);
  startRecording(s);
}

/** The registers that the firmware left, from a data file; none if the case names no file. */
function registers(readData: (path: string) => Uint8Array | undefined, path: unknown): { pcrs?: unknown } {
  const bytes = readData(String(path));
  return bytes === undefined ? {} : { pcrs: JSON.parse(new TextDecoder().decode(bytes)) };
}

export const integrity: Dialect = {
  package: "integrity",
  caseKeys: [],
  machineKeys: [
    ...["profile", "cmdline", "tpm", "pcrs", "mounts", "next_inode", "files", "ak_pem", "banks", "kernel_hashes"],
    "cpus",
  ],
  taskKeys: ["uid", "gid", "groups", "caps"],
  multiline: false,
  compose: (c, readData) => {
    // kernel_hashes and ak_pem are about recordings that are looked at from outside: see the operations.
    const { cpus = 2, cmdline, profile, tpm = "2.0", banks, pcrs } = c.machine ?? {};
    return {
      needs: ["integrity"],
      machine: { cpus },
      ...(typeof cmdline === "string" && { cmdline }),
      options: {
        integrity: {
          ...(profile !== undefined && { profile }),
          tpm: tpm === "2.0" ? { ...(banks !== undefined && { banks }), ...registers(readData, pcrs) } : tpm,
        },
      },
    };
  },
  start,
  substitute: (_s, value) => value,
  kinds: {
    copy,
    open_each: openEach,
    file: files.file,
    sys: withFrom(sys),
    kernel: withFrom(kernelStep(integrityOps)),
    read,
    write: files.write,
  },
  expectations: { relation, match },
  effects: { as },
  pauseNs: 0,
};

/**
 * Steps about files: `read`, `write`, `readlink`, `listdir` (open, do it, close), `open`, `readfd`, `writefd`, `close`, and
 * `file`, by which task A makes a file with owner and mode.
 */
import type { Step } from "../caseFile.js";
import type { StepKind } from "../dialect.js";
import { NotYet } from "../outcome.js";
import { fromLatin1, latin1, type Result } from "../result.js";
import type { CallPlan, Session } from "../session.js";
import { bytes, call, flags, octal, plainResult } from "../syscalls/marshal.js";
import { carryOut, taskOf } from "./syscallSteps.js";

const O_WRONLY = 1;
const O_DIRECTORY = 0o200000;
/** How much is read at once where a step says nothing. */
const CHUNK = 65536;
const DEFAULT_MODE = 0o666;

export interface FileDialect {
  /** How text becomes bytes when it is written: Latin-1 (default) or UTF-8. */
  readonly encode?: (text: string) => Uint8Array;
  /** How long a call with `blocks` is watched, ns. */
  readonly blockNs?: number;
}

const needs =
  (...calls: string[]) =>
  (s: Session): string | undefined => {
    const missing = calls.find((name) => !s.has(name));
    return missing === undefined ? undefined : `system call ${missing}`;
  };

/** Opens `path` as that task, hands the descriptor to `f`, closes it whatever happens. */
export function withFile<T>(s: Session, task: string, path: string, openFlags: number, f: (fd: number) => T): T {
  const fd = s.syscall<number>(task, "open", path, openFlags, 0);
  try {
    return f(fd);
  } finally {
    s.syscall(task, "close", fd);
  }
}

/** Reads from a descriptor until the end of the file. */
export function readAll(s: Session, task: string, fd: number): string {
  let text = "";
  for (;;) {
    const chunk = s.syscall<Uint8Array>(task, "read", fd, CHUNK);
    if (chunk.length === 0) return text;
    text += latin1(chunk);
  }
}

/** The whole text of a file as that task reads it. */
export const readFile = (s: Session, task: string, path: string): string =>
  withFile(s, task, path, 0, (fd) => readAll(s, task, fd));

/** One write to a file opened O_WRONLY; the bytes written. */
export const writeFile = (s: Session, task: string, path: string, data: Uint8Array): number =>
  withFile(s, task, path, O_WRONLY, (fd) => s.syscall<number>(task, "write", fd, data));

/** The sorted names in a directory, without "." and "..". */
export function listDir(s: Session, task: string, path: string): string[] {
  return withFile(s, task, path, O_DIRECTORY, (fd) => {
    const names: string[] = [];
    for (;;) {
      const entries = getdents(s, task, fd);
      if (entries.length === 0) return names.filter((n) => n !== "." && n !== "..").sort();
      for (const e of entries) names.push(e.name);
    }
  });
}

/** A removed directory is ENOENT; readdir(3), by which directories are listed, takes that for its end. */
function getdents(s: Session, task: string, fd: number): readonly { name: string }[] {
  try {
    return s.syscall<{ name: string }[]>(task, "getdents64", fd, CHUNK);
  } catch (e) {
    if (s.errorResult(e).errno === "ENOENT") return [];
    throw e;
  }
}

/** What a step writes: text, `{byte, count}`, or `{repeat, k, line}` with `{i}` and `{i*k}` in the line. */
export function dataOf(step: Step, encode: (text: string) => Uint8Array): Uint8Array {
  const data = step.data as unknown;
  if (data !== null && typeof data === "object" && "repeat" in data) {
    const { repeat, k, line } = data as { repeat: number; k: number; line: string };
    let text = "";
    for (let i = 0; i < repeat; i++) text += line.replaceAll("{i*k}", String(i * k)).replaceAll("{i}", String(i));
    return encode(text);
  }
  return bytes(data ?? "", encode);
}

const OPEN = call("open", { args: ([path, f, mode]) => [path, f ?? 0, octal(mode ?? DEFAULT_MODE)] });

/** The steps about files, in a dialect's way. */
export function fileSteps(d: FileDialect = {}): Readonly<Record<string, StepKind>> {
  const encode = d.encode ?? fromLatin1;
  const blockNs = d.blockNs ?? 0;
  const plan = (invoke: CallPlan["invoke"]): CallPlan => ({ invoke, convert: plainResult });
  return {
    read: {
      inputs: [],
      missing: needs("open", "read", "close"),
      run: (s, step) => {
        const data = readFile(s, taskOf(step), String(step.read));
        return { ret: data.length, data };
      },
    },
    write: {
      inputs: ["data"],
      missing: needs("open", "write", "close"),
      run: (s, step) => ({ ret: writeFile(s, taskOf(step), String(step.write), dataOf(step, encode)) }),
    },
    readlink: {
      inputs: [],
      missing: needs("readlink"),
      run: (s, step) => {
        const target = s.syscall<string>(taskOf(step), "readlink", step.readlink);
        return { ret: target.length, data: target };
      },
    },
    listdir: {
      inputs: [],
      missing: needs("open", "getdents64", "close"),
      run: (s, step) => {
        const names = listDir(s, taskOf(step), String(step.listdir));
        return { ret: 0, data: names.join("\n") };
      },
    },
    open: {
      inputs: ["flags", "mode", "blocks"],
      missing: needs("open"),
      run: (s, step) => carryOut(s, step, OPEN.plan([step.open, step.flags ?? 0, step.mode], s, step), blockNs),
    },
    readfd: {
      inputs: ["count", "blocks"],
      missing: needs("read"),
      run: (s, step) => {
        const fd = descriptor(step.readfd);
        return carryOut(
          s,
          step,
          plan((sys) => sys.read?.(fd, Number(step.count ?? CHUNK))),
          blockNs,
        );
      },
    },
    writefd: {
      inputs: ["data", "blocks"],
      missing: needs("write"),
      run: (s, step) => {
        const fd = descriptor(step.writefd);
        const data = dataOf(step, encode);
        return carryOut(
          s,
          step,
          plan((sys) => sys.write?.(fd, data)),
          blockNs,
        );
      },
    },
    close: {
      inputs: [],
      missing: needs("close"),
      run: (s, step) => ({ ret: s.syscall(taskOf(step), "close", descriptor(step.close)) }),
    },
    file: fileStep(encode),
  };
}

function descriptor(fd: unknown): number {
  if (typeof fd === "number") return fd;
  throw new NotYet(`descriptor ${JSON.stringify(fd)} (a variable that nothing saved)`);
}

/** `{file: path, data, mode, owner, group}`: task A makes the file, then gives it mode and owner. */
export function fileStep(encode: (text: string) => Uint8Array): StepKind {
  return {
    inputs: ["data", "mode", "owner", "group"],
    missing: needs("open", "write", "close", "chmod", "chown"),
    run: (s, step) => {
      makeFile(s, taskOf(step), step, encode);
      return undefined;
    },
  };
}

export function makeFile(s: Session, task: string, step: Step, encode: (text: string) => Uint8Array): Result {
  const path = String(step.file);
  withFileMade(s, task, path, dataOf(step, encode));
  if ("mode" in step) s.syscall(task, "chmod", path, octal(step.mode));
  if ("owner" in step || "group" in step) {
    s.syscall(task, "chown", path, step.owner ?? -1, step.group ?? step.owner ?? -1);
    // A change of owner takes the set-id bits away: the mode is what the step says.
    if ("mode" in step) s.syscall(task, "chmod", path, octal(step.mode));
  }
  return { ret: 0 };
}

export function withFileMade(s: Session, task: string, path: string, data: Uint8Array, mode = 0o644): void {
  const fd = s.syscall<number>(task, "open", path, flags("O_WRONLY|O_CREAT|O_TRUNC"), mode);
  try {
    if (data.length > 0) s.syscall(task, "write", fd, data);
  } finally {
    s.syscall(task, "close", fd);
  }
}

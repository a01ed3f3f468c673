/**
 * Point this Node process at a kernel: the builtin module objects are patched, so that CommonJS and ESM dependencies alike - also
 * ones loaded before - see the kernel's files. What is not the kernel's passes through. `redirect()` gives the way back.
 */
import childProcess from "node:child_process";
import { EventEmitter } from "node:events";
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";
import os from "node:os";
import { normalize } from "node:path";
import { PassThrough } from "node:stream";
import { promisify } from "node:util";
import type { Task } from "@kernelkit/core";
import { kernelFs } from "../fs.js";
import type { AssembledKernel } from "../kernel.js";
import { COMMANDS } from "../shell/commands/index.js";
import { createShell } from "../shell/shell.js";
import { pathOf } from "./args.js";

export interface RedirectOptions {
  /** Paths (with everything below) that are the kernel's. Default /proc and /sys. */
  readonly paths?: readonly string[];
  /** Answer os.cpus, totalmem, freemem, loadavg, uptime, hostname, release, networkInterfaces, availableParallelism too. */
  readonly os?: boolean;
  /** Run a short list of commands in the kernel's shell; all others throw. */
  readonly childProcess?: boolean;
}

type AnyFn = (...args: unknown[]) => unknown;
type Functions = Record<string, AnyFn>;

/** Kernel descriptors are numbers no process has. */
const FD_BASE = 1 << 24;

/** Puts functions in place of others, and back again. */
class Patches {
  private readonly undo: (() => void)[] = [];

  set(object: object, name: string, value: unknown): void {
    const before = Object.getOwnPropertyDescriptor(object, name);
    Object.defineProperty(object, name, {
      value,
      configurable: true,
      writable: true,
      enumerable: before?.enumerable ?? true,
    });
    this.undo.push(() => {
      if (before === undefined) Reflect.deleteProperty(object, name);
      else Object.defineProperty(object, name, before);
    });
  }

  onRestore(fn: () => void): void {
    this.undo.push(fn);
  }

  restore(): void {
    for (const u of this.undo.splice(0).reverse()) u();
    syncBuiltinESMExports();
  }
}

/** The kernel whose files are read at present. */
let target: { readonly roots: readonly string[]; readonly fs: Functions; readonly promises: Functions } | null = null;

/** Is a first argument a path or a descriptor of the kernel's? */
function ours(first: unknown): boolean {
  if (target === null) return false;
  if (typeof first === "number") return first >= FD_BASE;
  if (typeof first !== "string" && !(first instanceof Uint8Array) && !(first instanceof URL)) return false;
  if (first instanceof URL && first.protocol !== "file:") return false;
  const path = normalize(pathOf(first));
  return target.roots.some((r) => path === r || path.startsWith(`${r}/`));
}

/**
 * A function that asks the kernel or the real one at each call. It is made once and stays good: a library that took it out of fs
 * while it loaded reads whatever kernel is the target later.
 */
function router(which: "fs" | "promises", name: string, real: AnyFn): AnyFn {
  const routed = function (this: unknown, ...a: unknown[]): unknown {
    const own = ours(a[0]) ? target?.[which][name] : undefined;
    return own !== undefined ? own(...a) : real.apply(this, a);
  };
  Object.assign(routed, real);
  const custom = (real as unknown as Record<symbol, AnyFn>)[promisify.custom];
  if (custom !== undefined)
    Object.defineProperty(routed, promisify.custom, {
      value: (...a: unknown[]) => {
        const fn = ours(a[0]) ? target?.[which][name] : undefined;
        const own = (fn as unknown as Record<symbol, AnyFn> | undefined)?.[promisify.custom];
        return own !== undefined ? own(...a) : custom(...a);
      },
    });
  return routed;
}

const routers: Record<"fs" | "promises", Map<string, AnyFn>> = { fs: new Map(), promises: new Map() };

function patchFs(p: Patches, kernel: AssembledKernel, task: Task, roots: readonly string[]): void {
  if (target !== null) throw new TypeError("redirect: another kernel is being read; end that first");
  const own = kernelFs(kernel, task, { fdBase: FD_BASE }) as unknown as Functions & { promises: Functions };
  for (const [which, object, functions] of [
    ["fs", fs, own],
    ["promises", fs.promises, own.promises],
  ] as const) {
    for (const [name, fn] of Object.entries(functions)) {
      const real = (object as unknown as Record<string, AnyFn>)[name];
      if (typeof fn !== "function" || typeof real !== "function" || /^[A-Z]/.test(name)) continue;
      const known = routers[which].get(name) ?? router(which, name, real);
      routers[which].set(name, known);
      p.set(object, name, known);
    }
  }
  target = { roots, fs: own, promises: own.promises };
  p.onRestore(() => {
    target = null;
  });
}

/** Fields of "Name:   value kB" in bytes. */
function meminfo(text: string): Map<string, number> {
  return new Map(
    text.split("\n").map((l) => {
      const [name, value] = l.split(":");
      return [name, Number.parseInt(value ?? "0", 10) * 1024];
    }),
  );
}

function patchOs(p: Patches, kernel: AssembledKernel, task: Task): void {
  const sys = kernel.sys(task);
  const read = (path: string): string => sys.readText(path);
  const maybe = (path: string): string | null => {
    try {
      return read(path);
    } catch {
      return null;
    }
  };
  const cpus = (): os.CpuInfo[] => {
    const models = [...(maybe("/proc/cpuinfo") ?? "").matchAll(/^model name\s*: (.*)$/gm)].map((m) => m[1]);
    return [...read("/proc/stat").matchAll(/^cpu\d+ (.*)$/gm)].map((m, i) => {
      const t = m[1].split(" ").map((n) => Number(n) * 10);
      return {
        model: models[i] ?? "unknown",
        speed: 0,
        times: { user: t[0], nice: t[1], sys: t[2], idle: t[3], irq: t[5] },
      };
    });
  };
  p.set(os, "cpus", cpus);
  p.set(os, "availableParallelism", () => cpus().length);
  p.set(os, "totalmem", () => meminfo(read("/proc/meminfo")).get("MemTotal"));
  p.set(os, "freemem", () => meminfo(read("/proc/meminfo")).get("MemAvailable"));
  p.set(os, "loadavg", () => read("/proc/loadavg").split(" ").slice(0, 3).map(Number));
  p.set(os, "uptime", () => Number(read("/proc/uptime").split(" ")[0]));
  p.set(os, "hostname", () => sys.uname().nodename);
  p.set(os, "release", () => sys.uname().release);
  p.set(os, "networkInterfaces", () => ({}));
  // libuv's own reading order: the group's max and high, else what the machine has
  const constrained = (): number => {
    const path = /^0::(.*)$/m.exec(maybe("/proc/self/cgroup") ?? "")?.[1];
    const limits = (path === undefined ? [] : ["max", "high"])
      .map((f) => maybe(`/sys/fs/cgroup${path}/memory.${f}`)?.trim())
      .filter((v) => v !== undefined && v !== "max")
      .map(Number);
    return limits.length === 0 ? 0 : Math.min(...limits);
  };
  p.set(process, "constrainedMemory", constrained);
  p.set(process, "availableMemory", () => constrained() || meminfo(read("/proc/meminfo")).get("MemAvailable"));
}

/** Commands that libraries run and the kernel's shell has. */
const BUILTINS =
  "cat ls head tail grep echo wc sort tr cut sed awk true false test export unset set printf uniq which".split(" ");
const RUN = new Set([...Object.keys(COMMANDS).filter((n) => !n.startsWith("__")), ...BUILTINS]);

interface Ran {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
}

function patchChildProcess(p: Patches, kernel: AssembledKernel, task: Task): void {
  const shell = createShell(kernel, task);
  const refuse = (command: string): never => {
    throw new Error(
      `child_process: '${command}' is not run: a kernel is in its place, which has ${[...RUN].sort().join(", ")}`,
    );
  };
  const check = (command: string): string => {
    for (const part of command.split(/[|;&\n]+/)) {
      const name =
        part
          .trim()
          .replace(/^(?:[A-Z_]+=\S*\s+)+/, "")
          .split(/\s+/)[0]
          ?.split("/")
          .pop() ?? "";
      if (name !== "" && !RUN.has(name)) return refuse(name);
    }
    return command;
  };
  const quoted = (a: string): string => (/^[\w./:=,@%+-]+$/.test(a) ? a : `'${a.replaceAll("'", "'\\''")}'`);
  const run = async (command: string): Promise<Ran> => shell.exec(check(command));
  const failure = (command: string, r: Ran): Error =>
    Object.assign(new Error(`Command failed: ${command}\n${r.stderr}`), { code: r.exitCode, cmd: command, ...r });

  /** A process that has run already: its output comes as events. */
  const child = (command: string, cb?: AnyFn): EventEmitter => {
    const c = Object.assign(new EventEmitter(), {
      pid: undefined,
      stdin: new PassThrough(),
      stdout: new PassThrough(),
      stderr: new PassThrough(),
      kill: () => true,
      unref: () => {},
      ref: () => {},
    });
    run(command).then(
      (r) => {
        cb?.(r.exitCode === 0 ? null : failure(command, r), r.stdout, r.stderr);
        c.stdout.end(r.stdout);
        c.stderr.end(r.stderr);
        c.emit("exit", r.exitCode, null);
        c.emit("close", r.exitCode, null);
      },
      (e: unknown) => (cb !== undefined ? cb(e, "", "") : c.emit("error", e)),
    );
    return c;
  };
  const callback = (a: unknown[]): AnyFn | undefined => a.find((x): x is AnyFn => typeof x === "function");
  const line = (file: unknown, args: unknown): string =>
    [String(file), ...(Array.isArray(args) ? args.map(String) : [])].map(quoted).join(" ");
  const withPromise = (fn: AnyFn, of: (a: unknown[]) => string): AnyFn => {
    Object.defineProperty(fn, promisify.custom, {
      value: async (...a: unknown[]) => {
        const command = of(a);
        const r = await run(command);
        if (r.exitCode !== 0) throw failure(command, r);
        return { stdout: r.stdout, stderr: r.stderr };
      },
    });
    return fn;
  };
  const patched: Functions = {
    exec: withPromise(
      (command, ...rest) => child(String(command), callback(rest)),
      (a) => String(a[0]),
    ),
    execFile: withPromise(
      (file, ...rest) => child(line(file, rest[0]), callback(rest)),
      (a) => line(a[0], a[1]),
    ),
    spawn: (file, args) => child(line(file, args)),
    // the shell has no synchronous form
    execSync: (command) => refuse(`${String(command)} (execSync)`),
    execFileSync: (file) => refuse(`${String(file)} (execFileSync)`),
    spawnSync: (file) => refuse(`${String(file)} (spawnSync)`),
  };
  for (const [name, fn] of Object.entries(patched)) p.set(childProcess, name, fn);
}

/**
 * From now on this process reads the kernel's files as the task does. The answer puts everything back. One kernel at a time: TypeError
 * for a second one. Libraries that take functions out of fs while they load (`const { readFile } = require("fs")`) must be loaded while
 * some kernel is being read; they follow to later ones.
 */
export function redirect(kernel: AssembledKernel, task: Task, o: RedirectOptions = {}): () => void {
  const p = new Patches();
  patchFs(p, kernel, task, o.paths ?? ["/proc", "/sys"]);
  if (o.os === true) patchOs(p, kernel, task);
  if (o.childProcess === true) patchChildProcess(p, kernel, task);
  syncBuiltinESMExports();
  return () => p.restore();
}

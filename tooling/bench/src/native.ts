// The real kernel as a peer: native/linux.c, compiled when a C compiler is there and asked one verb at a time.
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { folder } from "./folder.js";

const source = join(folder, "native", "linux.c");
const program = join(folder, ".cache", "linux");
let compiled: true | string | undefined;

/** Nanoseconds that one operation of a verb takes on this machine's kernel, or why that cannot be known. */
export function nativeNs(verb: string): number | string {
  compiled ??= compile();
  if (compiled !== true) return compiled;
  const done = spawnSync(program, [verb, existsSync("/dev/shm") ? "/dev/shm" : tmpdir()], { encoding: "utf8" });
  if (done.status !== 0) return done.stderr.trim() || `linux ${verb} failed`;
  return Number(done.stdout);
}

function compile(): true | string {
  if (process.platform !== "linux") return "not Linux";
  if (existsSync(program) && statSync(program).mtimeMs > statSync(source).mtimeMs) return true;
  mkdirSync(join(folder, ".cache"), { recursive: true });
  const done = spawnSync("gcc", ["-O2", "-pthread", "-o", program, source], { encoding: "utf8" });
  if (done.error !== undefined) return "no gcc";
  return done.status === 0 ? true : `gcc: ${done.stderr.trim()}`;
}

/** The verbs that native/linux.c knows; empty when it cannot be compiled. */
export function nativeVerbs(): string[] {
  compiled ??= compile();
  return compiled === true ? execFileSync(program, ["--list"], { encoding: "utf8" }).trim().split("\n") : [];
}

/**
 * tools: real tools for tests: evmctl, openssl, tpm2-tools, swtpm. A test that needs one that is not installed is skipped and says so.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** True if every program is on the PATH; says which is missing otherwise: `it.skipIf(!haveTools("evmctl"))`. */
export function haveTools(...names: string[]): boolean {
  const missing = names.filter((n) => spawnSync("sh", ["-c", `command -v ${n}`]).status !== 0);
  if (missing.length > 0)
    console.warn(`SKIPPED for want of ${missing.join(", ")} (ima-evm-utils, openssl, tpm2-tools, swtpm, sbsigntool)`);
  return missing.length === 0;
}

/** A temporary folder for the run of one function. */
export function withFolder<T>(fn: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "kernelkit-"));
  try {
    return fn(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface Ran {
  readonly status: number;
  /** stdout and stderr. */
  readonly out: string;
}

/** Runs a program to its end. */
export function run(cmd: string, args: readonly string[], env: Record<string, string> = {}): Ran {
  const r = spawnSync(cmd, args, { encoding: "utf8", env: { ...process.env, ...env } });
  return { status: r.status ?? -1, out: `${r.stdout}${r.stderr}` };
}

/** Runs a program that must succeed. */
export function must(cmd: string, args: readonly string[], env: Record<string, string> = {}): string {
  const r = run(cmd, args, env);
  if (r.status !== 0) throw new Error(`${cmd} ${args.join(" ")}: ${r.status}\n${r.out}`);
  return r.out;
}

export function readBytes(path: string): Uint8Array {
  return new Uint8Array(readFileSync(path));
}

export function writeBytes(path: string, data: Uint8Array | string): string {
  writeFileSync(path, data);
  return path;
}

/** A software TPM for the run of one function; `env` directs tpm2-tools to it. */
export function withSwtpm<T>(fn: (env: Record<string, string>, folder: string) => T): T {
  return withFolder((folder) => {
    const port = 20000 + (process.pid % 20000);
    const child = spawn(
      "swtpm",
      [
        "socket",
        "--tpm2",
        "--tpmstate",
        `dir=${folder}`,
        "--server",
        `type=tcp,port=${port}`,
        "--ctrl",
        `type=tcp,port=${port + 1}`,
        "--flags",
        "not-need-init,startup-clear",
      ],
      { stdio: "ignore" },
    );
    try {
      const env = { TPM2TOOLS_TCTI: `swtpm:host=127.0.0.1,port=${port}` };
      for (let i = 0; i < 50 && run("tpm2_getrandom", ["1"], env).status !== 0; i++) execFileSync("sleep", ["0.1"]);
      return fn(env, folder);
    } finally {
      child.kill();
    }
  });
}

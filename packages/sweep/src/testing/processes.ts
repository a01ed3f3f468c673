/**
 * Coordinators and workers as processes of their own, to be killed. They run a build of this package's source, made once, since
 * compiling it in each would take longer than what they do.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import type { CoordinatorOptions, WorkerOptions } from "./processMain.js";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Below the package, so that its dependencies are found. */
const BUILDS = here("../../.cache");

/** The build, in a folder that `close` removes. */
export async function buildProcesses(): Promise<{ start: Starter; close: () => void }> {
  const folder = join(BUILDS, `test-${process.pid}`);
  mkdirSync(folder, { recursive: true });
  await build({
    entryPoints: [here("./processMain.ts"), here("../execute.ts")],
    outdir: folder,
    entryNames: "[name]",
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    external: ["piscina", "bullmq", "ioredis", "esbuild", "jstat", "valibot"],
    logLevel: "silent",
  });
  return {
    start: (role, options) => new TestProcess(join(folder, "processMain.js"), role, options),
    close: () => rmSync(folder, { recursive: true, force: true }),
  };
}

type Starter = {
  (role: "coordinator", options: CoordinatorOptions): TestProcess;
  (role: "worker", options: WorkerOptions): TestProcess;
};

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

class TestProcess {
  private readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** Resolves with its first line. */
  readonly ready: Promise<void>;

  constructor(file: string, role: string, options: object) {
    this.child = spawn(process.execPath, [file, role, JSON.stringify(options)], { stdio: ["ignore", "pipe", "pipe"] });
    let stdout = "";
    let stderr = "";
    this.ready = new Promise((ready) => {
      this.child.stdout?.on("data", (chunk) => {
        stdout += chunk;
        ready();
      });
    });
    this.child.stderr?.on("data", (chunk) => (stderr += chunk));
    this.ended = new Promise((end) => {
      this.child.on("close", (code, signal) => end({ code, signal, stdout, stderr }));
    });
  }

  kill(signal: NodeJS.Signals = "SIGKILL"): void {
    this.child.kill(signal);
  }
}

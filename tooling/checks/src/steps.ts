// Runs the steps of `npm test`: as many at a time as there are CPUs (two at most: vitest alone fills more), each one's output kept and
// shown only when it fails.
import { spawn } from "node:child_process";
import { rmSync } from "node:fs";
import { availableParallelism } from "node:os";
import { delimiter, resolve } from "node:path";
import type { Totals } from "./totals.js";

export interface Step {
  readonly name: string;
  /** The script of the root package.json that does it. */
  readonly script: string;
  readonly arguments?: readonly string[];
  /** The step that must have passed before this one starts. */
  readonly after?: string;
  /** Print its output though it passes: a table people want to see. */
  readonly show?: boolean;
  /** Counts the step from its output; without it the step is one check. Null: the step left nothing to count. */
  readonly totals?: (output: string) => Totals | null;
  /** A file the step writes; an older one is removed first, so that it is never counted. */
  readonly writes?: string;
}

export interface StepResult {
  readonly name: string;
  readonly ok: boolean;
  readonly totals: Totals;
  readonly output: string;
}

/** The steps named, with the steps they wait for, in their given order; all of them when none is named. */
export function selectSteps(steps: readonly Step[], names: readonly string[]): readonly Step[] {
  if (names.length === 0) return steps;
  const wanted = new Set(names);
  for (const step of [...steps].reverse())
    if (wanted.has(step.name) && step.after !== undefined) wanted.add(step.after);
  return steps.filter((step) => wanted.has(step.name));
}

/** What a finished step counts as: it passes only when its command did and nothing in it failed. */
export function judge(step: Step, code: number, output: string): StepResult {
  const counted = step.totals?.(output) ?? null;
  if (step.totals === undefined || counted === null) {
    const ok = code === 0 && step.totals === undefined;
    return { name: step.name, ok, totals: ok ? { passed: 1, failed: 0 } : { passed: 0, failed: 1 }, output };
  }
  const ok = code === 0 && counted.failed === 0;
  // A command that fails with no failure counted (an unhandled error between the tests) is a failure of its own.
  return { name: step.name, ok, totals: ok || counted.failed > 0 ? counted : { ...counted, failed: 1 }, output };
}

/**
 * Runs `steps` by the commands in `scripts`, printing a line for each as it ends and the whole output of each that fails. A step whose
 * predecessor failed is not run and counts as failed.
 */
export async function runSteps(
  steps: readonly Step[],
  scripts: Readonly<Record<string, string>>,
  log: (line: string) => void = console.log,
): Promise<StepResult[]> {
  const done = new Map<string, StepResult>();
  const started = new Set<string>();
  const running = new Set<Promise<void>>();
  const slots = Math.max(1, Math.min(2, availableParallelism()));

  const start = async (step: Step): Promise<void> => {
    const from = performance.now();
    const command = scripts[step.script];
    const before = step.after === undefined ? undefined : done.get(step.after);
    let result: StepResult;
    if (command === undefined) result = judge(step, 1, `package.json has no script "${step.script}"\n`);
    else if (before?.ok === false) result = judge(step, 1, `not run: ${step.after} failed\n`);
    else {
      if (step.writes !== undefined) rmSync(step.writes, { force: true });
      const { code, output } = await execute([command, ...(step.arguments ?? [])].join(" "));
      result = judge(step, code, output);
    }
    done.set(step.name, result);
    log(report(result, (performance.now() - from) / 1000, step.show === true));
  };

  while (done.size < steps.length) {
    for (const step of steps) {
      if (running.size >= slots) break;
      if (started.has(step.name) || (step.after !== undefined && !done.has(step.after))) continue;
      started.add(step.name);
      const work: Promise<void> = start(step).finally(() => running.delete(work));
      running.add(work);
    }
    await Promise.race(running);
  }
  return steps.map((step) => done.get(step.name) as StepResult);
}

function report(result: StepResult, seconds: number, show: boolean): string {
  const { passed, failed } = result.totals;
  const count = passed + failed === 1 ? "" : failed === 0 ? `${passed} passed` : `${passed} passed, ${failed} failed`;
  const line = `${result.ok ? "ok    " : "FAILED"}  ${result.name.padEnd(12)} ${seconds.toFixed(1).padStart(6)} s  ${count}`;
  const rule = "-".repeat(80);
  return result.ok && !show ? line.trimEnd() : `${line.trimEnd()}\n${rule}\n${result.output.trimEnd()}\n${rule}`;
}

/** Runs a command line as `npm run` would, with the checkout's tools on the PATH. */
function execute(command: string): Promise<{ code: number; output: string }> {
  const path = [resolve("node_modules/.bin"), resolve("tooling/checks/node_modules/.bin"), process.env.PATH ?? ""].join(
    delimiter,
  );
  return new Promise((done) => {
    const child = spawn(command, {
      shell: true,
      env: { ...process.env, PATH: path, FORCE_COLOR: "0" },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    child.stdout.on("data", (chunk) => (output += chunk));
    child.stderr.on("data", (chunk) => (output += chunk));
    child.on("error", (error) => done({ code: 1, output: `${output}${error.message}\n` }));
    child.on("close", (code) => done({ code: code ?? 1, output }));
  });
}

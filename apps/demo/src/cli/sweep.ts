/** `kernelkit sweep FILE` and `kernelkit sweep-worker`: a scenario over a space of parameters, on this machine or many. */
import { createWriteStream, writeFileSync } from "node:fs";
import { basename, extname } from "node:path";
import { pipeline } from "node:stream/promises";
import {
  BundleFolder,
  csvLines,
  type Executor,
  type LoadedSweep,
  loadSweep,
  localExecutor,
  type Overrides,
  type Progress,
  picture,
  readResults,
  redisExecutor,
  runSweep,
  SummaryBuilder,
  type SweepReport,
  type SweepSummary,
  startSweepWorker,
} from "@kernelkit/sweep";
import { SingleBar } from "cli-progress";
import type { Command } from "commander";
import { InvalidArgumentError } from "commander";
import { parse, View } from "vega";
import { compile, type TopLevelSpec } from "vega-lite";
import { duration, progressText, summaryText } from "./sweepText.js";

interface SweepFlags {
  readonly out?: string;
  readonly resume?: boolean;
  readonly retry?: boolean;
  readonly threads?: number;
  readonly seeds?: number;
  readonly set: readonly string[];
  readonly wallLimit?: number;
  readonly redis?: string;
  readonly queue?: string;
  readonly window?: number;
  readonly csv?: string;
  readonly svg?: string;
  readonly json?: string;
  readonly dryRun?: boolean;
}

const count = (text: string): number => {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 1) throw new InvalidArgumentError("a whole number from 1 is needed.");
  return n;
};
const collect = (value: string, before: readonly string[]): readonly string[] => [...before, value];

/** `name=value` settings: numbers and truth values where they read as one. */
function settings(texts: readonly string[]): Record<string, number | string | boolean> {
  return Object.fromEntries(
    texts.map((text) => {
      const at = text.indexOf("=");
      if (at <= 0) throw new RangeError(`--set: '${text}'; NAME=VALUE is needed`);
      const value = text.slice(at + 1);
      if (value === "true" || value === "false") return [text.slice(0, at), value === "true"];
      return [text.slice(0, at), value === "" || Number.isNaN(Number(value)) ? value : Number(value)];
    }),
  );
}

/** The bar on a terminal; now and then a line where there is none. */
function progressLine(): { update(p: Progress): void; stop(): void } {
  const { stderr } = process;
  if (!stderr.isTTY) {
    let next = 0;
    return {
      update: (p) => {
        if (Date.now() < next) return;
        next = Date.now() + 10_000;
        stderr.write(`${progressText(p)}\n`);
      },
      stop: () => {},
    };
  }
  const format = "{bar} {value}/{total} runs, {failed} failed, {eta_text} to go";
  const bar = new SingleBar({ format, stream: stderr, clearOnComplete: true, fps: 10 });
  let started = false;
  return {
    update: (p) => {
      const payload = { failed: p.failed, eta_text: p.etaMs === null ? "?" : duration(p.etaMs) };
      if (!started) bar.start(p.total, p.done, payload);
      started = true;
      bar.update(p.done, payload);
    },
    stop: () => bar.stop(),
  };
}

/** Ctrl-C ends the sweep with all results kept; a second one does not wait for the runs under way. */
function untilInterrupted(): { signal: AbortSignal; done(): void } {
  const stop = new AbortController();
  const listener = (): void => {
    if (stop.signal.aborted) process.exit(130);
    process.stderr.write("\nending after the runs under way (Ctrl-C again: at once)\n");
    stop.abort();
  };
  process.on("SIGINT", listener);
  process.on("SIGTERM", listener);
  return {
    signal: stop.signal,
    done: () => {
      process.off("SIGINT", listener);
      process.off("SIGTERM", listener);
    },
  };
}

async function executorFor({ plan, bundle }: LoadedSweep, folder: BundleFolder, o: SweepFlags): Promise<Executor> {
  if (o.redis === undefined) return localExecutor(plan, folder.write(bundle.code), o.threads);
  return redisExecutor(plan, bundle, {
    url: o.redis,
    ...(o.queue === undefined ? {} : { queue: o.queue }),
    ...(o.window === undefined ? {} : { window: o.window }),
  });
}

async function writeOutputs(summary: SweepSummary, title: string, out: string, o: SweepFlags): Promise<void> {
  if (o.csv !== undefined) await pipeline(csvLines(readResults(out)), createWriteStream(o.csv));
  if (o.json !== undefined) writeFileSync(o.json, `${JSON.stringify(summary, null, 1)}\n`);
  if (o.svg === undefined) return;
  const spec = picture(summary, title);
  if (spec === null) throw new RangeError("--svg: there is nothing to draw, no parameter varies or no run has figures");
  const view = new View(parse(compile(spec as unknown as TopLevelSpec).spec), { renderer: "none" });
  writeFileSync(o.svg, await view.toSVG());
}

/** Runs the sweep of a file; false when it did not come to its end. */
async function sweep(file: string, o: SweepFlags, write: (text: string) => void): Promise<boolean> {
  const folder = new BundleFolder();
  try {
    const overrides: Overrides = {
      set: settings(o.set),
      ...(o.seeds === undefined ? {} : { seeds: o.seeds }),
      ...(o.wallLimit === undefined ? {} : { limits: { wallMs: o.wallLimit * 1000 } }),
    };
    const loaded = await loadSweep(file, folder, overrides);
    const { plan } = loaded;
    const { scenario, objective = null, name = scenario.id } = plan.sweep;
    const seeds = plan.seeds.length;
    write(`${name}: ${plan.points.length} points, ${seeds} ${seeds === 1 ? "seed" : "seeds"}, ${plan.length} runs\n`);
    if (o.dryRun === true) return true;
    const out = o.out ?? `${basename(file, extname(file))}.results.jsonl`;
    const summary = new SummaryBuilder(plan.varying, objective);
    const { complete, ...report } = await carryOut(loaded, folder, out, o, summary);
    const found = summary.summary();
    write(summaryText(found));
    await writeOutputs(found, name, out, o);
    write(`${out}: ${report.done} of ${report.total} results, ${report.failed} failed, digest ${report.digest}\n`);
    if (!complete) write(`not complete: kernelkit sweep ${file} --out ${out} --resume goes on\n`);
    return complete;
  } finally {
    folder.close();
  }
}

async function carryOut(
  loaded: LoadedSweep,
  folder: BundleFolder,
  out: string,
  o: SweepFlags,
  summary: SummaryBuilder,
): Promise<SweepReport> {
  const executor = await executorFor(loaded, folder, o);
  const interrupted = untilInterrupted();
  const bar = progressLine();
  try {
    return await runSweep({
      ...loaded,
      executor,
      out,
      resume: o.resume === true,
      retry: o.retry === true,
      signal: interrupted.signal,
      onResult: (record, progress) => {
        summary.add(record);
        bar.update(progress);
      },
    });
  } finally {
    bar.stop();
    interrupted.done();
  }
}

interface WorkerFlags {
  readonly redis: string;
  readonly queue?: string;
  readonly threads?: number;
  readonly rate?: number;
}

/** Works until it is told to end. */
async function sweepWorker({ redis, ...o }: WorkerFlags, write: (text: string) => void): Promise<void> {
  let runs = 0;
  const worker = await startSweepWorker({ url: redis, ...o, onRun: () => runs++ });
  write("working; Ctrl-C ends it after the runs under way\n");
  const { signal, done } = untilInterrupted();
  await new Promise<void>((end) => signal.addEventListener("abort", () => end(), { once: true }));
  await worker.close();
  done();
  write(`${runs} runs\n`);
}

/** Adds both commands. */
export function addSweep(program: Command, write: (text: string) => void): void {
  const redisText = "redis://[user:password@]host[:port]; rediss:// for TLS";
  program
    .command("sweep")
    .description("many runs of a scenario over a space of parameters: in threads, or by workers of many machines")
    .argument("<file>", "FILE.ts, FILE.js or FILE.json")
    .option("--out <file>", "results, a JSON line per run (default: FILE.results.jsonl)")
    .option("--resume", "go on with the results file")
    .option("--retry", "with --resume: also what was ended by the time limit or whose workers died")
    .option("--threads <n>", "threads of this machine (default: all CPUs)", count)
    .option("--seeds <n>", "runs of each point", count)
    .option("--set <name=value>", "a parameter that does not vary (repeatable)", collect, [])
    .option("--wall-limit <seconds>", "most real time of a run", Number)
    .option("--redis <url>", `let workers do the runs: ${redisText}`)
    .option("--queue <name>", "queue of the workers")
    .option("--window <n>", "runs in Redis at a time", count)
    .option("--csv <file>", "results as CSV")
    .option("--json <file>", "means, intervals and the best point as JSON")
    .option("--svg <file>", "heat map or curves")
    .option("--dry-run", "say how many runs there are, and run none")
    .action(async (file: string, o: SweepFlags) => {
      process.exitCode = (await sweep(file, o, write)) ? 0 : 1;
    });
  program
    .command("sweep-worker")
    .description("carry out runs of sweeps that wait in Redis")
    .requiredOption("--redis <url>", redisText)
    .option("--queue <name>", "queue of the sweeps")
    .option("--threads <n>", "threads of this machine (default: all CPUs)", count)
    .option("--rate <n>", "most runs a second, of all workers together", count)
    .action((o: WorkerFlags) => sweepWorker(o, write));
}

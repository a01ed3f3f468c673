/** For tests: a folder of their own, and sweeps loaded and run in it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { BundleFolder } from "../bundle.js";
import type { Sweep } from "../define.js";
import { localExecutor } from "../executor.js";
import { type LoadedSweep, loadSweep } from "../load.js";
import { makePlan } from "../plan.js";
import { readResults } from "../results/file.js";
import type { RunRecord } from "../results/record.js";
import { type RunSweepOptions, runSweep, type SweepReport } from "../run.js";

export const QUICK: string = fileURLToPath(new URL("./quickSweep.ts", import.meta.url));

export class TestFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "kernelkit-sweep-test-"));
  readonly bundles: BundleFolder = new BundleFolder();

  file(name: string): string {
    return join(this.path, name);
  }

  /** The quick sweep, with other settings. */
  async quick(settings: Partial<Omit<Sweep, "scenario">> = {}): Promise<LoadedSweep> {
    const { plan, bundle } = await loadSweep(QUICK, this.bundles);
    return { plan: await makePlan({ ...plan.sweep, ...settings }, bundle.hash), bundle };
  }

  /** Runs it on two threads. */
  run({ plan, bundle }: LoadedSweep, out: string, o: Partial<RunSweepOptions> = {}): Promise<SweepReport> {
    const executor = o.executor ?? localExecutor(plan, this.bundles.write(bundle.code), 2);
    return runSweep({ plan, bundle, out, ...o, executor });
  }

  close(): void {
    this.bundles.close();
    rmSync(this.path, { recursive: true, force: true });
  }
}

export async function recordsOf(path: string): Promise<RunRecord[]> {
  const records: RunRecord[] = [];
  for await (const record of readResults(path)) records.push(record);
  return records;
}

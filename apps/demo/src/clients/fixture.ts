/** What the tests of foreign software share: layouts on two machines, as trees, with interrupts and a task that has used memory. */
import { type SpawnSyncReturns, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { dummyIrqChip, handleEdgeIrq, IRQ_HANDLED } from "@kernelkit/genirq";
import { exportTree } from "../export/exportTree.js";
import { cannotRun, type RunMode, runOver } from "../export/runOver.js";
import { type BuiltLayout, bootLayout } from "../layouts/layout.js";
import type { LayoutOptions } from "../layouts/options.js";

const M = 2 ** 20;
const G = 2 ** 30;

export interface TestMachine {
  readonly cpus: number;
  readonly nodes: number;
  readonly memory: number;
  readonly free: number;
  readonly available: number;
}

export const BIG: TestMachine = { cpus: 4, nodes: 2, memory: 8 * G, free: 5 * G, available: 6 * G };
export const SMALL: TestMachine = { cpus: 2, nodes: 1, memory: G, free: 600 * M, available: 640 * M };

export const LIMITS: LayoutOptions = {
  memory: 512 * M,
  swap: 128 * M,
  cpus: 1.5,
  cpuset: "0-1",
  pids: 100,
  rss: 200 * M,
};

export interface Tree extends BuiltLayout {
  readonly dir: string;
  readonly machine: TestMachine;
  /** Interrupts raised on the line named "nic". */
  readonly raised: number;
  end(): void;
}

const nic = () => IRQ_HANDLED;

/** Boot, use and export. */
export function plant(name: string, machine: TestMachine, layout: LayoutOptions = LIMITS): Tree {
  const { cpus, nodes, memory, free, available } = machine;
  const b = bootLayout(name, {
    machine: { cpus, nodes, memory },
    powerclamp: { autoload: true },
    layout: { ...layout, free, available },
  });
  const irq = b.kernel.genirq.irqAllocDesc();
  b.kernel.genirq.irqSetChipAndHandlerName(irq, dummyIrqChip, handleEdgeIrq, "edge");
  b.kernel.core.state.static("test.nic", nic);
  b.kernel.genirq.requestIrq(irq, nic, 0, "nic");
  const raised = 1234;
  for (let i = 0; i < raised; i++) b.kernel.genirq.raise(irq, i % cpus);
  b.kernel.run("1s");
  const dir = mkdtempSync(join(tmpdir(), `kernelkit-${name}-`));
  exportTree(b.kernel, b.task, dir);
  return { ...b, dir, machine, raised, end: () => rmSync(dir, { recursive: true, force: true }) };
}

export function has(program: string): boolean {
  return spawnSync("sh", ["-c", `command -v ${program}`]).status === 0;
}

/** Why namespaces are not to be had; null: they are. */
export const NO_NAMESPACES: string | null = cannotRun();

/** Says on the terminal what was not tried. */
export function loudly(what: string): void {
  process.stderr.write(`\n*** NOT TESTED: ${what} ***\n`);
}

/** Run a program over a tree. */
export function over(t: Tree, mode: RunMode, ...command: string[]): SpawnSyncReturns<string> {
  return runOver({
    mode,
    dir: t.dir,
    pid: 42,
    hostname: t.hostname,
    env: t.env,
    command,
    capture: true,
    timeoutMs: 60_000,
  });
}

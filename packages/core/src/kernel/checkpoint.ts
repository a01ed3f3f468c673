/**
 * Checkpoints: the whole state of a kernel as plain JSON. A kernel with the same options and packages continues from one with
 * the same digest as a run that was never interrupted.
 */

import type { Core } from "./core.js";
import type { StateGraph } from "./state.js";
import { pathOfDifference } from "./stateDiff.js";

export interface Checkpoint {
  readonly format: "kernelkit-checkpoint";
  readonly version: 1;
  /** ns since boot */
  readonly nowNs: number;
  readonly features: readonly string[];
  readonly programs: readonly string[];
  readonly graph: StateGraph;
}

export function saveCheckpoint(k: Core, features: readonly string[]): Checkpoint {
  if (k.inEvent) throw new TypeError("checkpoint: the kernel is running; take it between runs");
  const graph = k.state.save();
  return { format: "kernelkit-checkpoint", version: 1, nowNs: k.now, features, programs: k.programs.names(), graph };
}

/** Fill a freshly booted kernel. TypeError if it is composed differently. */
export function loadCheckpoint(k: Core, features: readonly string[], c: Checkpoint): void {
  if (c?.format !== "kernelkit-checkpoint" || c.version !== 1)
    throw new TypeError("restore: this is not a kernelkit checkpoint");
  if (c.features.join() !== features.join())
    throw new TypeError(
      `restore: the checkpoint is of a kernel with [${c.features.join(", ")}], this one has [${features.join(", ")}]`,
    );
  const missing = c.programs.filter((p) => k.programs.get(p) === undefined);
  if (missing.length > 0) throw new TypeError(`restore: programs must be given: ${missing.join(", ")}`);
  k.state.load(c.graph);
  k.now = c.nowNs;
}

export { pathOfDifference };

/**
 * Where a task's faults were: averages by the page's node and by the CPU's, private and shared, that decay by half with each pass of the
 * scan; from them the node it prefers and its next scan period. `task_numa_placement()`, `update_task_scan_period()`.
 */
import type { Mm, Task } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";
import { type ScanKnobs, taskScanLimits, updateTaskScanPeriod } from "../algorithms.js";
import type { TaskNuma } from "../taskNuma.js";
import type { Weights } from "./weights.js";

export class FaultStats {
  constructor(
    private readonly sys: NumaSystem,
    private readonly weights: Weights,
    private readonly setNuma: (t: Task, nid: number) => void,
  ) {}

  /** The arrays of a task, at its first hint fault. */
  allocate(n: TaskNuma): void {
    const zeros = (): number[] => new Array<number>(this.sys.nodes * 2).fill(0);
    n.faults = zeros();
    n.faultsCpu = zeros();
    n.buffer = zeros();
    n.bufferCpu = zeros();
  }

  /** Scan periods of a task: a group's are longer the more of its faults are shared. */
  limits(mm: Mm, n: TaskNuma, knobs: ScanKnobs): { min: number; start: number; max: number } {
    const g = n.group;
    const group = g === null ? null : { refs: g.refs, shared: g.sum(0), private: g.sum(1) };
    return taskScanLimits(mm.rssPages, knobs, group);
  }

  /** Has the scan begun a new pass since the task's faults were last put together? */
  isNewPass(t: Task, n: TaskNuma): boolean {
    return n.scanSeq !== this.sys.mm(t.mm as Mm).scanSeq;
  }

  /** Once per pass of the scan. */
  placement(t: Task, n: TaskNuma, knobs: ScanKnobs): void {
    const mm = t.mm as Mm;
    n.scanSeq = this.sys.mm(mm).scanSeq;
    const limits = this.limits(mm, n, knobs);
    n.scanPeriodMaxMs = limits.max;
    const share = this.runShare(t, n);
    const seen = n.locality[0] + n.locality[1];
    let shared = 0;
    let own = 0;
    let best = -1;
    let most = 0;
    for (let nid = 0; nid < this.sys.nodes; nid++) {
      let faults = 0;
      for (let i = nid * 2; i < nid * 2 + 2; i++) {
        const mem = n.buffer[i] - (n.faults[i] >> 1);
        const cpu = Math.floor((share * n.bufferCpu[i]) / (seen + 1)) - (n.faultsCpu[i] >> 1);
        n.faults[i] += mem;
        n.faultsCpu[i] += cpu;
        n.totalFaults += mem;
        faults += n.faults[i];
        if (n.group !== null) {
          n.group.faults[i] += mem;
          n.group.faultsCpu[i] += cpu;
          n.group.totalFaults += mem;
        }
      }
      shared += n.buffer[nid * 2];
      own += n.buffer[nid * 2 + 1];
      if (n.group !== null) faults = n.group.faultsOf(nid);
      if (faults > most) {
        most = faults;
        best = nid;
      }
    }
    n.buffer.fill(0);
    n.bufferCpu.fill(0);
    if (most > 0) this.prefer(t, n, best);
    this.updatePeriod(mm, n, limits, shared, own);
  }

  private prefer(t: Task, n: TaskNuma, most: number): void {
    const { sys } = this;
    let nid = sys.withCpus.includes(most) ? most : nearestOf(sys, most, sys.withCpus);
    if (n.group !== null) {
      n.group.countActiveNodes();
      nid = this.weights.preferredGroupNid(n, nid);
    }
    if (nid !== n.preferredNid) this.setNuma(t, nid);
  }

  /** Part of the time since the last placement that the task has run, in 1/65536. */
  private runShare(t: Task, n: TaskNuma): number {
    const { now } = this.sys.k;
    const runtime = t.se.sumExecNs;
    const period = now - n.lastPlacementNs;
    const ran = n.lastPlacementNs === 0 ? period : runtime - n.lastRuntimeNs;
    n.lastRuntimeNs = runtime;
    n.lastPlacementNs = now;
    return Math.floor((ran * 65536) / (period + 1));
  }

  private updatePeriod(mm: Mm, n: TaskNuma, limits: { min: number; max: number }, shared: number, own: number): void {
    const [remote, local, failed] = n.locality;
    const r = updateTaskScanPeriod({
      period: n.scanPeriodMs,
      periodMax: limits.max,
      limits,
      remote,
      local,
      failed,
      shared,
      private: own,
    });
    n.scanPeriodMs = r.period;
    if (r.clear) n.locality.fill(0);
    else this.sys.mm(mm).nextScanNs = this.sys.k.now + r.period * 1e6;
  }
}

/** The node of `nodes` that is nearest to `nid`, the lowest of equals. */
function nearestOf(sys: NumaSystem, nid: number, nodes: readonly number[]): number {
  let best = nodes[0];
  for (const n of nodes) if (sys.distance(nid, n) < sys.distance(nid, best)) best = n;
  return best;
}

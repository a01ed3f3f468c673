/** What the package keeps on a task: its policy, its balancing statistics. The names are those of Linux's task_struct without `numa_`. */
import type { Mempolicy } from "../policy/mempolicy.js";
import type { NumaGroup } from "./modern/numaGroup.js";
import type { NumaEntity } from "./schednuma/entity.js";

export class TaskNuma {
  policy: Mempolicy | null = null;
  /** Node of the last interleaved allocation without an area; -1: none. */
  ilPrev = -1;
  /** Allocations left on `ilPrev` under MPOL_WEIGHTED_INTERLEAVE. */
  ilWeight = 0;

  /** Accesses by the call `useMemory` to memory of its CPU's node, and of others. */
  localAccesses = 0;
  remoteAccesses = 0;

  // scanning
  nodeStampNs = 0;
  scanPeriodMs = 0;
  scanPeriodMaxMs = 0;
  scanSeq = 0;
  /** A scan is queued for its next return to user mode. */
  workPending = false;

  // placement
  preferredNid = -1;
  migrateRetryNs = 0;
  /** Node it ran on when last looked at, -1: none. */
  lastNid = -1;
  lastPlacementNs = 0;
  lastRuntimeNs = 0;
  /** A move to another CPU is on its way. */
  moving = false;
  pagesMigrated = 0;
  /** remote, local, failed */
  readonly locality: number[] = [0, 0, 0];
  /**
   * [node * 2 + (0 shared, 1 private)]: averages by the page's node and by the CPU's, and what came since the last pass. Empty until the
   * first hint fault. AutoNUMA: `faults` alone, [node].
   */
  faults: number[] = [];
  faultsCpu: number[] = [];
  buffer: number[] = [];
  bufferCpu: number[] = [];
  totalFaults = 0;
  group: NumaGroup | null = null;
  /** sched/numa: the process or group that has the home node; null: none. */
  entity: NumaEntity | null = null;
}

/** Of an address space. */
export class MmNuma {
  nextScanNs = 0;
  scanOffset = 0;
  scanSeq = 0;
  /** balancenuma: the first node a task of it has run on; -1 none yet, -2 a second one has been seen. */
  firstNid = -1;
  nextResetNs = 0;
  /** AutoNUMA: its pages by node, as counted by the scan: averages and the pass in progress. */
  pages: number[] = [];
  counted: number[] = [];
  totalPages = 0;
  /** AutoNUMA: passes of the scan. */
  pass = 0;
}

/** Of an area: which tasks have used it lately, and when it may be scanned. Linux's `struct vma_numab_state`. */
export class VmaNumab {
  /** 64 bits each, by a hash of the pid: this period and the one before. */
  active0lo = 0;
  active0hi = 0;
  active1lo = 0;
  active1hi = 0;
  prevScanSeq = -1;
  constructor(
    readonly startScanSeq: number,
    readonly nextScanNs: number,
    public pidsActiveResetNs: number,
  ) {}
}

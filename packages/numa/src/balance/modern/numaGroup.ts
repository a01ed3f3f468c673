/**
 * NUMA groups: tasks that use the same pages. The first shared fault makes a group of one; a fault on a page that another running task
 * used last joins that task's group, if it is larger. Its faults are the sums of its members'. Linux's `struct numa_group`.
 */
import type { TaskNuma } from "../taskNuma.js";

/** A node is active in a group if it has more than a third of the most CPU faults. */
const ACTIVE_NODE_FRACTION = 3;

export class NumaGroup {
  refs = 1;
  nrTasks = 1;
  activeNodes = 1;
  maxFaultsCpu = 0;
  totalFaults = 0;
  /** [node * 2 + (0 shared, 1 private)], as of tasks. */
  readonly faults: number[];
  readonly faultsCpu: number[];

  constructor(
    /** Pid of who made it. */
    readonly gid: number,
    /** Order of making: the later one joins where both are equally large. */
    readonly serial: number,
    first: TaskNuma,
  ) {
    this.faults = first.faults.slice();
    this.faultsCpu = first.faultsCpu.slice();
    this.totalFaults = first.totalFaults;
  }

  /** A member's faults come to the group, or go (`sign` -1). */
  add(n: TaskNuma, sign: 1 | -1): void {
    for (let i = 0; i < this.faults.length; i++) {
      this.faults[i] += sign * n.faults[i];
      this.faultsCpu[i] += sign * n.faultsCpu[i];
    }
    this.totalFaults += sign * n.totalFaults;
    this.nrTasks += sign;
    this.refs += sign;
  }

  faultsOf(nid: number): number {
    return this.faults[nid * 2] + this.faults[nid * 2 + 1];
  }
  cpuFaultsOf(nid: number): number {
    return this.faultsCpu[nid * 2] + this.faultsCpu[nid * 2 + 1];
  }
  /** Sum over the nodes of shared (0) or private (1) faults. */
  sum(kind: number): number {
    let s = 0;
    for (let i = kind; i < this.faults.length; i += 2) s += this.faults[i];
    return s;
  }
  isActive(nid: number): boolean {
    return this.cpuFaultsOf(nid) * ACTIVE_NODE_FRACTION > this.maxFaultsCpu;
  }
  /** After faults have come in: which nodes are active. */
  countActiveNodes(): void {
    const nodes = this.faults.length / 2;
    let max = 0;
    for (let nid = 0; nid < nodes; nid++) max = Math.max(max, this.cpuFaultsOf(nid));
    this.maxFaultsCpu = max;
    let active = 0;
    for (let nid = 0; nid < nodes; nid++) if (this.isActive(nid)) active++;
    this.activeNodes = active;
  }
}

/** The task leaves its group (exit, or it joins another). */
export function leaveGroup(n: TaskNuma): void {
  n.group?.add(n, -1);
  n.group = null;
}

/** Does a task of group `mine` go over to `other`? Only to a larger one; of two equal ones to the older. */
export function shouldJoin(mine: NumaGroup, other: NumaGroup): boolean {
  if (mine === other || mine.nrTasks > other.nrTasks) return false;
  return mine.nrTasks !== other.nrTasks || mine.serial > other.serial;
}

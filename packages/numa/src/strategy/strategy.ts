/**
 * What a balancing design is: one object behind this interface, chosen by the option `strategy` or the boot parameter `numa_strategy=`.
 * Core does not know of it: `balance/balancing.ts` listens to core's hooks and asks. Kernel document admin-guide/sysctl/kernel
 * ("numa_balancing"); the postings of 2012 that the rival designs come from are named in their files.
 */
import type { Core, Mm, Task } from "@kernelkit/core";
import type { HintFault } from "../balance/hinting.js";

export type StrategyName = "modern" | "balancenuma" | "autonuma" | "autonuma-lazy" | "schednuma" | "none";

/** What a design keeps, in bytes as its kernel had it. */
export interface Metadata {
  /** Of each page of the machine. */
  readonly bytesPerPage: number;
  /** Of each task that has had a hint fault, and of each address space. */
  readonly task: number;
  readonly mm: number;
}

export interface Strategy {
  readonly name: StrategyName;
  /** Columns, settings, definitions of threads, files. Once, with the package. */
  install(k: Core): void;
  /** Make threads. Once, at the end of boot. */
  boot(k: Core): void;
  /** The tick of a CPU that runs `t`. */
  onTick(cpu: number, t: Task): void;
  /** The scheduler has decided that `cpu` runs `t`. */
  onSchedule(cpu: number, t: Task): void;
  /** Arm the next pages of an address space: how many entries. `t`: the task that scans, null: a thread of the kernel. */
  scan(mm: Mm, t: Task | null): number;
  /** A task has used an armed page; it may move. */
  onHintFault(t: Task, h: HintFault): void;
  /** The CPU the task would rather be on, -1: it is well where it is. */
  choosePlacement(t: Task): number;
  /** Node the task belongs to as far as is known, -1: none. Wake-ups and idle CPUs ask. */
  preferredNode(t: Task): number;
  /** Node where allocation for the task starts, -1: that of the CPU. */
  homeNode(t: Task): number;
  metadata(): Metadata;
  /** Its lines at the end of /proc/PID/sched. */
  schedText(t: Task): string;
}

/**
 * processImage: the memory of the small program that the recorded tasks of `memcg` are. Tasks driven from outside have none of their own,
 * so one is laid out by system calls; forks share it, and each forked task makes a part of it its own before its first step.
 */

import type { Result } from "./result.js";
import type { CallPlan, Session } from "./session.js";
import { planOf } from "./syscalls/memcg.js";

const PAGE = 4096;
const MADV_NOHUGEPAGE = 15;

/** Where a program's data, heap and stack are: three places far apart, so that each has page tables of its own. */
const IMAGE: readonly (readonly [addr: number, pages: number])[] = [
  [0x10000000, 8],
  [0x555555554000, 8],
  [0x7ffff0000000, 8],
];
/** Pages of it that a process writes to as it starts, each a copy of its own. */
const STARTED_PAGES = 5;
const MAP_PRIVATE_ANON_FIXED = 0x32;

/** The recorded tasks are processes of a small program: its memory, which forks share. */
export function makeImage(s: Session, task: string): void {
  for (const [addr, pages] of IMAGE) {
    s.syscall(task, "mmap", addr, pages * PAGE, 3, MAP_PRIVATE_ANON_FIXED, -1, 0);
    s.syscall(task, "madvise", addr, pages * PAGE, MADV_NOHUGEPAGE);
    s.syscall(task, "touch", addr, pages, true);
  }
  started(s).add(task);
}

const started = (s: Session): Set<string> => s.state("started tasks", () => new Set<string>());

/** Before its first step a forked process has run: its stack is its own, paid for where it is now. */
export function* startUp(s: Session, task: string): Generator<CallPlan, void, Result> {
  if (started(s).has(task)) return;
  started(s).add(task);
  yield planOf("touch", IMAGE[2][0], STARTED_PAGES, true);
}

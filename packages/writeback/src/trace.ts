/** Tracepoints of the writeback group, with Linux's names and print formats. */
import type { Core, Tracepoint } from "@kernelkit/core";
import { LONG_MAX } from "./control/constants.js";

/** A C long: LONG_MAX less what was taken from it, where a double has no place for that. */
export function longText(v: number, less = 0): string {
  return v >= LONG_MAX ? String(0x7fffffffffffffffn - BigInt(less)) : String(v - less);
}

/** I_DIRTY_ bits as they are printed. */
export function stateText(s: number): string {
  const names: readonly [number, string][] = [
    [1, "I_DIRTY_SYNC"],
    [2, "I_DIRTY_DATASYNC"],
    [4, "I_DIRTY_PAGES"],
    [0x80, "I_SYNC"],
    [0x800, "I_DIRTY_TIME"],
  ];
  return names
    .filter(([b]) => (s & b) !== 0)
    .map(([, n]) => n)
    .join("|");
}

/** A work item as its five events print it. */
export interface WorkLine {
  nrPages: number;
  written: number;
  syncMode: number;
  kupdate: boolean;
  cyclic: boolean;
  background: boolean;
  reason: string;
}

type WorkPoint = Tracepoint<[bdi: string, w: WorkLine]>;

export interface WbTrace {
  queue: WorkPoint;
  exec: WorkPoint;
  start: WorkPoint;
  written: WorkPoint;
  queueIo: Tracepoint<[bdi: string, older: number, age: number, enqueue: number, reason: string]>;
  pagesWritten: Tracepoint<[n: number]>;
  dirtyFolio: Tracepoint<[bdi: string, ino: number, index: number]>;
  dirtyInode: Tracepoint<[bdi: string, ino: number, state: number, flags: number]>;
  singleInode: Tracepoint<
    [bdi: string, ino: number, state: number, when: number, age: number, index: number, toWrite: number, wrote: number]
  >;
  balance: Tracepoint<[bdi: string, fields: Readonly<Record<string, number>>]>;
}

export function defineTrace(k: Core): WbTrace {
  const b = (v: boolean): number => (v ? 1 : 0);
  const work = (name: string): WorkPoint =>
    k.trace.define(
      "writeback",
      `writeback_${name}`,
      (bdi: string, w: WorkLine) =>
        `bdi ${bdi}: sb_dev 0:0 nr_pages=${longText(w.nrPages, w.written)} sync_mode=${w.syncMode} kupdate=${b(w.kupdate)} range_cyclic=${b(w.cyclic)} background=${b(w.background)} reason=${w.reason} cgroup_ino=1`,
    );
  return {
    queue: work("queue"),
    exec: work("exec"),
    start: work("start"),
    written: work("written"),
    queueIo: k.trace.define(
      "writeback",
      "writeback_queue_io",
      (bdi: string, older: number, age: number, n: number, reason: string) =>
        `bdi ${bdi}: older=${older} age=${age} enqueue=${n} reason=${reason} cgroup_ino=1`,
    ),
    pagesWritten: k.trace.define("writeback", "writeback_pages_written", (n: number) => `${n}`),
    dirtyFolio: k.trace.define(
      "writeback",
      "writeback_dirty_folio",
      (bdi: string, ino: number, index: number) => `bdi ${bdi}: ino=${ino} index=${index}`,
    ),
    dirtyInode: k.trace.define(
      "writeback",
      "writeback_dirty_inode",
      (bdi: string, ino: number, state: number, flags: number) =>
        `bdi ${bdi}: ino=${ino} state=${stateText(state)} flags=${stateText(flags)}`,
    ),
    singleInode: k.trace.define(
      "writeback",
      "writeback_single_inode",
      (bdi: string, ino: number, st: number, when: number, age: number, index: number, to: number, wrote: number) =>
        `bdi ${bdi}: ino=${ino} state=${stateText(st)} dirtied_when=${when} age=${age} index=${index} to_write=${longText(to)} wrote=${wrote} cgroup_ino=1`,
    ),
    balance: k.trace.define(
      "writeback",
      "balance_dirty_pages",
      (bdi: string, f: Readonly<Record<string, number>>) =>
        `bdi ${bdi}: ${Object.entries(f)
          .map(([n, v]) => `${n}=${v}`)
          .join(" ")} cgroup_ino=1`,
    ),
  };
}

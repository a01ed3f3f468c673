/** Tracepoints of the writeback group, with Linux's names and print formats. Documentation/trace/events. */
import type { Core, Tracepoint } from "@kernelkit/core";
import { LONG_MAX } from "./control/constants.js";

/** A C long: LONG_MAX less what was taken from it, where a double has no place for that. */
export function longText(v: number, less = 0): string {
  return v >= LONG_MAX ? String(0x7fffffffffffffffn - BigInt(less)) : String(v - less);
}

const STATES: readonly (readonly [bit: number, name: string])[] = [
  [1, "I_DIRTY_SYNC"],
  [2, "I_DIRTY_DATASYNC"],
  [4, "I_DIRTY_PAGES"],
  [0x80, "I_SYNC"],
  [0x800, "I_DIRTY_TIME"],
];

/** i_state bits as they are printed. */
export function stateText(s: number): string {
  return STATES.filter(([b]) => (s & b) !== 0)
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

type Arg = number | string;
type Point = Tracepoint<Arg[]>;

/** Formats by name; `%` stands for an argument. */
const FORMATS = {
  queueIo: ["writeback_queue_io", "bdi %: older=% age=% enqueue=% reason=% cgroup_ino=%"],
  pagesWritten: ["writeback_pages_written", "%"],
  wakeBackground: ["writeback_wake_background", "bdi %: cgroup_ino=%"],
  dirtyFolio: ["writeback_dirty_folio", "bdi %: ino=% index=%"],
  folioWait: ["folio_wait_writeback", "bdi %: ino=% index=%"],
  markInodeDirty: ["writeback_mark_inode_dirty", "bdi %: ino=% state=% flags=%"],
  dirtyInodeStart: ["writeback_dirty_inode_start", "bdi %: ino=% state=% flags=%"],
  dirtyInode: ["writeback_dirty_inode", "bdi %: ino=% state=% flags=%"],
  singleInodeStart: [
    "writeback_single_inode_start",
    "bdi %: ino=% state=% dirtied_when=% age=% index=% to_write=% wrote=% cgroup_ino=%",
  ],
  singleInode: [
    "writeback_single_inode",
    "bdi %: ino=% state=% dirtied_when=% age=% index=% to_write=% wrote=% cgroup_ino=%",
  ],
  requeue: ["writeback_sb_inodes_requeue", "bdi %: ino=% state=% dirtied_when=% age=% cgroup_ino=%"],
  writeInodeStart: ["writeback_write_inode_start", "bdi %: ino=% sync_mode=% cgroup_ino=%"],
  writeInode: ["writeback_write_inode", "bdi %: ino=% sync_mode=% cgroup_ino=%"],
  sbMark: ["sb_mark_inode_writeback", "dev % ino % dirtied % state % mode %"],
  sbClear: ["sb_clear_inode_writeback", "dev % ino % dirtied % state % mode %"],
  lazytime: ["writeback_lazytime", "dev % ino % dirtied % state % mode %"],
  enqueue: ["writeback_dirty_inode_enqueue", "dev % ino % dirtied % state % mode %"],
  bdiRegister: ["writeback_bdi_register", "bdi %"],
  wbcWritepage: ["wbc_writepage", "bdi %: towrt=% skip=% mode=% kupd=% bgrd=% cyclic=% start=% end=% cgroup_ino=%"],
  dirtyRatelimit: [
    "bdi_dirty_ratelimit",
    "bdi %: write_bw=% awrite_bw=% dirty_rate=% dirty_ratelimit=% task_ratelimit=% balanced_dirty_ratelimit=% cgroup_ino=%",
  ],
  globalDirtyState: ["global_dirty_state", "dirty=% writeback=% bg_thresh=% thresh=% limit=% dirtied=% written=%"],
  foreignHistory: ["inode_foreign_history", "bdi %: ino=% cgroup_ino=% history=%"],
  switchQueue: ["inode_switch_wbs_queue", "bdi %: old_cgroup_ino=% new_cgroup_ino=% count=%"],
  switchWbs: ["inode_switch_wbs", "bdi %: ino=% old_cgroup_ino=% new_cgroup_ino=%"],
  trackForeign: ["track_foreign_dirty", "bdi %[%]: ino=% memcg_id=% cgroup_ino=% page_cgroup_ino=%"],
  flushForeign: ["flush_foreign", "bdi %: cgroup_ino=% frn_bdi_id=% frn_memcg_id=%"],
} as const;

const WORKS = ["queue", "exec", "start", "written", "wait"] as const;

export type WbTrace = { readonly [K in keyof typeof FORMATS]: Point } & {
  readonly [K in (typeof WORKS)[number]]: Tracepoint<[bdi: string, w: WorkLine, cgroupIno: number]>;
} & {
  readonly balance: Tracepoint<[bdi: string, fields: Readonly<Record<string, number>>, cgroupIno: number]>;
  readonly setWbErr: Point;
  readonly advanceWbErr: Point;
};

/** A format with its arguments. */
function filled(format: string, args: readonly Arg[]): string {
  let i = 0;
  return format.replace(/%/g, () => String(args[i++]));
}

export function defineTrace(k: Core): WbTrace {
  const b = (v: boolean): number => (v ? 1 : 0);
  const define = (group: string, name: string, format: string): Point =>
    k.trace.define(group, name, (...args: Arg[]) => filled(format, args));
  const out: Record<string, unknown> = {};
  for (const [key, [name, format]] of Object.entries(FORMATS)) out[key] = define("writeback", name, format);
  for (const name of WORKS)
    out[name] = k.trace.define(
      "writeback",
      `writeback_${name}`,
      (bdi: string, w: WorkLine, ino: number) =>
        `bdi ${bdi}: sb_dev 0:0 nr_pages=${longText(w.nrPages, w.written)} sync_mode=${w.syncMode} kupdate=${b(w.kupdate)} range_cyclic=${b(w.cyclic)} background=${b(w.background)} reason=${w.reason} cgroup_ino=${ino}`,
    );
  out.balance = k.trace.define(
    "writeback",
    "balance_dirty_pages",
    (bdi: string, f: Readonly<Record<string, number>>, ino: number) =>
      `bdi ${bdi}: ${Object.entries(f)
        .map(([n, v]) => `${n}=${v}`)
        .join(" ")} cgroup_ino=${ino}`,
  );
  out.setWbErr = define("filemap", "filemap_set_wb_err", "dev=% ino=% errseq=%");
  out.advanceWbErr = define("filemap", "file_check_and_advance_wb_err", "file=% dev=% ino=% old=% new=%");
  return out as unknown as WbTrace;
}

/**
 * A process's address space: Linux's `struct mm_struct`. Made by `k.mm.newMm` (exec) or `k.mm.dupMm` (fork), shared by the threads
 * of a process and with CLONE_VM, given back by `k.mm.exitMm` with the last user. proc_pid_status(5), proc_pid_statm(5).
 *
 * It holds areas (`vmas`), the top of its page tables, and counters; what changes them is in the files named after the calls
 * (mmap.ts, fault.ts, fork.ts, madvise.ts ...).
 */
import type { UserNamespace } from "../task/userNamespace.js";
import type { OpenFile } from "../vfs/file.js";
import type { Vma } from "./vma.js";

/** Indices of `rss`. */
export const MM_FILEPAGES = 0;
export const MM_ANONPAGES = 1;
export const MM_SWAPENTS = 2;
export const MM_SHMEMPAGES = 3;

/** End of user addresses. */
export const TASK_SIZE = 0x7ffffffff000;

export class Mm {
  static readonly transient: readonly string[] = ["lastVma", "cacheRegion", "cacheBase", "freeCache", "cachedHole"];

  /** Tasks that use it. */
  refs = 1;
  /** Areas in ascending order. */
  readonly vmas: Vma[] = [];
  /** Top of the page tables: numbers of GiBs that have a PMD table, ascending, and those tables (see pageTable.ts). */
  readonly gibs: number[] = [];
  readonly pmds: number[] = [];
  /** PUD tables: number of the 512 GiB block, and frame. */
  readonly puds: number[] = [];
  readonly pudFrames: number[] = [];
  /** PTE tables set aside for huge pages that may be split. */
  readonly deposits: number[] = [];

  /** Resident pages by kind, and swap entries: MM_FILEPAGES, MM_ANONPAGES, MM_SWAPENTS, MM_SHMEMPAGES. */
  readonly rss: number[] = [0, 0, 0, 0];
  /** Bytes of page tables. */
  pgtablesBytes = 0;
  /** All in pages. */
  totalVm = 0;
  hiwaterRss = 0;
  hiwaterVm = 0;
  lockedVm = 0;
  pinnedVm = 0;
  dataVm = 0;
  execVm = 0;
  stackVm = 0;
  /** Flags that new areas get (mlockall MCL_FUTURE; prctl PR_SET_THP_DISABLE is `thpDisabled`). */
  defFlags = 0;
  thpDisabled = false;
  /** It has used the huge zero page: holds one reference to it. */
  hugeZero = false;

  /** Layout of the image. */
  startCode = 0;
  endCode = 0;
  startData = 0;
  endData = 0;
  startBrk = 0;
  brk = 0;
  startStack = 0;
  mmapBase = 0;
  /** Search for free space begins below this; larger holes than `cachedHole` may exist only below it. */
  freeCache = 0;
  cachedHole = 0;

  /** SUID_DUMP_DISABLE 0, _USER 1, _ROOT 2. */
  dumpable = 1;
  exeFile: OpenFile | null = null;
  argv: string[] = [];
  envp: string[] = [];
  /** Package fields, by slot (`k.mm.mmSlots`). */
  readonly slots: unknown[] = [];

  // caches
  lastVma: Vma | null = null;
  /** 2 MiB region whose PTE table is known, and that table's first entry in the arena; -1: none. */
  cacheRegion = -1;
  cacheBase = -1;

  constructor(
    /** Never reused. */
    readonly serial: number,
    public userNs: UserNamespace,
  ) {}

  restored(): void {
    this.lastVma = null;
    this.cacheRegion = -1;
    this.cacheBase = -1;
    this.freeCache = this.mmapBase;
    this.cachedHole = 0;
  }

  /** Resident pages. */
  get rssPages(): number {
    const r = this.rss;
    return r[MM_FILEPAGES] + r[MM_ANONPAGES] + r[MM_SHMEMPAGES];
  }
}

/** How a page is asked for: Linux's GFP flags, and the request that goes through the allocator's hooks. Kernel document core-api/memory-allocation. */
import type { Ctx } from "../kernel/ctx.js";
import type { Task } from "../task/task.js";
import type { AddressSpace } from "./addressSpace.js";
import type { Mm } from "./mm.js";
import type { Vma } from "./vma.js";

export const __GFP_DMA = 0x1;
export const __GFP_HIGHMEM = 0x2;
export const __GFP_DMA32 = 0x4;
export const __GFP_MOVABLE = 0x8;
export const __GFP_RECLAIMABLE = 0x10;
export const __GFP_HIGH = 0x20;
export const __GFP_IO = 0x40;
export const __GFP_FS = 0x80;
export const __GFP_ZERO = 0x100;
export const __GFP_DIRECT_RECLAIM = 0x400;
export const __GFP_KSWAPD_RECLAIM = 0x800;
export const __GFP_WRITE = 0x1000;
export const __GFP_NOWARN = 0x2000;
export const __GFP_RETRY_MAYFAIL = 0x4000;
export const __GFP_NOFAIL = 0x8000;
export const __GFP_NORETRY = 0x10000;
export const __GFP_MEMALLOC = 0x20000;
export const __GFP_COMP = 0x40000;
export const __GFP_NOMEMALLOC = 0x80000;
export const __GFP_HARDWALL = 0x100000;
export const __GFP_THISNODE = 0x200000;
export const __GFP_ACCOUNT = 0x400000;

export const __GFP_RECLAIM: number = __GFP_DIRECT_RECLAIM | __GFP_KSWAPD_RECLAIM;
export const GFP_ATOMIC: number = __GFP_HIGH | __GFP_KSWAPD_RECLAIM;
export const GFP_NOWAIT: number = __GFP_KSWAPD_RECLAIM | __GFP_NOWARN;
export const GFP_NOIO: number = __GFP_RECLAIM;
export const GFP_NOFS: number = __GFP_RECLAIM | __GFP_IO;
export const GFP_KERNEL: number = __GFP_RECLAIM | __GFP_IO | __GFP_FS;
export const GFP_KERNEL_ACCOUNT: number = GFP_KERNEL | __GFP_ACCOUNT;
export const GFP_USER: number = GFP_KERNEL | __GFP_HARDWALL;
export const GFP_HIGHUSER: number = GFP_USER | __GFP_HIGHMEM;
export const GFP_HIGHUSER_MOVABLE: number = GFP_HIGHUSER | __GFP_MOVABLE;
export const GFP_TRANSHUGE_LIGHT: number =
  (GFP_HIGHUSER_MOVABLE | __GFP_COMP | __GFP_NOMEMALLOC | __GFP_NOWARN) & ~__GFP_RECLAIM;
export const GFP_TRANSHUGE: number = GFP_TRANSHUGE_LIGHT | __GFP_DIRECT_RECLAIM;

/** What a page is for: who is to be charged and how it is counted. */
export const PAGE_ANON = 0;
export const PAGE_FILE = 1;
export const PAGE_SHMEM = 2;
/** Kernel memory that is not charged by pages. */
export const PAGE_KERNEL = 3;
export const PAGE_TABLE = 4;
/** A copy of a page elsewhere (migration): its charge moves with the data, nobody is charged. */
export const PAGE_MIGRATE = 5;

/** Longest run of pages: one page table. */
export const MAX_RUN = 512;

/**
 * A request for a page, as the hooks see it. One object, reused: a listener keeps nothing of it.
 * `pageChoose` may set `nid`, `nodemask`, `interleave` and `spread`; `pageCharge` charges `mm` (or `task`, or nobody).
 */
export class AllocRequest {
  /** The running call, null where it cannot sleep. */
  c: Ctx | null = null;
  task: Task | null = null;
  mm: Mm | null = null;
  vma: Vma | null = null;
  /** User address the page is for, 0: none. */
  addr = 0;
  /** Its page cache and index there. */
  mapping: AddressSpace | null = null;
  index = 0;
  /** PAGE_ANON .. PAGE_MIGRATE */
  kind: number = PAGE_KERNEL;
  order = 0;
  gfp = 0;
  /** Node that is wanted. */
  nid = 0;
  /** Nodes that may serve it (words of 32), null: all. */
  nodemask: Uint32Array | null = null;
  /** The node was picked by interleaving: counted as interleave_hit if it serves. */
  interleave = false;
  /** Pages wanted in a row, at `addr` and behind it, `index` and on; what is chosen holds for all. */
  run = 1;
  /** Of a run: node of each page, instead of `nid`, if `spread`. */
  readonly nids: Uint16Array = new Uint16Array(MAX_RUN);
  spread = false;
}

/** What an allocation gives instead of a page: the task sleeps, come again. */
export const ALLOC_WAIT = -1;
/** The file system has no room for another page (ENOSPC). */
export const ALLOC_NOSPC = -3;

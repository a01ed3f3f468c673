/**
 * The joint to swap: a contract that a package gives. A swap entry is a number > 0; a PTE holds it negated. Core counts VmSwap,
 * duplicates entries at fork and gives them back; reading and writing pages is the package's. swapon(2), kernel document mm/swap.
 */
import type { Ctx } from "../kernel/ctx.js";
import type { Mm } from "./mm.js";
import type { Vma } from "./vma.js";

export interface SwapOps {
  /** Pages of all swap areas, and how many of them are free. */
  totalPages(): number;
  freePages(): number;
  /** Lines of /proc/swaps behind its heading. */
  areaLines(): string;
  /** Pages that are in memory and on swap. */
  cachedPages(): number;
  /**
   * The page of an entry for a fault at `addr`: charged, valid, with one reference for the mapping, on its list. With PG_SWAPCACHE
   * (and a reference of the swap cache) other processes still have the entry: nobody writes to the page in place.
   * 0: no memory; ALLOC_WAIT (-1): the task sleeps; -2: it cannot be read (SIGBUS).
   */
  swapIn(c: Ctx | null, entry: number, mm: Mm, vma: Vma, addr: number): number;
  /** One more page table entry holds it. */
  dup(entry: number): void;
  /** One less. */
  free(entry: number): void;
}

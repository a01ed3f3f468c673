/**
 * Settings of transparent huge pages: what /sys/kernel/mm/transparent_hugepage holds, and the rules of its files. Kernel document
 * admin-guide/mm/transhuge; boot parameter transparent_hugepage=.
 */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";

export const THP_ENABLED: readonly string[] = ["always", "madvise", "never"];
export const THP_DEFRAG: readonly string[] = ["always", "defer", "defer+madvise", "madvise", "never"];
export const THP_SHMEM: readonly string[] = ["always", "within_size", "advise", "never", "deny", "force"];

/** What a first write into the huge zero page does: a whole huge page, one small page among zero pages; or there is no huge
 * zero page, but a table of small zero pages. */
export type HugeZeroDesign = "huge" | "split" | "virtual";

export class ThpSettings {
  enabled = "madvise";
  defrag = "madvise";
  shmemEnabled = "never";
  useZeroPage = true;
  hugeZero: HugeZeroDesign = "huge";
  /** khugepaged/: numbers by file name. */
  readonly khugepaged: Record<string, number> = {
    defrag: 1,
    max_ptes_none: 511,
    max_ptes_shared: 256,
    max_ptes_swap: 64,
    pages_to_scan: 4096,
    scan_sleep_millisecs: 10000,
    alloc_sleep_millisecs: 60000,
    pages_collapsed: 0,
    full_scans: 0,
  };
}

/** `always [madvise] never\n` */
export function showChoice(words: readonly string[], current: string): string {
  return `${words.map((w) => (w === current ? `[${w}]` : w)).join(" ")}\n`;
}

/** The word that a write chose (one final newline is cut). EINVAL: none of them. */
export function storeChoice(words: readonly string[], text: string): string {
  const w = text.endsWith("\n") ? text.slice(0, -1) : text;
  return words.includes(w) ? w : fail(EINVAL);
}

/** The two-handed rule of the page cache: used once, referenced; used twice, active. Kernel document mm/page_reclaim. */
import { PG_ACTIVE, PG_REFERENCED, PG_UNEVICTABLE } from "./frames.js";
import type { MmSystem } from "./mmSystem.js";
import { PGACTIVATE } from "./vmstat.js";

/** A page is used again (read, write, unmapped after use): the second time it becomes active. `folio_mark_accessed()`. */
export function markAccessed(m: MmSystem, pfn: number): void {
  const { flags } = m.frames;
  const fl = flags[pfn];
  if ((fl & PG_REFERENCED) === 0) flags[pfn] = fl | PG_REFERENCED;
  else if ((fl & (PG_ACTIVE | PG_UNEVICTABLE)) === 0) {
    m.lruMove(pfn, PG_ACTIVE, PG_REFERENCED);
    m.stats[PGACTIVATE]++;
  }
}

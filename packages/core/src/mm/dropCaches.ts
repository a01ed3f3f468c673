/** Freeing caches on demand: /proc/sys/vm/drop_caches. proc_sys_vm(5). */
import { AddressSpace } from "./addressSpace.js";
import { invalidateClean } from "./filemap.js";
import { shrinkHugeZero } from "./hugeMemory.js";
import type { MmSystem } from "./mmSystem.js";
import { DROP_PAGECACHE, DROP_SLAB } from "./vmstat.js";

/** Clean page cache of all inodes. Pages freed. */
export function dropPagecache(m: MmSystem): number {
  let n = 0;
  for (let i = 1; i < m.owners.length; i++) {
    const o = m.owners[i];
    if (o instanceof AddressSpace && o.aOps.swapBacked !== true) n += invalidateClean(m, o, 0, Number.MAX_SAFE_INTEGER);
  }
  return n;
}

/** Everything the shrinkers can free; the huge zero page is core's, others register with `m.addShrinker`. */
export function dropSlab(m: MmSystem): void {
  shrinkHugeZero(m);
  for (const [, shrink] of m.shrinkers) shrink();
}

/** vm.drop_caches: bit 0 page cache, bit 1 slab. */
export function dropCaches(m: MmSystem, mode: number): void {
  if ((mode & 1) !== 0) {
    dropPagecache(m);
    m.stats[DROP_PAGECACHE]++;
  }
  if ((mode & 2) !== 0) {
    dropSlab(m);
    m.stats[DROP_SLAB]++;
  }
}

/** Cached names: charged to who looked them up, given back when memory is short. Kernel document admin-guide/cgroup-v2, "slab_reclaimable". */
import type { Core, Dentry } from "@kernelkit/core";
import { SB_PINNED } from "@kernelkit/core";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { S_SLAB_RECLAIMABLE } from "../stats.js";

const DENTRY = 192;
/** A longer name stands in memory of its own. */
const INLINE_NAME = 40;
const KMALLOC: readonly number[] = [64, 96, 128, 192, 256];

function bytesOf(d: Dentry): number {
  const name = d.name.length + 1;
  return DENTRY + (name <= INLINE_NAME ? 0 : (KMALLOC.find((n) => n >= name) ?? 512));
}

export function installDentries(k: Core, s: MemcgSystem): void {
  const { kmem } = s;
  k.hooks.dentryAlloc.tap(105, "memcg", (d) => {
    if (k.current === null || kmem.dentries.has(d)) return;
    const m = s.ofTask(k.current);
    if (!kmem.accounted(m)) return;
    if (kmem.chargeBytes(m, bytesOf(d), S_SLAB_RECLAIMABLE, null, k.current) !== 0) return;
    kmem.dentries.set(d, m);
    m.dentries.add(d);
    k.cgroup.cssGet(m.css);
  });
  k.hooks.dentryFree.tap(105, "memcg", (d) => {
    const m = kmem.dentries.get(d);
    if (m === undefined) return;
    kmem.dentries.delete(d);
    m.dentries.delete(d);
    kmem.unchargeBytes(m, bytesOf(d), S_SLAB_RECLAIMABLE);
    k.cgroup.cssPut(m.css);
  });
}

/** May it be forgotten? Names of memory file systems are the files themselves. */
function unused(d: Dentry): boolean {
  return d.refs === 0 && d.kids === null && (d.inode === null || (d.inode.sb.flags & SB_PINNED) === 0);
}

/** Forget names of a group, the oldest first: a 2048th of them at priority 12, all at 0. Pages that came free. */
export function shrinkDentries(s: MemcgSystem, m: MemCgroup, priority: number): number {
  const { size } = m.dentries;
  let left = priority === 0 ? size : Math.floor((2 * size) / 2 ** priority);
  if (left === 0) return 0;
  const before = m.objPages;
  for (const d of m.dentries) {
    if (left-- <= 0) break;
    if (unused(d)) s.k.vfs.dropDentry(d);
    else {
      m.dentries.delete(d);
      m.dentries.add(d);
    }
  }
  return before - m.objPages;
}

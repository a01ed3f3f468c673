/**
 * propagateUmount: which mounts go elsewhere when some are unmounted here. Documentation/filesystems/sharedsubtree,
 * Documentation/filesystems/propagate_umount.
 *
 * A copy goes unless something would hang in the air: what is mounted inside it and stays keeps it. What only covers its root does not:
 * that comes down to the place where the copy was.
 */
import { linkMount, type Mount, unlinkMount, type Vfs } from "@kernelkit/core";
import { targets } from "./peers.js";

/** What will be seen on the root of `m`, if it goes, in place of it: the first thing on it that stays. */
function survivor(m: Mount, going: ReadonlySet<Mount>): Mount | undefined {
  let on = m.children.get(m.root);
  while (on !== undefined && going.has(on)) on = on.children.get(on.root);
  return on;
}

/** Does something that stays hang inside `m`, beyond its root? */
function isHeld(m: Mount, going: ReadonlySet<Mount>): boolean {
  for (const [at, child] of m.children)
    if (at !== m.root && (!going.has(child) || survivor(child, going) !== undefined)) return true;
  return false;
}

/** The mounts that go with `mnts` (parents first), which come down from them to their places. */
export function propagateUmount(vfs: Vfs, mnts: readonly Mount[]): Mount[] {
  const going = new Set<Mount>(mnts);
  for (const m of mnts) {
    if (!m.hasParent || m.parent.group === 0) continue;
    for (const t of targets(m.parent)) {
      const copy = t.children.get(m.mountpoint);
      if (copy !== undefined) going.add(copy);
    }
  }
  const given = new Set(mnts);
  for (let again = true; again; ) {
    again = false;
    for (const m of going)
      if (!given.has(m) && isHeld(m, going)) {
        going.delete(m);
        again = true;
      }
  }
  const more = [...going].filter((m) => !given.has(m));
  for (let i = more.length - 1; i >= 0; i--) {
    const m = more[i];
    const over = m.children.get(m.root);
    if (over === undefined || going.has(over)) continue;
    const { parent, mountpoint } = m;
    unlinkMount(vfs, over);
    unlinkMount(vfs, m);
    linkMount(vfs, over, parent, mountpoint);
  }
  return more;
}

/**
 * i_version: a number that has moved whenever data or metadata of an inode have changed since somebody last asked for it. It is
 * moved lazily: only after a query (the QUERIED bit), so that a stream of writes that nobody looks at costs nothing.
 * statx(2) STATX_CHANGE_COOKIE, Documentation/filesystems/multigrain-ts.
 */
import { MS_I_VERSION } from "../abi/mount.js";
import type { Inode } from "./inode.js";

/** Is it kept for this inode? Option `iversion`: always, only with mount option i_version, or never. */
export function isIversion(inode: Inode): boolean {
  const mode = inode.sb.k.vfs.iversion;
  return mode === "always" || (mode === "mount-option" && (inode.sb.flags & MS_I_VERSION) !== 0);
}

/** Move it if it was queried, or if `force`. True if it moved. inode_maybe_inc_iversion(). */
export function maybeIncIversion(inode: Inode, force: boolean): boolean {
  if ((!force && !inode.versionQueried) || !isIversion(inode)) return false;
  inode.version++;
  inode.versionQueried = false;
  return true;
}

/** Move it in any case. inode_inc_iversion(). */
export function incIversion(inode: Inode): void {
  if (!isIversion(inode)) return;
  inode.version++;
  inode.versionQueried = false;
}

/** The value, marked as seen: the next change moves it. inode_query_iversion(). */
export function queryIversion(inode: Inode): number {
  inode.versionQueried = true;
  return inode.version;
}

/** Is the value still `old`? inode_eq_iversion(). */
export function eqIversion(inode: Inode, old: number): boolean {
  return inode.version === old;
}

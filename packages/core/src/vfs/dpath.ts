/**
 * Paths of places as text: getcwd(2), /proc/PID/fd, /proc/PID/maps, mountinfo. A place that is not below the given root shows
 * its path from the top of its mounts; one that was removed has " (deleted)" behind it.
 */

import { D_UNHASHED, type Dentry } from "./dentry.js";
import type { OpenFile } from "./file.js";
import type { FsStruct } from "./fsStruct.js";
import type { Mount } from "./mount.js";

/** How `prependPath` ended. */
export const REACHED_ROOT = 0;
/** At the top of a namespace, which is not the given root. */
export const REACHED_GLOBAL_ROOT = 1;
/** At the top of a mount that is attached nowhere. */
export const REACHED_DETACHED = 2;

/** The path of (mnt, dentry) as seen from the root, without marks, and where it ended. */
export function prependPath(
  mnt: Mount,
  dentry: Dentry,
  rootMnt: Mount | null,
  rootDentry: Dentry | null,
): { text: string; how: number } {
  let text = "";
  let how = REACHED_ROOT;
  while (dentry !== rootDentry || mnt !== rootMnt) {
    if (dentry === mnt.root) {
      if (mnt.hasParent) {
        dentry = mnt.mountpoint;
        mnt = mnt.parent;
        continue;
      }
      how = mnt.ns !== null ? REACHED_GLOBAL_ROOT : REACHED_DETACHED;
      break;
    }
    // the root of a superblock that is not below the mount's root: renamed out of a bind mount's view
    if (dentry.isRoot) {
      how = REACHED_DETACHED;
      break;
    }
    text = `/${dentry.name}${text}`;
    dentry = dentry.parent;
  }
  return { text: text === "" ? "/" : text, how };
}

/** Removed, and not merely a root? */
export function isUnlinked(dentry: Dentry): boolean {
  return (dentry.flags & D_UNHASHED) !== 0 && !dentry.isRoot;
}

/** d_path(): as /proc shows it to a task with root `fs`; null: seen from the top. */
export function dPath(mnt: Mount, dentry: Dentry, fs: FsStruct | null): string {
  const dname = dentry.sb.ops.dname;
  if (dname !== undefined && (dentry.isRoot === false || (dentry.flags & D_UNHASHED) !== 0)) return dname(dentry);
  const { text } = prependPath(mnt, dentry, fs === null ? null : fs.rootMnt, fs === null ? null : fs.rootDentry);
  return isUnlinked(dentry) ? `${text} (deleted)` : text;
}

/** The path of an open file, as links in /proc/PID/fd and names in /proc/PID/maps show it. */
export function fileLinkText(file: OpenFile, fs: FsStruct | null): string {
  return dPath(file.mnt, file.dentry, fs);
}

/**
 * Writers against executors: `inode.writecount` > 0 counts descriptions open for writing, < 0 those that deny it (programs that
 * run). execve(2) ETXTBSY, open(2) ETXTBSY.
 */
import { ETXTBSY } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Inode } from "./inode.js";

/** One more writer. ETXTBSY while it is denied. */
export function getWriteAccess(inode: Inode): void {
  if (inode.writecount < 0) fail(ETXTBSY);
  inode.writecount++;
}

export function putWriteAccess(inode: Inode): void {
  inode.writecount--;
}

/** Deny writing. ETXTBSY while there are writers. */
export function denyWriteAccess(inode: Inode): void {
  if (inode.writecount > 0) fail(ETXTBSY);
  inode.writecount--;
}

export function allowWriteAccess(inode: Inode): void {
  inode.writecount++;
}

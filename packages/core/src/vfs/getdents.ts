/**
 * Reading directories: getdents64(2), and the entries of directories that are the dentry cache (memory file systems).
 *
 * Order and positions are those of Linux's tmpfs: newest first; `off` of an entry is the position of the next one, 2^31-1
 * behind the last.
 */
import { EINVAL, ENOENT, ENOTDIR } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Dirent } from "../sys/fileSys.js";
import { childAt, D_UNHASHED, type Dentry, OFF_END } from "./dentry.js";
import type { DirContext, OpenFile } from "./file.js";
import { type Inode, S_DEAD } from "./inode.js";
import { touchAtime } from "./inodeTime.js";
import { utf8Length } from "./pathArg.js";

/** Bytes of an entry before its name, and what lengths are rounded up to. */
const HEADER = 19;
const DT_DIR = 4;

/** Collects what `iterate` emits. Each kernel has one: `k.vfs.getdents`. */
export class Getdents implements DirContext {
  pos = 0;
  entries: Dirent[] = [];
  names: string[] | null = null;
  private room = 0;
  private last: Dirent | null = null;
  /** An entry did not fit. */
  full = false;

  start(pos: number, room: number): void {
    this.pos = pos;
    this.room = room;
    this.entries = [];
    this.last = null;
    this.full = false;
  }

  emit(name: string, ino: number, type: number): boolean {
    if (this.names !== null) {
      if (name !== "." && name !== "..") this.names.push(name);
      return true;
    }
    const len = (HEADER + nameBytes(name) + 1 + 7) & ~7;
    if (this.last !== null) this.last.off = this.pos;
    if (len > this.room) {
      this.full = true;
      return false;
    }
    this.room -= len;
    const e: Dirent = { ino, off: 0, type, name };
    this.entries.push(e);
    this.last = e;
    return true;
  }

  end(): Dirent[] {
    if (this.last !== null) this.last.off = this.pos;
    const { entries } = this;
    this.entries = [];
    this.last = null;
    return entries;
  }
}

function nameBytes(name: string): number {
  for (let i = 0; i < name.length; i++) if (name.charCodeAt(i) >= 0x80) return utf8Length(name);
  return name.length;
}

/** getdents64(2) on an open directory. */
export function getdents(c: Ctx, file: OpenFile, count: number): Dirent[] {
  const { iterate } = file.ops;
  if (iterate === null) return fail(ENOTDIR);
  if ((file.inode.flags & S_DEAD) !== 0) return fail(ENOENT);
  const scratch = c.k.vfs.getdents;
  scratch.start(file.pos, count);
  iterate(c, file, scratch);
  file.pos = scratch.pos;
  touchAtime(file.mnt, file.inode);
  if (scratch.full && scratch.entries.length === 0) return fail(EINVAL);
  return scratch.end();
}

/** All names in an open directory from its offset on, without dots. ENOTDIR, ENOENT. */
export function readNames(c: Ctx, file: OpenFile): string[] {
  const { iterate } = file.ops;
  if (iterate === null) return fail(ENOTDIR);
  if ((file.inode.flags & S_DEAD) !== 0) return fail(ENOENT);
  const scratch = c.k.vfs.getdents;
  const names: string[] = [];
  scratch.start(file.pos, 0);
  scratch.names = names;
  try {
    // what it emits at most once per call goes on until nothing more comes
    for (let before = -1; before !== scratch.pos; ) {
      before = scratch.pos;
      iterate(c, file, scratch);
    }
  } finally {
    scratch.names = null;
  }
  touchAtime(file.mnt, file.inode);
  return names;
}

/** `.` and `..`, at positions 0 and 1; false if one did not fit. */
export function emitDots(file: OpenFile, d: DirContext): boolean {
  if (d.pos === 0) {
    if (!d.emit(".", file.inode.ino, DT_DIR)) return false;
    d.pos = 1;
  }
  if (d.pos === 1) {
    if (!d.emit("..", (file.dentry.parent.inode as Inode).ino, DT_DIR)) return false;
    d.pos = 2;
  }
  return true;
}

/** Entries of a directory that is in the dentry cache. */
export function genericIterate(_c: Ctx, file: OpenFile, d: DirContext): void {
  if (d.pos === OFF_END || !emitDots(file, d)) return;
  const dir = file.dentry;
  let k: Dentry | null = file.cursor;
  file.cursor = null;
  // the cursor is good only if it still is the child at this position
  if (k === null || k.off !== d.pos || k.parent !== dir || (k.flags & D_UNHASHED) !== 0) k = childAt(dir, d.pos);
  const { names } = d;
  if (names !== null) {
    for (; k !== null; k = k.sibNext) if (k.inode !== null) names.push(k.name);
    d.pos = OFF_END;
    return;
  }
  while (k !== null) {
    const { inode } = k;
    if (inode !== null) {
      d.pos = k.off;
      if (!d.emit(k.name, inode.ino, (inode.mode >> 12) & 15)) {
        file.cursor = k;
        return;
      }
    }
    k = k.sibNext;
  }
  d.pos = OFF_END;
}

/**
 * Dentries: names in directories, and the cache of them. A dentry is found by hash of (parent, name) while a path is walked:
 * no string is made on a hit. Documentation/filesystems/path-lookup.
 *
 * Every cached directory has a list of its cached children, newest first, each with a position (`off`): the directory order of
 * memory file systems (Linux's stable offsets), whose dentries *are* the directory (SB_PINNED).
 *
 * References (`refs`) are held by open files, working and root directories, mounts and mappings; a walk takes none.
 */
import { S_IFDIR, S_IFLNK, S_IFMT } from "../abi/stat.js";
import type { Inode } from "./inode.js";
import type { SuperBlock } from "./superBlock.js";

/** dentry.flags */
export const D_DIR = 1;
export const D_SYMLINK = 2;
/** Something is mounted on it, in some namespace. */
export const D_MOUNTED = 4;
/** Its inode's `revalidate` is asked on each use. */
export const D_REVALIDATE = 8;
/** No longer in the tree (removed, or never named). */
export const D_UNHASHED = 16;
/** Cannot be mounted on (/proc/PID/fd and the like). */
export const D_NOMOUNT = 32;
/** A walk that meets one of these leaves the fast path. */
export const D_SPECIAL: number = D_SYMLINK | D_MOUNTED | D_REVALIDATE;

/** The cached children of a directory. */
export class Children {
  head: Dentry | null = null;
  live = 0;
  /** Position of the next new child: 0 is dot, 1 dot-dot, 2 "the first child, whichever". */
  next = 3;
}

export class Dentry {
  static readonly transient: readonly string[] = ["hashNext"];

  flags = 0;
  hash = 0;
  hashNext: Dentry | null = null;
  kids: Children | null = null;
  sibNext: Dentry | null = null;
  sibPrev: Dentry | null = null;
  /** Position in the parent's directory. */
  off = 0;
  refs = 0;
  /** Never reused; salt of its children's hashes. */
  readonly id: number;
  name: string;
  parent: Dentry;
  /** null: a cached "there is no such name". */
  inode: Inode | null;

  /** `parent` null: a root, its own parent. Use `Dcache.add` for everything else. */
  constructor(id: number, name: string, parent: Dentry | null, inode: Inode | null) {
    this.id = id;
    this.name = name;
    this.parent = parent ?? this;
    this.inode = inode;
    if (inode !== null) {
      inode.refs++;
      this.flags = flagsOf(inode);
    }
  }

  get sb(): SuperBlock {
    return (this.inode ?? (this.parent.inode as Inode)).sb;
  }

  get isRoot(): boolean {
    return this.parent === this;
  }
}

export function flagsOf(inode: Inode): number {
  const type = inode.mode & S_IFMT;
  return (
    (type === S_IFDIR ? D_DIR : type === S_IFLNK ? D_SYMLINK : 0) | (inode.ops.revalidate !== null ? D_REVALIDATE : 0)
  );
}

const PRIME = 0x01000193;
/** Position behind the last child. */
export const OFF_END = 0x7fffffff;

/** Where the hash of a child's name starts. */
export function hashSeed(parent: Dentry): number {
  return Math.imul(parent.id + 1, 0x9e3779b1);
}

/** One more character of the name. */
export function hashStep(h: number, ch: number): number {
  return Math.imul(h ^ ch, PRIME);
}

function hashName(parent: Dentry, name: string): number {
  let h = hashSeed(parent);
  for (let i = 0; i < name.length; i++) h = Math.imul(h ^ name.charCodeAt(i), PRIME);
  return h;
}

export class Dcache {
  static readonly transient: readonly string[] = ["buckets", "mask"];
  private buckets: (Dentry | null)[] = new Array(1024).fill(null);
  private mask = 1023;
  private lastId = 0;
  /** Dentries in the cache. */
  count = 0;

  /** The root of a superblock. */
  makeRoot(inode: Inode): Dentry {
    return new Dentry(++this.lastId, "/", null, inode);
  }

  /** A dentry that no walk finds: a pipe, a file without a name. */
  makeUnhashed(name: string, parent: Dentry | null, inode: Inode): Dentry {
    const d = new Dentry(++this.lastId, name, parent, inode);
    d.flags |= D_UNHASHED;
    return d;
  }

  /** The child whose name is `s` from `start` to `end`; `h` is hashSeed(parent) with every character stepped in. */
  find(parent: Dentry, h: number, s: string, start: number, end: number): Dentry | null {
    const len = end - start;
    for (let d = this.buckets[(h ^ (h >>> 15)) & this.mask]; d !== null; d = d.hashNext) {
      if (d.hash !== h || d.parent !== parent) continue;
      const name = d.name;
      if (name.length !== len) continue;
      let i = 0;
      while (i < len && name.charCodeAt(i) === s.charCodeAt(start + i)) i++;
      if (i === len) return d;
    }
    return null;
  }

  findName(parent: Dentry, name: string): Dentry | null {
    return this.find(parent, hashName(parent, name), name, 0, name.length);
  }

  /** A new name: the caller has made sure that there is none (a cached negative dentry is turned into a positive one). */
  add(parent: Dentry, name: string, inode: Inode | null): Dentry {
    const old = this.findName(parent, name);
    if (old !== null) {
      old.inode = inode;
      old.flags = inode === null ? 0 : flagsOf(inode);
      if (inode !== null) inode.refs++;
      return old;
    }
    const d = new Dentry(++this.lastId, name, parent, inode);
    this.attach(d, -1);
    return d;
  }

  /** Put a detached dentry (rename, linkat of a nameless file) under `parent` as `name`. */
  attachAs(d: Dentry, parent: Dentry, name: string, off = -1): void {
    d.parent = parent;
    d.name = name;
    d.flags &= ~D_UNHASHED;
    this.attach(d, off);
  }

  private attach(d: Dentry, off: number): void {
    const parent = d.parent;
    d.hash = hashName(parent, d.name);
    this.insert(d);
    if (++this.count > this.mask) this.grow();
    let kids = parent.kids;
    if (kids === null) kids = parent.kids = new Children();
    if (off < 0) {
      off = kids.next++;
      if (kids.next >= OFF_END) kids.next = 3;
    }
    d.off = off;
    d.sibNext = kids.head;
    if (kids.head !== null) kids.head.sibPrev = d;
    kids.head = d;
    kids.live++;
  }

  /** Take a dentry out of its directory; its name and parent stay, for the paths of files that are still open. */
  detach(d: Dentry): void {
    if ((d.flags & D_UNHASHED) !== 0) return;
    d.flags |= D_UNHASHED;
    const b = (d.hash ^ (d.hash >>> 15)) & this.mask;
    if (this.buckets[b] === d) this.buckets[b] = d.hashNext;
    else {
      let p = this.buckets[b] as Dentry;
      while (p.hashNext !== d) p = p.hashNext as Dentry;
      p.hashNext = d.hashNext;
    }
    d.hashNext = null;
    this.count--;
    const kids = d.parent.kids as Children;
    kids.live--;
    if (d.sibPrev === null) kids.head = d.sibNext;
    else d.sibPrev.sibNext = d.sibNext;
    if (d.sibNext !== null) d.sibNext.sibPrev = d.sibPrev;
    d.sibNext = null;
    d.sibPrev = null;
  }

  /** Rename: put `d` under `parent` as `name`. It takes the position of `replaced` (which must be detached), or a new one. */
  move(d: Dentry, parent: Dentry, name: string, replaced: Dentry | null): void {
    this.detach(d);
    this.attachAs(d, parent, name, replaced === null ? -1 : replaced.off);
  }

  /** RENAME_EXCHANGE: each takes the other's name, parent and position. */
  exchange(a: Dentry, b: Dentry): void {
    const pa = a.parent;
    const na = a.name;
    const oa = a.off;
    const pb = b.parent;
    const nb = b.name;
    const ob = b.off;
    this.detach(a);
    this.detach(b);
    this.attachAs(b, pa, na, oa);
    this.attachAs(a, pb, nb, ob);
  }

  private insert(d: Dentry): void {
    const b = (d.hash ^ (d.hash >>> 15)) & this.mask;
    d.hashNext = this.buckets[b];
    this.buckets[b] = d;
  }

  private grow(): void {
    const old = this.buckets;
    this.buckets = new Array(old.length * 2).fill(null);
    this.mask = this.buckets.length - 1;
    for (let i = 0; i < old.length; i++) {
      for (let d = old[i]; d !== null; ) {
        const next: Dentry | null = d.hashNext;
        this.insert(d);
        d = next;
      }
    }
  }

  /** After a restore: hash everything below the roots again. */
  rebuild(roots: readonly Dentry[]): void {
    this.buckets = new Array(1024).fill(null);
    this.mask = 1023;
    const todo = [...roots];
    let n = 0;
    for (let d = todo.pop(); d !== undefined; d = todo.pop()) {
      for (let k = d.kids?.head ?? null; k !== null; k = k.sibNext) {
        k.hashNext = null;
        this.insert(k);
        if (++n > this.mask) this.grow();
        if (k.kids !== null) todo.push(k);
      }
    }
  }
}

/** Where a directory read at position `off` goes on: the child at the largest position that is not above it. */
export function childAt(dir: Dentry, off: number): Dentry | null {
  const head = dir.kids === null ? null : dir.kids.head;
  if (off <= 2) return head;
  let best: Dentry | null = null;
  for (let d = head; d !== null; d = d.sibNext) {
    if (d.off === off) return d;
    if (d.off < off && (best === null || d.off > best.off)) best = d;
  }
  return best;
}

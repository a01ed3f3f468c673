/**
 * The path walk: from a string to a place in the tree, one component at a time. path_resolution(7), symlink(7),
 * Documentation/filesystems/path-lookup.
 *
 * A `Nameidata` is the walker; each kernel has one (`k.vfs.nd`), reused by every call, so that a walk over cached names
 * allocates nothing. Nothing sleeps in a walk. Use:
 *
 *     const nd = userPath(c, dirfd, path, LOOKUP_FOLLOW);   // nd.mnt, nd.dentry: the place. Throws as path_resolution(7) says
 *     const nd = userParent(c, dirfd, path);                // nd.mnt, nd.dentry: its directory; nd.last...: the last component
 *
 * Take what you need out of it at once: the next walk overwrites it.
 */
import { EACCES, ELOOP, ENOENT, ENOTDIR, EXDEV } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { AT_FDCWD, MAXSYMLINKS, NAME_MAX } from "../abi/fcntl.js";
import { S_ISVTX, S_IWOTH } from "../abi/stat.js";
import type { Ctx } from "../kernel/ctx.js";
import { D_DIR, D_MOUNTED, D_REVALIDATE, D_SPECIAL, D_SYMLINK, type Dentry } from "./dentry.js";
import { fgetRaw } from "./fileTable.js";
import type { FsStruct } from "./fsStruct.js";
import { type Inode, S_DEAD } from "./inode.js";
import { touchAtime } from "./inodeTime.js";
import { MNT_EXPIRY_MARK, MNT_NOSYMFOLLOW, type Mount } from "./mount.js";
import { checkNameLength, pathArg } from "./pathArg.js";
import { inodePermission, MAY_EXEC } from "./perm.js";
import { SB_NEGATIVE, SB_PINNED } from "./superBlock.js";
import type { Vfs } from "./vfs.js";

/** A final symbolic link is followed. */
export const LOOKUP_FOLLOW = 1;
/** The result must be a directory (ENOTDIR). */
export const LOOKUP_DIRECTORY = 2;
/** An empty path means `dirfd` itself (AT_EMPTY_PATH). */
export const LOOKUP_EMPTY = 4;
/** The walk is no use of the mount it ends in (umount2). */
export const LOOKUP_MOUNTPOINT = 8;
/** openat2(2): RESOLVE_NO_SYMLINKS, _NO_MAGICLINKS, _NO_XDEV, _BENEATH, _IN_ROOT. */
export const LOOKUP_NO_SYMLINKS = 0x10;
export const LOOKUP_NO_MAGICLINKS = 0x20;
export const LOOKUP_NO_XDEV = 0x40;
export const LOOKUP_BENEATH = 0x80;
export const LOOKUP_IN_ROOT = 0x100;
const LOOKUP_SCOPED = LOOKUP_BENEATH | LOOKUP_IN_ROOT;

/** Kinds of a last component. */
export const LAST_NORM = 0;
/** No component at all: the path is only slashes. */
export const LAST_ROOT = 1;
export const LAST_DOT = 2;
export const LAST_DOTDOT = 3;

const SLASH = 47;
const DOT = 46;
const PRIME = 0x01000193;

export class Nameidata {
  c!: Ctx;
  /** Where the walk is. */
  mnt!: Mount;
  dentry!: Dentry;
  /** Where it cannot leave by `..`. */
  rootMnt!: Mount;
  rootDentry!: Dentry;
  flags = 0;
  /** What is walked: the path or the text of a link, and how far. */
  private path = "";
  private pos = 0;
  /** The last component: its kind, place in `path`, hash, and whether slashes follow it. */
  lastType: number = LAST_NORM;
  private lastStart = 0;
  private lastEnd = 0;
  private lastHash = 0;
  lastSlash = false;
  /** Links followed so far. */
  private links = 0;
  /** Paths to go on with when a link's text is done. */
  private readonly stack: string[] = [];
  private readonly stackPos: number[] = [];
  /** Links followed (mount, inode, ...): their access times move when the walk is complete. */
  private readonly followed: (Mount | Inode)[] = [];
  /** A magic link has put the walk where it points. */
  private jumped = false;
  /** RESOLVE_BENEATH: where the walk began. */
  private startMnt!: Mount;

  constructor(readonly vfs: Vfs) {}

  /** The last component as text. */
  get lastName(): string {
    return this.path.slice(this.lastStart, this.lastEnd);
  }

  /** Start of a walk: cwd, root or the directory of `dirfd`. EFAULT, ENOENT (empty), ENAMETOOLONG, EBADF, ENOTDIR. */
  init(c: Ctx, dirfd: number, path: string, flags: number): void {
    this.c = c;
    this.flags = flags;
    this.links = 0;
    this.jumped = false;
    if (this.followed.length > 0) this.followed.length = 0;
    const fs = c.task.fs as FsStruct;
    this.rootMnt = fs.rootMnt;
    this.rootDentry = fs.rootDentry;
    this.path = path;
    this.pos = 0;
    const absolute = path.charCodeAt(0) === SLASH;
    if (absolute && (flags & LOOKUP_BENEATH) !== 0) fail(EXDEV);
    if (absolute && (flags & LOOKUP_IN_ROOT) === 0) {
      this.mnt = fs.rootMnt;
      this.dentry = fs.rootDentry;
    } else if (dirfd === AT_FDCWD) {
      this.mnt = fs.pwdMnt;
      this.dentry = fs.pwdDentry;
    } else {
      const f = fgetRaw(c.task, dirfd);
      if (path.length > 0 && (f.dentry.flags & D_DIR) === 0) fail(ENOTDIR);
      this.mnt = f.mnt;
      this.dentry = f.dentry;
    }
    this.startMnt = this.mnt;
    if ((flags & LOOKUP_SCOPED) !== 0) {
      this.rootMnt = this.mnt;
      this.rootDentry = this.dentry;
    }
  }

  /** Put the walk at a place (a magic link's target). */
  jump(mnt: Mount, dentry: Dentry): void {
    if ((this.flags & LOOKUP_NO_MAGICLINKS) !== 0) fail(ELOOP);
    if ((this.flags & LOOKUP_NO_XDEV) !== 0 && mnt !== this.mnt) fail(EXDEV);
    if ((this.flags & LOOKUP_SCOPED) !== 0) fail(EXDEV);
    this.mnt = mnt;
    this.dentry = dentry;
    this.jumped = true;
  }

  /** Walk everything but the last component of `path`; sets last*. Leaves mnt and dentry at its directory. */
  walkParent(): void {
    const { vfs, stack, stackPos } = this;
    const { dcache } = vfs;
    let s = this.path;
    let i = this.pos;
    let n = s.length;
    let depth = 0;
    this.lastType = LAST_ROOT;
    this.lastSlash = false;
    for (;;) {
      while (i < n && s.charCodeAt(i) === SLASH) i++;
      if (i >= n || s.charCodeAt(i) === 0) {
        if (depth === 0) {
          this.path = s;
          return;
        }
        // a link whose text ends here (it is only slashes): go on behind the link
        s = stack[--depth];
        i = stackPos[depth];
        n = s.length;
        continue;
      }
      // search permission on the directory we are in
      const parent = this.dentry;
      const dir = parent.inode as Inode;
      if ((dir.mode & 0o111) !== 0o111 || dir.ops.permission !== null) inodePermission(this.c, dir, MAY_EXEC);
      // the component: its end and its hash
      const start = i;
      let h = Math.imul(parent.id + 1, 0x9e3779b1); // hashSeed(parent)
      let ch = s.charCodeAt(i);
      do {
        h = Math.imul(h ^ ch, PRIME);
        ch = ++i < n ? s.charCodeAt(i) : 0;
      } while (ch !== SLASH && ch !== 0);
      const end = i;
      let type = LAST_NORM;
      if (s.charCodeAt(start) === DOT) {
        if (end - start === 1) type = LAST_DOT;
        else if (end - start === 2 && s.charCodeAt(start + 1) === DOT) type = LAST_DOTDOT;
      }
      while (i < n && s.charCodeAt(i) === SLASH) i++;
      if (i >= n || s.charCodeAt(i) === 0) {
        if (depth === 0) {
          this.path = s;
          this.lastType = type;
          this.lastStart = start;
          this.lastEnd = end;
          this.lastHash = h;
          this.lastSlash = i > end;
          return;
        }
        this.walkIn(s, start, end, h, type);
        s = stack[--depth];
        i = stackPos[depth];
        n = s.length;
      } else if (type === LAST_NORM) {
        // fast path: cached, nothing special
        const d = dcache.find(parent, h, s, start, end);
        if (d !== null && d.inode !== null && (d.flags & D_SPECIAL) === 0) this.dentry = d;
        else this.walkSlow(d, s, start, end);
      } else if (type === LAST_DOTDOT) this.dotDot();
      const flags = this.dentry.flags;
      if ((flags & D_DIR) !== 0) continue;
      if ((flags & D_SYMLINK) === 0) return fail(ENOTDIR);
      const text = this.pickLink(false);
      if (text === null) {
        if ((this.dentry.flags & D_DIR) === 0) fail(ENOTDIR);
        continue;
      }
      stack[depth] = s;
      stackPos[depth++] = i;
      s = text;
      i = 0;
      n = s.length;
    }
  }

  /** One component that is not the last of all. */
  private walkIn(s: string, start: number, end: number, h: number, type: number): void {
    if (type === LAST_NORM) this.walkSlow(this.vfs.dcache.find(this.dentry, h, s, start, end), s, start, end);
    else if (type === LAST_DOTDOT) this.dotDot();
  }

  /** Step to a child that is not cached, is mounted on, or is to be asked about. ENOENT. Does not follow links. */
  private walkSlow(d: Dentry | null, s: string, start: number, end: number): void {
    const found = this.lookup(d, s, start, end);
    if (found === null || found.inode === null) return fail(ENOENT);
    if ((found.flags & D_MOUNTED) !== 0) this.enter(found);
    else this.dentry = found;
  }

  /** The child of the present directory, from the cache (`d`) or the file system; null or negative: there is none. */
  private lookup(d: Dentry | null, s: string, start: number, end: number): Dentry | null {
    const parent = this.dentry;
    const dir = parent.inode as Inode;
    if (d !== null) {
      if ((d.flags & D_REVALIDATE) === 0 || d.inode === null) return d;
      if ((d.inode.ops.revalidate as NonNullable<Inode["ops"]["revalidate"]>)(this.c, d)) return d;
      this.vfs.dropDentry(d);
    }
    if ((dir.flags & S_DEAD) !== 0) return fail(ENOENT);
    const name = s.slice(start, end);
    if (end - start > NAME_MAX || (end - start) * 3 > NAME_MAX) checkNameLength(name);
    const flags = dir.sb.flags;
    if ((flags & SB_PINNED) !== 0) {
      if ((flags & SB_NEGATIVE) === 0 || this.c.k.hooks.dentryAlloc.on === null) return null;
      return this.vfs.addDentry(parent, name, null);
    }
    const f = dir.ops.lookup;
    if (f === null) return fail(ENOENT);
    const c = this.c;
    const mnt = this.mnt;
    const inode = f(c, dir, name, parent);
    // the file system may have walked somewhere itself
    this.c = c;
    this.mnt = mnt;
    this.dentry = parent;
    return inode === null ? null : this.vfs.addDentry(parent, name, inode);
  }

  /** Go to the top of what is mounted on `d`. */
  private enter(d: Dentry): void {
    let dentry = d;
    let mnt = this.mnt;
    while ((dentry.flags & D_MOUNTED) !== 0) {
      const m = mnt.children.get(dentry);
      if (m === undefined) break;
      if ((this.flags & LOOKUP_NO_XDEV) !== 0) fail(EXDEV);
      mnt = m;
      dentry = m.root;
    }
    this.mnt = mnt;
    this.dentry = dentry;
  }

  /** `..`: stays at the root, leaves a mount by its mountpoint, enters what is mounted on the parent. */
  dotDot(): void {
    let { mnt, dentry } = this;
    for (;;) {
      if (dentry === this.rootDentry && mnt === this.rootMnt) {
        if ((this.flags & LOOKUP_BENEATH) !== 0) fail(EXDEV);
        break;
      }
      if (dentry !== mnt.root) {
        dentry = dentry.parent;
        break;
      }
      if (!mnt.hasParent) break;
      if ((this.flags & LOOKUP_NO_XDEV) !== 0) fail(EXDEV);
      dentry = mnt.mountpoint;
      mnt = mnt.parent;
    }
    this.mnt = mnt;
    this.dentry = dentry;
    if ((dentry.flags & D_MOUNTED) !== 0) this.enter(dentry);
  }

  /**
   * The walk stands at a link that is to be followed: its text, with the walk back at the link's directory (or at the root, if
   * the text is absolute); null: it has jumped.
   */
  private pickLink(trailing: boolean): string | null {
    const link = this.dentry;
    const inode = link.inode as Inode;
    if (this.links++ >= MAXSYMLINKS) return fail(ELOOP);
    const parent = link.parent;
    if (trailing && this.vfs.sysctl.protectedSymlinks !== 0) this.mayFollow(inode, parent.inode as Inode);
    if ((this.flags & LOOKUP_NO_SYMLINKS) !== 0 || (this.mnt.flags & MNT_NOSYMFOLLOW) !== 0) return fail(ELOOP);
    this.followed.push(this.mnt, inode);
    this.jumped = false;
    const f = inode.ops.getLink;
    const text = f === null ? (inode.data as string) : f(this.c, inode, this, link);
    if (text === null || this.jumped) return null;
    if (text.length === 0) return fail(ENOENT);
    if (text.charCodeAt(0) === SLASH) {
      if ((this.flags & LOOKUP_BENEATH) !== 0) return fail(EXDEV);
      if ((this.flags & LOOKUP_NO_XDEV) !== 0 && this.mnt !== this.rootMnt) return fail(EXDEV);
      this.mnt = this.rootMnt;
      this.dentry = this.rootDentry;
    } else this.dentry = parent;
    return text;
  }

  /** sysctl fs.protected_symlinks: in a sticky world-writable directory only one's own links and the directory owner's. */
  private mayFollow(link: Inode, dir: Inode): void {
    if (link.uid === this.c.task.cred.fsuid) return;
    if ((dir.mode & (S_ISVTX | S_IWOTH)) !== (S_ISVTX | S_IWOTH)) return;
    if (dir.uid === link.uid) return;
    fail(EACCES);
  }

  /** Walk the whole path. */
  walk(): void {
    this.walkParent();
    let flags = this.flags;
    for (;;) {
      if (this.lastType !== LAST_NORM) {
        if (this.lastType === LAST_DOTDOT) this.dotDot();
        break;
      }
      if (this.lastSlash) flags |= LOOKUP_FOLLOW | LOOKUP_DIRECTORY;
      const d = this.vfs.dcache.find(this.dentry, this.lastHash, this.path, this.lastStart, this.lastEnd);
      if (d !== null && d.inode !== null && (d.flags & D_SPECIAL) === 0) this.dentry = d;
      else this.walkSlow(d, this.path, this.lastStart, this.lastEnd);
      if ((this.dentry.flags & D_SYMLINK) === 0 || (flags & LOOKUP_FOLLOW) === 0) break;
      if (!this.followLast()) break;
    }
    // umount2(2) means what is on top, also where the last component is a dot
    if ((flags & LOOKUP_MOUNTPOINT) !== 0 && (this.dentry.flags & D_MOUNTED) !== 0) this.enter(this.dentry);
    if ((flags & LOOKUP_DIRECTORY) !== 0 && (this.dentry.flags & D_DIR) === 0) fail(ENOTDIR);
    this.endWalk();
  }

  /** The walk is complete. */
  endWalk(): void {
    const { mnt } = this;
    if ((mnt.flags & MNT_EXPIRY_MARK) !== 0 && (this.flags & LOOKUP_MOUNTPOINT) === 0) mnt.flags &= ~MNT_EXPIRY_MARK;
    if ((this.flags & LOOKUP_NO_XDEV) !== 0 && this.mnt !== this.startMnt) fail(EXDEV);
    const { followed } = this;
    if (followed.length === 0) return;
    for (let i = 0; i < followed.length; i += 2) touchAtime(followed[i] as Mount, followed[i + 1] as Inode);
    followed.length = 0;
  }

  /**
   * The walk has ended at a link (`dentry`) that is to be followed: walk its text up to its last component. False: it jumped and
   * is there.
   */
  followLast(): boolean {
    const text = this.pickLink(true);
    if (text === null) return false;
    this.path = text;
    this.pos = 0;
    this.walkParent();
    return true;
  }

  /** Find the last component in the directory the walk is at, without stepping there: null or a negative dentry: none. */
  lookupLast(): Dentry | null {
    const d = this.vfs.dcache.find(this.dentry, this.lastHash, this.path, this.lastStart, this.lastEnd);
    if (d !== null && (d.flags & D_REVALIDATE) === 0) return d;
    return this.lookup(d, this.path, this.lastStart, this.lastEnd);
  }

  /** Find a name in a directory of the present mount, wherever the walk is. Null or a negative dentry: none. */
  lookupName(parent: Dentry, name: string): Dentry | null {
    this.dentry = parent;
    const d = this.vfs.dcache.findName(parent, name);
    return d !== null && (d.flags & D_REVALIDATE) === 0 ? d : this.lookup(d, name, 0, name.length);
  }

  /** Step to `d`, a child of the directory the walk is at, entering what is mounted on it. */
  stepInto(d: Dentry): void {
    if ((d.flags & D_MOUNTED) !== 0) this.enter(d);
    else this.dentry = d;
  }

  /** LOOKUP_EMPTY and "": the walk is where it began. */
  get atStart(): boolean {
    return this.path.length === 0;
  }
}

/** Walk a path given by user space: `nd.mnt`, `nd.dentry` (never negative). */
export function userPath(c: Ctx, dirfd: number, path: unknown, flags: number): Nameidata {
  const p = pathArg(path, (flags & LOOKUP_EMPTY) !== 0);
  const nd = c.k.vfs.nd;
  nd.init(c, dirfd, p, flags);
  if (p.length > 0) nd.walk();
  return nd;
}

/** Walk to the directory of a path's last component. `nd.lastType` LAST_ROOT etc. if it has no name to make or remove. */
export function userParent(c: Ctx, dirfd: number, path: unknown): Nameidata {
  const p = pathArg(path, false);
  const nd = c.k.vfs.nd;
  nd.init(c, dirfd, p, 0);
  nd.walkParent();
  return nd;
}

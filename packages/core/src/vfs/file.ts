/**
 * Open file descriptions and what can be done to them (`FileOps`). A description has the offset and the status flags; numbers
 * (descriptors) refer to it from tables of files. open(2), "Open file descriptions"; Documentation/filesystems/vfs.
 *
 * `refs` counts descriptors, mappings, and calls asleep on it. `fileGet` / `fput` change it; the last `fput` closes the file.
 */

import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Vma } from "../mm/vma.js";
import type { WaitQueue } from "../sched/waitQueue.js";
import type { Loff } from "../sys/fileSys.js";
import type { Wait } from "../sys/types.js";
import type { Cred } from "../task/cred.js";
import type { Dentry } from "./dentry.js";
import type { Inode } from "./inode.js";
import type { Mount } from "./mount.js";
import type { EpollItem } from "./poll/epoll.js";

/** file.mode */
export const FMODE_READ = 0x1;
export const FMODE_WRITE = 0x2;
export const FMODE_LSEEK = 0x4;
export const FMODE_PREAD = 0x8;
export const FMODE_PWRITE = 0x10;
/** Opened by execve. */
export const FMODE_EXEC = 0x20;
/** Counted in inode.writecount and mount writers. */
export const FMODE_WRITER = 0x10000;
export const FMODE_NOCMTIME = 0x800;
export const FMODE_PATH = 0x4000;
/** From open_tree(2): if what it shows is attached nowhere when the description goes, it goes with it. */
export const FMODE_NEED_UNMOUNT = 0x10000000;
/** No offset: reads and writes do not move one (pipes, sockets, /dev/kmsg). Set by `FileOps.open`. */
export const FMODE_STREAM = 0x200000;
/** This open made the file. */
export const FMODE_CREATED = 0x100000;
/** A listener of the open hooks asks to be told when it closes; free for packages. */
export const FMODE_OPENED = 0x80000;

/** What poll(2) and epoll(7) hand to `FileOps.poll`: it is given every queue that is woken when the events may have changed. */
export interface PollTable {
  add(q: WaitQueue): void;
}

/** Where `FileOps.iterate` puts directory entries. */
export interface DirContext {
  /** Position of the next entry to emit (what `file.pos` is and lseek takes). `iterate` moves it on. */
  pos: number;
  /** False: it does not fit, stop before this entry. `type` is a DT_ value (inode.mode >> 12). Call it with `pos` at this entry. */
  emit(name: string, ino: number, type: number): boolean;
  /** Not null: only names are wanted, all of them. They may be put here instead of emitted. */
  readonly names: string[] | null;
}

export interface FileOpsInit {
  /** The last stage of open(2). May fail, and sleep (FIFO): it is then called again. May set file.data, change file.ops and mode. */
  open?(c: Ctx, inode: Inode, file: OpenFile): Wait | undefined;
  /** Each close(2) of a descriptor. */
  flush?(k: Core, file: OpenFile): void;
  /** The last reference has gone. Cannot fail or sleep. */
  release?(k: Core, file: OpenFile): void;
  /**
   * Up to `count` bytes from `pos`: fewer at the end, none there. `buf` null: make the array, else fill it (`readBuffer`). The
   * caller moves file.pos by the length. Sleeps by c.sleep, keeping progress in `c.part(key, ...)`. Left out: EINVAL.
   */
  read?(c: Ctx, file: OpenFile, count: number, pos: number, buf: Uint8Array | null): Uint8Array | Wait;
  /** How many bytes of `data` were written at `pos`; the caller moves file.pos. Progress as in read. Left out: EINVAL. */
  write?(c: Ctx, file: OpenFile, data: Uint8Array, pos: number): number | Wait;
  /** Emit entries from d.pos on. Having it makes the file a directory for getdents64(2). */
  iterate?(c: Ctx, file: OpenFile, d: DirContext): void;
  /** Left out: ESPIPE. Sets file.pos and returns it. `genericLlseek` and others are in vfs/llseek.ts. */
  llseek?(c: Ctx, file: OpenFile, offset: Loff, whence: number): Loff;
  /** Ready events now (POLL bits); names its queues to `pt` if that is not null. Left out: always IN|OUT, and epoll refuses it. */
  poll?(c: Ctx, file: OpenFile, pt: PollTable | null): number;
  /** Left out: ENOTTY. */
  ioctl?(c: Ctx, file: OpenFile, request: number, arg: unknown): unknown;
  /** Check and prepare a mapping. Left out: ENODEV. */
  mmap?(c: Ctx, file: OpenFile, vma: Vma): void;
  /** Bytes `start`..`end` (inclusive; Infinity: to the end) to stable storage. Left out: EINVAL. */
  fsync?(c: Ctx, file: OpenFile, start: number, end: number, datasync: boolean): Wait | undefined;
  /** Left out: EOPNOTSUPP (regular files, directories), ENODEV (others). */
  fallocate?(c: Ctx, file: OpenFile, mode: number, offset: number, length: number): Wait | undefined;
  /** More lines for /proc/PID/fdinfo/N, each with its newline. */
  showFdinfo?(k: Core, file: OpenFile): string;
}

/** A table of file operations, all of one shape. A static: register it with `k.state.static(name, ops)`. */
export class FileOps {
  readonly open: NonNullable<FileOpsInit["open"]> | null;
  readonly flush: NonNullable<FileOpsInit["flush"]> | null;
  readonly release: NonNullable<FileOpsInit["release"]> | null;
  readonly read: NonNullable<FileOpsInit["read"]> | null;
  readonly write: NonNullable<FileOpsInit["write"]> | null;
  readonly iterate: NonNullable<FileOpsInit["iterate"]> | null;
  readonly llseek: NonNullable<FileOpsInit["llseek"]> | null;
  readonly poll: NonNullable<FileOpsInit["poll"]> | null;
  readonly ioctl: NonNullable<FileOpsInit["ioctl"]> | null;
  readonly mmap: NonNullable<FileOpsInit["mmap"]> | null;
  readonly fsync: NonNullable<FileOpsInit["fsync"]> | null;
  readonly fallocate: NonNullable<FileOpsInit["fallocate"]> | null;
  readonly showFdinfo: NonNullable<FileOpsInit["showFdinfo"]> | null;

  constructor(o: FileOpsInit) {
    this.open = o.open ?? null;
    this.flush = o.flush ?? null;
    this.release = o.release ?? null;
    this.read = o.read ?? null;
    this.write = o.write ?? null;
    this.iterate = o.iterate ?? null;
    this.llseek = o.llseek ?? null;
    this.poll = o.poll ?? null;
    this.ioctl = o.ioctl ?? null;
    this.mmap = o.mmap ?? null;
    this.fsync = o.fsync ?? null;
    this.fallocate = o.fallocate ?? null;
    this.showFdinfo = o.showFdinfo ?? null;
  }
}

export class OpenFile {
  refs = 1;
  /** Bytes; above 2^53 the exact value is pos + posLow. */
  pos = 0;
  posLow = 0;
  /** What the opened thing keeps (plain state). */
  data: unknown = null;
  /** Never reused. */
  readonly serial: number;
  /** What watches it by epoll (vfs/poll/epoll.ts). */
  epItems: EpollItem[] | null = null;
  /** Where reading a directory stopped. */
  cursor: Dentry | null = null;
  /** Errors already reported through this description (errseq cursors of writeback). */
  wbErr = 0;
  sbErr = 0;
  /** Package fields, by slot of `k.vfs.fileSlots`; null: none are defined. */
  slots: unknown[] | null = null;

  constructor(
    readonly mnt: Mount,
    readonly dentry: Dentry,
    readonly inode: Inode,
    public ops: FileOps,
    /** FMODE_ bits. */
    public mode: number,
    /** O_ flags: access mode and status flags. */
    public flags: number,
    /** Credentials of the opener. */
    readonly cred: Cred,
  ) {
    this.serial = ++mnt.sb.k.vfs.lastFileSerial;
  }
}

/** The array to return `n` bytes in: `buf` (or its first part) if one was given, else a new one. */
export function readBuffer(buf: Uint8Array | null, n: number): Uint8Array {
  if (buf === null) return new Uint8Array(n);
  if (!(buf instanceof Uint8Array)) throw new TypeError(`buf must be a Uint8Array or null, not ${typeof buf}`);
  return buf.length === n ? buf : buf.subarray(0, n);
}

/**
 * System calls about mounts and file systems. mount(2), umount2(2), statfs(2), mount_namespaces(7).
 */
import type { PathArg } from "./fileSys.js";
import type { Ret, SysBase } from "./types.js";

/** `struct statfs`. Sizes in blocks of `bsize` bytes. */
export interface Statfs {
  /** Magic number of the file system type. */
  type: number;
  bsize: number;
  blocks: number;
  bfree: number;
  bavail: number;
  files: number;
  ffree: number;
  fsid: [number, number];
  namelen: number;
  frsize: number;
  /** ST_ flags. */
  flags: number;
}

export interface MountSys extends SysBase {
  /**
   * mount(2): a new file system, or with MS_REMOUNT, MS_BIND, MS_MOVE and the propagation flags a change of the mount at
   * `target`. EFAULT; the target's path; EPERM without CAP_SYS_ADMIN; EINVAL flags; ENODEV unknown type; EPERM type in a
   * user namespace; EINVAL bad option; ENOTDIR file over directory or the reverse; EBUSY (remount read-only with writers);
   * ELOOP (move into itself); ENOSPC (fs.mount-max).
   */
  mount(
    source: PathArg,
    target: PathArg,
    fstype: PathArg,
    flags: number,
    data?: string | null,
  ): Ret<this["mode"], number>;
  /** umount2(2). EINVAL flags; the path; EPERM; EINVAL not a mount point; EINVAL MNT_EXPIRE with others; EAGAIN; EBUSY. */
  umount2(target: PathArg, flags: number): Ret<this["mode"], number>;
  /** statfs(2). */
  statfs(path: PathArg): Ret<this["mode"], Statfs>;
  /** fstatfs(2). EBADF. */
  fstatfs(fd: number): Ret<this["mode"], Statfs>;
}

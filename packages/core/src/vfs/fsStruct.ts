/**
 * What CLONE_FS shares: root directory, working directory, umask. clone(2), chroot(2), umask(2).
 */
import type { Dentry } from "./dentry.js";
import type { Mount } from "./mount.js";

export class FsStruct {
  /** Tasks that use it. */
  refs = 1;

  constructor(
    public rootMnt: Mount,
    public rootDentry: Dentry,
    public pwdMnt: Mount,
    public pwdDentry: Dentry,
    public umask: number,
  ) {}
}

/**
 * integritySys: the system calls that come with integrity: kexec_file_load(2), kexec_load(2), finit_module(2), init_module(2).
 */
import type { Ret, SysBase } from "@kernelkit/core";
import type { KexecUserSegment } from "./kexec/kexecCalls.js";

export interface IntegritySys extends SysBase {
  /**
   * kexec_file_load(2). A string as command line gets its NUL; bytes are taken as they are; null: none. `initrdFd` counts only without
   * KEXEC_FILE_NO_INITRAMFS. EPERM, EINVAL, EBADF, EACCES, ENOEXEC, EADDRNOTAVAIL, and under lockdown EPERM for what is not signed.
   */
  kexec_file_load(
    kernelFd: number,
    initrdFd: number,
    cmdline: string | Uint8Array | null,
    flags?: number,
  ): Ret<this["mode"], number>;
  /** kexec_load(2): segments prepared by user space, 0 unloads. EPERM (always under lockdown), EINVAL, EADDRNOTAVAIL, EFAULT. */
  kexec_load(
    entry: number,
    nrSegments: number,
    segments?: readonly KexecUserSegment[] | null,
    flags?: number,
  ): Ret<this["mode"], number>;
  /** finit_module(2): MODULE_CHECK, then ENOEXEC unless the file names a module that is registered ("#!kk module NAME"). EPERM, EINVAL, EBADF. */
  finit_module(fd: number, params?: string, flags?: number): Ret<this["mode"], number>;
  /** init_module(2): a module without a file, which no signature policy can accept. EPERM, EACCES, ENOEXEC. */
  init_module(image: Uint8Array, params?: string): Ret<this["mode"], number>;
}

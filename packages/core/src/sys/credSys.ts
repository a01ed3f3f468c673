/**
 * System calls about credentials: user and group ids, groups, capabilities. credentials(7), capabilities(7), setuid(2),
 * setresuid(2), setgroups(2), capget(2).
 *
 * Ids in arguments and results are those of the caller's user namespace; -1 (also 2^32-1) leaves an id as it is; what is not
 * mapped shows as 65534 and is EINVAL as an argument. Changing an effective id, or gaining capabilities, makes the process not
 * dumpable and clears its parent-death signal.
 */
import type { Ret, SysBase } from "./types.js";

/** Capability sets as lists of CAP_ numbers, ascending in results. What is left out of an argument is empty. */
export interface CapData {
  effective?: readonly number[];
  permitted?: readonly number[];
  inheritable?: readonly number[];
}

export interface CredSys extends SysBase {
  getuid(): Ret<this["mode"], number>;
  geteuid(): Ret<this["mode"], number>;
  getgid(): Ret<this["mode"], number>;
  getegid(): Ret<this["mode"], number>;
  /** getresuid(2). */
  getresuid(): Ret<this["mode"], { ruid: number; euid: number; suid: number }>;
  /** getresgid(2). */
  getresgid(): Ret<this["mode"], { rgid: number; egid: number; sgid: number }>;
  /** setuid(2): with CAP_SETUID all ids, else the effective one, to the real or saved one. EINVAL unmapped; EPERM; EAGAIN never. */
  setuid(uid: number): Ret<this["mode"], number>;
  /** setgid(2), by CAP_SETGID. EINVAL; EPERM. */
  setgid(gid: number): Ret<this["mode"], number>;
  /** setreuid(2): real to real or effective, effective to any of the three; CAP_SETUID: anything. EINVAL; EPERM. */
  setreuid(ruid: number, euid: number): Ret<this["mode"], number>;
  /** setregid(2). EINVAL; EPERM. */
  setregid(rgid: number, egid: number): Ret<this["mode"], number>;
  /** setresuid(2): each to any of the three; CAP_SETUID: anything. EINVAL; EPERM. */
  setresuid(ruid: number, euid: number, suid: number): Ret<this["mode"], number>;
  /** setresgid(2). EINVAL; EPERM. */
  setresgid(rgid: number, egid: number, sgid: number): Ret<this["mode"], number>;
  /** setfsuid(2): returns the old one, whether it worked or not. */
  setfsuid(uid: number): Ret<this["mode"], number>;
  /** setfsgid(2): returns the old one. */
  setfsgid(gid: number): Ret<this["mode"], number>;
  /** getgroups(2): the supplementary groups, in ascending order of their kernel ids. */
  getgroups(): Ret<this["mode"], number[]>;
  /** setgroups(2). EPERM no CAP_SETGID, or denied in the user namespace; EINVAL more than 65536, or unmapped. */
  setgroups(groups: readonly number[]): Ret<this["mode"], number>;
  /** capget(2) of a thread; pid 0: the caller. EINVAL pid < 0; ESRCH. */
  capget(pid?: number): Ret<this["mode"], Required<CapData>>;
  /**
   * capset(2), of the caller only. EPERM pid of another; EPERM inheritable beyond inheritable|permitted without CAP_SETPCAP,
   * inheritable beyond the bounding set; permitted beyond permitted; effective beyond permitted. Numbers above 40 are ignored.
   */
  capset(data: CapData, pid?: number): Ret<this["mode"], number>;
}

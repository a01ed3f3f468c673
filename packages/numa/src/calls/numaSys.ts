/** The system calls of the package. numa(7). */
import type { Ret, SysBase, Ulong } from "@kernelkit/core";
import type { UserNodes, UserPlace } from "./userNodes.js";

export interface NumaSys extends SysBase {
  /**
   * set_mempolicy(2): the caller's policy; `mode` with MPOL_F_ flags. EINVAL mode or flags; EFAULT, EINVAL mask; EINVAL nodes that do
   * not fit the mode, or none with memory left. A failed call keeps the old policy.
   */
  set_mempolicy(mode: number, nodemask: UserNodes, maxnode: number): Ret<this["mode"], 0>;
  /**
   * get_mempolicy(2): what is asked for ("mode", "mask"). EINVAL maxnode below the number of nodes, flags, address without
   * MPOL_F_ADDR, MPOL_F_NODE without interleaving; EFAULT nothing mapped at `addr`, or an unwritable place.
   */
  get_mempolicy(
    mode: UserPlace<"mode">,
    nodemask: UserPlace<"mask">,
    maxnode: number,
    addr: Ulong,
    flags: number,
  ): Ret<this["mode"], { mode?: number; nodes?: number[] }>;
  /**
   * mbind(2). EINVAL mode; EFAULT, EINVAL mask; EINVAL flags; EPERM MPOL_MF_MOVE_ALL without CAP_SYS_NICE; EINVAL unaligned, overflow,
   * nodes; EFAULT a hole; EIO MPOL_MF_STRICT and a page that is elsewhere.
   */
  mbind(
    addr: Ulong,
    len: Ulong,
    mode: number,
    nodemask: UserNodes,
    maxnode: number,
    flags: number,
  ): Ret<this["mode"], 0>;
  /** set_mempolicy_home_node(2). EINVAL unaligned, flags, node, overflow; ENOENT no policy there; EOPNOTSUPP another mode. */
  set_mempolicy_home_node(addr: Ulong, len: Ulong, node: number, flags: number): Ret<this["mode"], 0>;
  /**
   * migrate_pages(2): pages that could not be moved. EFAULT, EINVAL masks; ESRCH; EPERM; EINVAL no node with memory left, kernel thread.
   */
  migrate_pages(pid: number, maxnode: number, oldNodes: UserNodes, newNodes: UserNodes): Ret<this["mode"], number>;
  /**
   * move_pages(2): `nodes` null asks where the pages are. `status` has a node or a negative errno per page. EINVAL flags; EPERM
   * MPOL_MF_MOVE_ALL without CAP_SYS_NICE; ESRCH; EPERM; ENODEV, EACCES a node (earlier pages have moved).
   */
  move_pages(
    pid: number,
    pages: readonly Ulong[] | null,
    nodes: readonly number[] | null,
    flags: number,
  ): Ret<this["mode"], { ret: number; status: number[] }>;
  /**
   * The package's own: user code makes `perPage` (default 1) accesses to each of `pages` pages from `addr` on, and spends the CPU time
   * that costs by distance (`NumaCosts`). Faults as `touch`. EINVAL: not whole numbers >= 0.
   */
  useMemory(addr: Ulong, pages: number, perPage?: number, write?: boolean): Ret<this["mode"], 0>;
  /** userfaultfd(2): a descriptor. EINVAL flags; EPERM without UFFD_USER_MODE_ONLY, privilege and vm.unprivileged_userfaultfd. */
  userfaultfd(flags: number): Ret<this["mode"], number>;
  /** numa_tbind of sched/numa (2012): group of a thread; -1 new, -2 ask. ENOSYS unless numa_strategy=schednuma. EINVAL, ESRCH, EPERM. */
  numa_tbind(tid: number, ngId: number, flags: number): Ret<this["mode"], number>;
  /** numa_mbind of sched/numa (2012): binds a range to a group's node, lazily. ENOSYS; EINVAL. */
  numa_mbind(addr: Ulong, len: Ulong, ngId: number, flags: number): Ret<this["mode"], number>;
}

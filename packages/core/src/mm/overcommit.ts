/**
 * Promised memory: every private writable page and every page of shared memory counts in Committed_AS when it is mapped, and
 * may be refused then. Kernel document mm/overcommit-accounting; proc_sys_vm(5).
 */
import { CAP_SYS_ADMIN } from "../abi/capability.js";
import { capable } from "../task/capable.js";
import type { Task } from "../task/task.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";

/** CommitLimit, pages. */
export function commitLimit(m: MmSystem): number {
  const { sysctl } = m;
  const own =
    sysctl.overcommitKbytes > 0
      ? Math.floor(sysctl.overcommitKbytes / 4)
      : Math.floor((m.totalram * sysctl.overcommitRatio) / 100);
  return own + (m.k.contracts.swap?.totalPages() ?? 0);
}

/** Promise `pages` pages more; false (nothing promised): vm.overcommit_memory forbids it. */
export function vmEnoughMemory(m: MmSystem, mm: Mm | null, task: Task | null, pages: number): boolean {
  const { sysctl } = m;
  if (sysctl.overcommitMemory === 0) {
    if (pages > m.totalram + (m.k.contracts.swap?.totalPages() ?? 0)) return false;
  } else if (sysctl.overcommitMemory === 2) {
    let allowed = commitLimit(m);
    if (task === null || !capable(m.k, task, CAP_SYS_ADMIN)) allowed -= sysctl.adminReserveKbytes / 4;
    if (mm !== null) allowed -= Math.min(Math.floor(mm.totalVm / 32), Math.floor(sysctl.userReserveKbytes / 4));
    if (m.committed + pages >= allowed) return false;
  }
  m.committed += pages;
  return true;
}

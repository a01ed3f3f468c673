/** move_pages(2) and migrate_pages(2). */
import {
  CAP_SYS_NICE,
  type Ctx,
  capable,
  EACCES,
  EBUSY,
  EFAULT,
  EINVAL,
  ENODEV,
  ENOENT,
  EPERM,
  ESRCH,
  fail,
  findVma,
  followPage,
  type Impl,
  int,
  list,
  type Mm,
  MPOL_MF_MOVE,
  MPOL_MF_MOVE_ALL,
  PG_ZEROPAGE,
  PTRACE_MODE_READ_REALCREDS,
  ptraceMayAccess,
  TASK_SIZE,
  type Task,
  ulong,
} from "@kernelkit/core";
import { doMigratePages, migrateFolio, vmaMigratable } from "../migrate.js";
import type { NumaSystem } from "../state.js";
import type { NumaSys } from "./numaSys.js";
import { getNodes } from "./userNodes.js";

/** The process of `pid`, 0: the caller. ESRCH, EPERM. */
function target(sys: NumaSystem, c: Ctx, pid: number): Task {
  const { k } = sys;
  const t = pid === 0 ? c.task : (k.tasks.findVpid(c.task, pid)?.task ?? fail(ESRCH));
  return ptraceMayAccess(k, c.task, t, PTRACE_MODE_READ_REALCREDS) ? t : fail(EPERM);
}

/** Frame of an address (a huge page's head), or a negative errno. */
function pageAt(sys: NumaSystem, mm: Mm, addr: number, toMove: boolean): number {
  const { mm: m } = sys.k;
  const v = addr >= TASK_SIZE ? null : findVma(mm, addr);
  if (v === null || (toMove && !vmaMigratable(v))) return -EFAULT;
  const pfn = followPage(m, mm, addr);
  if (pfn === 0) return -ENOENT;
  const head = m.frames.head(pfn);
  return (m.frames.flags[head] & PG_ZEROPAGE) !== 0 ? -EFAULT : head;
}

export function moveCalls(sys: NumaSystem): Pick<Impl<NumaSys>, "move_pages" | "migrate_pages"> {
  const { k } = sys;
  return {
    move_pages(c, pid, pages, nodes, flags) {
      const f = int(flags, "flags");
      if ((f & ~(MPOL_MF_MOVE | MPOL_MF_MOVE_ALL)) !== 0) return fail(EINVAL);
      const all = (f & MPOL_MF_MOVE_ALL) !== 0;
      if (all && !capable(k, c.task, CAP_SYS_NICE)) return fail(EPERM);
      const t = target(sys, c, int(pid, "pid"));
      const mm = t.mm ?? fail(EINVAL);
      const addrs = (pages === null ? [] : list(pages, "pages")).map((a) => ulong(a, "page"));
      const { mm: m } = k;
      const status: number[] = new Array(addrs.length).fill(0);
      if (nodes === null) {
        for (let i = 0; i < addrs.length; i++) {
          const pfn = pageAt(sys, mm, addrs[i], false);
          status[i] = pfn < 0 ? pfn : m.nodeOf(pfn);
        }
        return { ret: 0, status };
      }
      const allowed = sys.allowed(t);
      let failed = 0;
      let moved = 0;
      for (let i = 0; i < addrs.length; i++) {
        const nid = int(nodes[i], "node");
        if (nid < 0 || !sys.hasMemory(nid)) return fail(ENODEV);
        if (!allowed.includes(nid)) return fail(EACCES);
        const pfn = pageAt(sys, mm, addrs[i], true);
        if (pfn < 0) status[i] = pfn;
        else if (m.nodeOf(pfn) === nid) status[i] = nid;
        else if (!all && m.frames.mapcount[pfn] > 1) status[i] = -EACCES;
        else {
          const r = migrateFolio(sys, c, pfn, nid);
          status[i] = r > 0 ? nid : r === -16 ? -EBUSY : r;
          if (r <= 0) failed++;
          else moved++;
        }
      }
      sys.migrated(moved, failed, false, "syscall_or_cpuset");
      return { ret: failed, status };
    },
    migrate_pages(c, pid, maxnode, oldNodes, newNodes) {
      const from = getNodes(oldNodes, maxnode);
      const wanted = getNodes(newNodes, maxnode);
      const t = target(sys, c, int(pid, "pid"));
      const nice = capable(k, c.task, CAP_SYS_NICE);
      const theirs = sys.allowed(t);
      if (wanted.some((n) => !theirs.includes(n)) && !nice) return fail(EPERM);
      const mine = sys.allowed(c.task);
      const to = wanted.filter((n) => mine.includes(n));
      if (to.length === 0) return fail(EINVAL);
      const mm = t.mm ?? fail(EINVAL);
      return doMigratePages(sys, c, mm, from, to, nice);
    },
  };
}

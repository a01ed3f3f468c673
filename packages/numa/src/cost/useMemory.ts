/**
 * Use of memory that takes time by distance: the call `useMemory`, which workloads are made of. Each page is looked up in the page tables,
 * faulted in where it is not there (or armed), and its accesses are charged as user time of the task.
 */
import {
  type Ctx,
  EINVAL,
  fail,
  type Impl,
  int,
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_PROTNONE,
  PTE_WRITE,
  pmdSlot,
  pteBase,
  ulong,
  userFault,
  WAIT,
  type Wait,
} from "@kernelkit/core";
import type { NumaSys } from "../calls/numaSys.js";
import type { NumaSystem } from "../state.js";

interface Progress {
  page: number;
  ns: number;
  spent: boolean;
}

const start = (): Progress => ({ page: 0, ns: 0, spent: false });

export function useMemoryCall(sys: NumaSystem): Pick<Impl<NumaSys>, "useMemory"> {
  return {
    useMemory(c, addr, pages, perPage = 1, write = false) {
      const n = int(pages, "pages");
      const per = int(perPage, "perPage");
      const at = ulong(addr, "addr");
      if (n < 0 || per < 0) return fail(EINVAL);
      if (c.task.mm === null) return fail(EINVAL);
      const f = c.frame(start);
      if (f.spent) return 0;
      if (sweep(sys, c, f, at, n, per, write) === WAIT) return WAIT;
      if (f.ns === 0) return 0;
      f.spent = true;
      return c.busy(f.ns, true);
    },
  };
}

function sweep(
  sys: NumaSystem,
  c: Ctx,
  f: Progress,
  addr: number,
  pages: number,
  per: number,
  write: boolean,
): 0 | Wait {
  const m = sys.k.mm;
  const { mm } = c.task;
  if (mm === null) return 0;
  const task = sys.task(c.task);
  const mark = write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
  const need = PTE_PROTNONE | (write ? PTE_WRITE : 0);
  const have = write ? PTE_WRITE : 0;
  let here = m.numaNodeId();
  let row = sys.k.options.machine.distances[here];
  const unit = (per * sys.costs.accessNs) / 10;
  while (f.page < pages) {
    const at = addr + f.page * 4096;
    const region = (at / PMD_BYTES) | 0;
    const base = pteBase(m, mm, region);
    let slot = -1;
    let run = 1;
    if (base >= 0) {
      const first = (at - region * PMD_BYTES) >> 12;
      slot = base + first;
      run = Math.min(512 - first, pages - f.page);
    } else {
      slot = pmdSlot(mm, region);
      if (slot >= 0 && (m.pt.fl[slot] & PTE_HUGE) === 0) slot = -1;
    }
    // entries that can be used as they are, one after the other
    let done = 0;
    const { val, fl } = m.pt;
    if (slot >= 0)
      for (; done < run; done++) {
        const e = val[slot + done];
        const flags = fl[slot + done];
        if (e <= 0 || (flags & need) !== have) break;
        fl[slot + done] = flags | mark;
        const nid = m.nodeOf(e);
        f.ns += unit * row[nid];
        if (nid === here) task.localAccesses += per;
        else task.remoteAccesses += per;
      }
    f.page += done;
    if (done === run) continue;
    if (userFault(m, c, null, mm, addr + f.page * 4096, write) === WAIT) return WAIT;
    here = m.numaNodeId();
    row = sys.k.options.machine.distances[here];
  }
  return 0;
}

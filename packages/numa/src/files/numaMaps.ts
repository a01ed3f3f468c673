/** /proc/PID/numa_maps: the areas of a process with their policies and where their pages are. numa(7). */
import {
  type Core,
  EACCES,
  escapeOctal,
  fail,
  forEachPte,
  type Mm,
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_SWAPCACHE,
  PG_UNEVICTABLE,
  PG_WRITEBACK,
  type PseudoFile,
  PTE_DIRTY,
  PTE_SPECIAL,
  PTRACE_MODE_READ_FSCREDS,
  ptraceMayAccess,
  type Task,
  type Vma,
  vmaName,
} from "@kernelkit/core";
import { mpolText } from "../policy/mpolText.js";
import type { NumaSystem } from "../state.js";

function lineOf(sys: NumaSystem, t: Task, reader: Task, v: Vma): string {
  const policy = sys.vmaPolicy(v, v.start) ?? sys.task(t).policy;
  let s = `${v.start.toString(16).padStart(8, "0")} ${mpolText(policy)}`;
  const name = vmaName(sys.k, v, reader);
  if (v.mapping !== null || v.file !== null) s += ` file=${escapeOctal(name, "\n\t= ")}`;
  else if (name === "[heap]") s += " heap";
  else if (name === "[stack]") s += " stack";
  return `${s}${pagesOf(sys, v)}\n`;
}

function pagesOf(sys: NumaSystem, v: Vma): string {
  const { mm: m } = sys.k;
  const { pt, frames: f } = m;
  const n = new Array<number>(sys.nodes).fill(0);
  let pages = 0;
  let anon = 0;
  let dirty = 0;
  let mapmax = 0;
  let swapcache = 0;
  let active = 0;
  let writeback = 0;
  forEachPte(m, v.mm, v.start, v.end, (_addr, slot, huge) => {
    const pfn = pt.val[slot];
    if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0) return;
    const by = huge ? 512 : 1;
    const head = f.head(pfn);
    const fl = f.flags[head];
    pages += by;
    if ((pt.fl[slot] & PTE_DIRTY) !== 0 || (fl & PG_DIRTY) !== 0) dirty += by;
    if ((fl & PG_SWAPCACHE) !== 0) swapcache += by;
    if ((fl & (PG_ACTIVE | PG_UNEVICTABLE)) !== 0) active += by;
    if ((fl & PG_WRITEBACK) !== 0) writeback += by;
    if ((fl & PG_ANON) !== 0) anon += by;
    mapmax = Math.max(mapmax, f.mapcount[head]);
    n[m.nodeOf(pfn)] += by;
  });
  if (pages === 0) return "";
  let s = "";
  if (anon > 0) s += ` anon=${anon}`;
  if (dirty > 0) s += ` dirty=${dirty}`;
  if (pages !== anon && pages !== dirty) s += ` mapped=${pages}`;
  if (mapmax > 1) s += ` mapmax=${mapmax}`;
  if (swapcache > 0) s += ` swapcache=${swapcache}`;
  if (active < pages) s += ` active=${active}`;
  if (writeback > 0) s += ` writeback=${writeback}`;
  for (let nid = 0; nid < n.length; nid++) if (n[nid] > 0) s += ` N${nid}=${n[nid]}`;
  return `${s} kernelpagesize_kB=4`;
}

/** The whole file, with paths as `reader` sees them. */
export function numaMapsText(sys: NumaSystem, t: Task, mm: Mm, reader: Task): string {
  let s = "";
  for (const v of mm.vmas) s += lineOf(sys, t, reader, v);
  return s;
}

export function numaMapsFile(sys: NumaSystem, k: Core): PseudoFile<Task> {
  return {
    open(c, t) {
      if (t.mm !== null && t.mm !== c.task.mm && !ptraceMayAccess(k, c.task, t, PTRACE_MODE_READ_FSCREDS)) fail(EACCES);
    },
    show: (c, t) => (t.mm === null ? "" : numaMapsText(sys, t, t.mm, c.task)),
  };
}

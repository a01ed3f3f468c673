/** What each area of a process has in memory: /proc/PID/smaps and smaps_rollup. proc_pid_smaps(5). */
import type { Core } from "../kernel/core.js";
import type { Task } from "../task/task.js";
import { HPAGE_PMD_NR, PG_ANON, PG_DIRTY, PG_REFERENCED, PG_SWAPBACKED } from "./frames.js";
import { thpSuitable } from "./hugeMemory.js";
import { mapsLine } from "./mapsText.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { forEachPte } from "./pageMap.js";
import { PMD_BYTES, PTE_ACCESSED, PTE_DIRTY, PTE_SPECIAL } from "./pageTable.js";
import { VM_LOCKED, type Vma } from "./vma.js";

/** Sums in bytes; proportional shares in 1/4096 of a byte. */
class MemSize {
  rss = 0;
  pss = 0;
  pssDirty = 0;
  pssAnon = 0;
  pssFile = 0;
  pssShmem = 0;
  sharedClean = 0;
  sharedDirty = 0;
  privateClean = 0;
  privateDirty = 0;
  referenced = 0;
  anonymous = 0;
  lazyFree = 0;
  anonHuge = 0;
  swap = 0;
  swapPss = 0;
  pssLocked = 0;
}

function addPage(m: MmSystem, s: MemSize, pfn: number, fl: number, pages: number, locked: boolean): void {
  const { frames: f } = m;
  const flags = f.flags[pfn];
  const bytes = pages * 4096;
  const maps = f.mapcount[pfn];
  const dirty = (fl & PTE_DIRTY) !== 0 || (flags & PG_DIRTY) !== 0;
  const share = Math.floor((bytes * 4096) / maps); // twelve more bits, as the kernel keeps it
  s.rss += bytes;
  s.pss += share;
  if (dirty) s.pssDirty += share;
  if (locked) s.pssLocked += share;
  if ((fl & PTE_ACCESSED) !== 0 || (flags & PG_REFERENCED) !== 0) s.referenced += bytes;
  if ((flags & PG_ANON) !== 0) {
    s.anonymous += bytes;
    s.pssAnon += share;
    if ((flags & PG_SWAPBACKED) === 0 && !dirty) s.lazyFree += bytes;
    if (pages > 1) s.anonHuge += bytes;
  } else if ((flags & PG_SWAPBACKED) !== 0) s.pssShmem += share;
  else s.pssFile += share;
  if (maps > 1) {
    if (dirty) s.sharedDirty += bytes;
    else s.sharedClean += bytes;
  } else if (dirty) s.privateDirty += bytes;
  else s.privateClean += bytes;
}

function gather(m: MmSystem, v: Vma, s: MemSize): void {
  const locked = (v.flags & VM_LOCKED) !== 0;
  forEachPte(m, v.mm, v.start, v.end, (_addr, slot, huge) => {
    const e = m.pt.val[slot];
    const fl = m.pt.fl[slot];
    if (e < 0) {
      s.swap += 4096;
      s.swapPss += 4096;
    } else if ((fl & PTE_SPECIAL) === 0) addPage(m, s, e, fl, huge ? HPAGE_PMD_NR : 1, locked);
  });
}

function row(name: string, bytes: number): string {
  return `${`${name}:`.padEnd(16)}${String(Math.floor(bytes / 1024)).padStart(8)} kB\n`;
}

function rows(s: MemSize, rollup: boolean): string {
  const split = rollup
    ? row("Pss_Anon", s.pssAnon / 4096) + row("Pss_File", s.pssFile / 4096) + row("Pss_Shmem", s.pssShmem / 4096)
    : "";
  return (
    row("Rss", s.rss) +
    row("Pss", s.pss / 4096) +
    row("Pss_Dirty", s.pssDirty / 4096) +
    split +
    row("Shared_Clean", s.sharedClean) +
    row("Shared_Dirty", s.sharedDirty) +
    row("Private_Clean", s.privateClean) +
    row("Private_Dirty", s.privateDirty) +
    row("Referenced", s.referenced) +
    row("Anonymous", s.anonymous) +
    row("KSM", 0) +
    row("LazyFree", s.lazyFree) +
    row("AnonHugePages", s.anonHuge) +
    row("ShmemPmdMapped", 0) +
    row("FilePmdMapped", 0) +
    row("Shared_Hugetlb", 0) +
    row("Private_Hugetlb", 0) +
    row("Swap", s.swap) +
    row("SwapPss", s.swapPss) +
    row("Locked", s.pssLocked / 4096)
  );
}

/** Two letters per flag, by bit. */
const FLAG_NAMES: readonly string[] =
  "rd wr ex sh mr mw me ms gd um pf . uw lo io sr rr dc de lf ac nr ht sf ar wf dd . mm hg nh".split(" ");

function flagsRow(v: Vma): string {
  let s = "VmFlags: ";
  FLAG_NAMES.forEach((name, bit) => {
    if (((v.flags >>> bit) & 1) !== 0) s += `${name} `;
  });
  return `${s}\n`;
}

function eligible(m: MmSystem, v: Vma): boolean {
  const region = Math.ceil(v.start / PMD_BYTES);
  return thpSuitable(m, v.mm, v, region);
}

/** /proc/PID/smaps, with paths as `t` sees them. */
export function smapsText(k: Core, mm: Mm, t: Task | null = null): string {
  let out = "";
  for (const v of mm.vmas) {
    const s = new MemSize();
    gather(k.mm, v, s);
    out +=
      mapsLine(k, v, t) +
      row("Size", v.end - v.start) +
      row("KernelPageSize", 4096) +
      row("MMUPageSize", 4096) +
      rows(s, false) +
      `THPeligible:    ${String(eligible(k.mm, v) ? 1 : 0).padStart(8)}\n` +
      flagsRow(v);
  }
  return out;
}

/** /proc/PID/smaps_rollup. */
export function smapsRollupText(k: Core, mm: Mm): string {
  const s = new MemSize();
  for (const v of mm.vmas) gather(k.mm, v, s);
  const { vmas } = mm;
  const first = vmas.length === 0 ? 0 : vmas[0].start;
  const last = vmas.length === 0 ? 0 : vmas[vmas.length - 1].end;
  const head = `${first.toString(16).padStart(8, "0")}-${last.toString(16).padStart(8, "0")} ---p 00000000 00:00 0 `;
  return `${head.padEnd(73)}[rollup]\n${rows(s, true)}`;
}

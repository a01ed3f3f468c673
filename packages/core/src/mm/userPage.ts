/**
 * Single pages of a process, for those who work on another's memory: looking one up (move_pages, get_mempolicy), filling a missing
 * one (userfaultfd), /proc/PID/pagemap and clear_refs. userfaultfd(2), kernel document admin-guide/mm/pagemap.
 */
import { EEXIST, EFAULT, ENOENT, ENOMEM } from "../abi/errno.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import type { AddressSpace, PageData } from "./addressSpace.js";
import { newAnon } from "./fault.js";
import { grabPage } from "./filemap.js";
import { followPage } from "./followPage.js";
import { PG_ANON, PG_UPTODATE, ZERO_PFN } from "./frames.js";
import { ALLOC_WAIT } from "./gfp.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { copyPageData } from "./pageData.js";
import { forEachPte, mapPte } from "./pageMap.js";
import {
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_SPECIAL,
  PTE_UFFD_WP,
  PTE_WRITE,
  pteAlloc,
  pteSlot,
} from "./pageTable.js";
import { findVma, VM_SHARED, VM_WRITE } from "./vma.js";

/**
 * UFFDIO_COPY (`data`: the page's bytes, or zeros as a page of its own: null) and UFFDIO_ZEROPAGE ("zero page") of one page. `wp`: it
 * is mapped write-protected for userfaultfd. 0, WAIT, or a negative errno: ENOENT no area, EEXIST there is a page, ENOMEM, EFAULT
 * beyond the file.
 */
export function fillPage(
  m: MmSystem,
  c: Ctx,
  mm: Mm,
  addr: number,
  data: PageData | "zero page",
  wp = false,
): number | Wait {
  const v = findVma(mm, addr);
  if (v === null) return -ENOENT;
  const base = pteAlloc(m, mm, (addr / PMD_BYTES) | 0, c);
  if (base <= 0) return base === ALLOC_WAIT ? WAIT : -ENOMEM;
  const slot = base + ((addr % PMD_BYTES) >> 12);
  if (m.pt.val[slot] !== 0) return -EEXIST;
  const wpFlag = wp ? PTE_UFFD_WP : 0;
  if (v.mapping !== null && (v.flags & VM_SHARED) !== 0) {
    const mapping = v.mapping as AddressSpace;
    const index = v.pgoffOf(addr);
    if (index * 4096 >= mapping.host.size) return -EFAULT;
    if (mapping.lookup(index) !== 0) return -EEXIST;
    const pfn = grabPage(m, c, mapping, index, mm);
    if (pfn <= 0) return pfn === ALLOC_WAIT ? WAIT : -ENOMEM;
    m.frames.flags[pfn] |= PG_UPTODATE;
    m.frames.refcount[pfn]++;
    if (data !== "zero page") mapping.setData(index, data !== null && typeof data === "object" ? data.slice() : data);
    const write = (v.flags & VM_WRITE) !== 0 && !wp ? PTE_WRITE | PTE_DIRTY : 0;
    mapPte(m, mm, v, slot, pfn, PTE_ACCESSED | write | wpFlag);
    return 0;
  }
  if (data === "zero page") {
    m.pt.val[slot] = ZERO_PFN;
    m.pt.fl[slot] = PTE_SPECIAL | PTE_ACCESSED;
    m.pt.count[slot >> 9]++;
    return 0;
  }
  const pfn = newAnon(m, c, mm, v, addr);
  if (pfn <= 0) return pfn === ALLOC_WAIT ? WAIT : -ENOMEM;
  copyPageData(m, data, pfn);
  const write = (v.flags & VM_WRITE) !== 0 && !wp ? PTE_WRITE : 0;
  mapPte(m, mm, v, slot, pfn, PTE_ACCESSED | PTE_DIRTY | write | wpFlag);
  m.lruAdd(pfn);
  return 0;
}

/** One entry of /proc/PID/pagemap, in two words: [low, high]. `showPfn`: the reader has CAP_SYS_ADMIN. */
export function pagemapEntry(m: MmSystem, mm: Mm, addr: number, showPfn: boolean): [number, number] {
  const slot = pteSlot(m, mm, addr);
  const e = slot >= 0 ? m.pt.val[slot] : 0;
  if (e < 0) return [(-e * 32) % 2 ** 32, 0x40000000 + Math.floor((-e * 32) / 2 ** 32)];
  const pfn = followPage(m, mm, addr);
  if (pfn === 0) return [0, 0];
  const f = m.frames;
  const head = f.head(pfn);
  const anon = (f.flags[head] & PG_ANON) !== 0;
  const zero = pfn === ZERO_PFN;
  let high = 0x80000000;
  if (!anon && !zero) high |= 0x20000000;
  if (!zero && f.mapcount[head] === 1) high |= 0x01000000;
  return [showPfn ? pfn : 0, high >>> 0];
}

/** Bytes of /proc/PID/pagemap at `pos`, both multiples of eight; empty at the end of the address space. */
export function pagemapRead(m: MmSystem, mm: Mm, pos: number, count: number, showPfn: boolean): Uint8Array {
  const n = Math.max(0, Math.min(count / 8, TASK_SIZE / 4096 + 1 - pos / 8));
  const words = new DataView(new ArrayBuffer(n * 8));
  for (let i = 0; i < n; i++) {
    const [lo, hi] = pagemapEntry(m, mm, (pos / 8 + i) * 4096, showPfn);
    words.setUint32(i * 8, lo, true);
    words.setUint32(i * 8 + 4, hi, true);
  }
  return new Uint8Array(words.buffer);
}

/** /proc/PID/clear_refs: 1 all pages, 2 private, 3 of files: they count as not used; 5: VmHWM starts again. */
export function clearRefs(m: MmSystem, mm: Mm, type: number): void {
  if (type === 5) {
    mm.hiwaterRss = mm.rssPages;
    return;
  }
  for (const v of mm.vmas) {
    if ((type === 2 && v.mapping !== null) || (type === 3 && v.mapping === null)) continue;
    forEachPte(m, mm, v.start, v.end, (_addr, slot) => {
      m.pt.fl[slot] &= ~PTE_ACCESSED;
    });
  }
}

/**
 * A cached page's life: dirty, under writeback, clean. Flags, tags and every counter move together here and nowhere else. Kernel
 * documents filesystems/vfs (address_space), admin-guide/sysctl/vm.
 */
import {
  type AddressSpace,
  type Inode,
  type Mm,
  type MmSystem,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  NR_ZONE_WRITE_PENDING,
  PG_DIRTY,
  PG_STABLE,
  PG_WRITEBACK,
  PTE_DIRTY,
  PTE_WRITE,
  rmapWalk,
  TAG_DIRTY,
  TAG_TOWRITE,
  TAG_WRITEBACK,
  type Vma,
} from "@kernelkit/core";
import { attachPage } from "../cgroup/cgwb.js";
import { bandwidthInterval } from "../control/constants.js";
import type { Bio } from "../device/bio.js";
import { markInodeDirty } from "../flush/inodeState.js";
import { I_DIRTY_PAGES, type WbInode } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { devText } from "./devText.js";

/** A page was changed and was clean: always true. folio_account_dirtied(). */
export function dirtyFolio(w: Writeback, m: AddressSpace, index: number, pfn: number): boolean {
  const { mm } = w.k;
  const wi = w.of(m.host as Inode) as WbInode;
  if (w.k.contracts.memcg !== undefined) attachPage(w, wi, pfn);
  const { wb } = wi;
  mm.frames.flags[pfn] |= PG_DIRTY;
  m.setTag(index, TAG_DIRTY);
  mm.modPage(pfn, NR_FILE_DIRTY, 1);
  mm.modPage(pfn, w.nrDirtied, 1);
  mm.modZone(pfn, NR_ZONE_WRITE_PENDING, 1);
  wb.reclaimable++;
  wb.dirtied++;
  const t = w.k.current;
  if (t !== null) {
    w.throttleOf(t).nrDirtied++;
    w.st.bdpRatelimits[w.k.currentCpu]++;
  }
  if (w.trace.dirtyFolio.on) w.trace.dirtyFolio.emit(wb.dev.bdi.name, wi.inode.ino, index);
  if ((wi.state & I_DIRTY_PAGES) === 0 || w.trace.markInodeDirty.on) markInodeDirty(w, wi, I_DIRTY_PAGES);
  return true;
}

/** A dirty page is dirty no more: it is going to be written, or it goes. */
function clean(w: Writeback, m: AddressSpace, wi: WbInode, index: number, pfn: number): void {
  const { mm } = w.k;
  mm.frames.flags[pfn] &= ~PG_DIRTY;
  m.clearTag(index, TAG_DIRTY);
  mm.modPage(pfn, NR_FILE_DIRTY, -1);
  mm.modZone(pfn, NR_ZONE_WRITE_PENDING, -1);
  wi.wb.reclaimable--;
}

function writeProtect(m: MmSystem, _mm: Mm, _v: Vma, _addr: number, slot: number): boolean {
  m.pt.fl[slot] &= ~(PTE_WRITE | PTE_DIRTY);
  return true;
}

/** The page goes to the device: clean, write-protected in every mapping. folio_clear_dirty_for_io(). */
export function clearDirtyForIo(w: Writeback, m: AddressSpace, wi: WbInode, index: number, pfn: number): void {
  clean(w, m, wi, index, pfn);
  m.clearTag(index, TAG_TOWRITE);
  if (w.k.mm.frames.mapcount[pfn] > 0) rmapWalk(w.k.mm, pfn, writeProtect);
}

/** It is under writeback. folio_start_writeback(). */
export function startWriteback(w: Writeback, m: AddressSpace, wi: WbInode, index: number, pfn: number): void {
  const { mm } = w.k;
  mm.frames.flags[pfn] |= PG_WRITEBACK;
  m.setTag(index, TAG_WRITEBACK);
  mm.modPage(pfn, NR_WRITEBACK, 1);
  mm.modZone(pfn, NR_ZONE_WRITE_PENDING, 1);
  wi.wb.writeback++;
  if (m.nrWriteback === 1) firstUnderWriteback(w, wi);
}

/** The inode has pages under writeback. sb_mark_inode_writeback(). */
export function firstUnderWriteback(w: Writeback, wi: WbInode): void {
  wi.wb.writebackInodes++;
  if (w.trace.sbMark.on) w.trace.sbMark.emit(...devText(wi));
}

/** It has none any more. sb_clear_inode_writeback(). */
export function lastUnderWriteback(w: Writeback, wi: WbInode): void {
  const { wb } = wi;
  if (w.trace.sbClear.on) w.trace.sbClear.emit(...devText(wi));
  if (--wb.writebackInodes > 0 || wb.bwArmed) return;
  wb.bwArmed = true;
  w.k.workqueue.queueDelayed(wb.queue, w.bandwidthWork, wb, bandwidthInterval(w.k.time.hz));
}

/** It has been written, or has left the cache while it was. folio_end_writeback(). */
export function endWriteback(w: Writeback, m: AddressSpace, wi: WbInode, bio: Bio, index: number, pfn: number): void {
  const { mm } = w.k;
  mm.frames.flags[pfn] &= ~(PG_WRITEBACK | PG_STABLE);
  const { wb } = wi;
  mm.modPage(pfn, w.nrWritten, 1);
  wb.written++;
  if (bio.journal) return;
  m.clearTag(index, TAG_WRITEBACK);
  mm.modPage(pfn, NR_WRITEBACK, -1);
  mm.modZone(pfn, NR_ZONE_WRITE_PENDING, -1);
  wb.writeback--;
  if (m.nrWriteback === 0) lastUnderWriteback(w, wi);
}

/** A page leaves the cache, dirty or not. */
export function invalidate(w: Writeback, m: AddressSpace, index: number, pfn: number): void {
  const wi = w.of(m.host as Inode);
  if (wi === null) return;
  const fl = w.k.mm.frames.flags[pfn];
  if ((fl & PG_DIRTY) !== 0) clean(w, m, wi, index, pfn);
  if ((fl & (PG_WRITEBACK | PG_STABLE)) === 0) return;
  for (const bio of wi.bios) {
    if (index < bio.first || index >= bio.first + bio.n || bio.gone?.has(index) === true) continue;
    // the device reads on: what it reads is what the page has now
    w.block.touch(bio, index - bio.first, m.data(index));
    endWriteback(w, m, wi, bio, index, pfn);
    bio.gone ??= new Set();
    bio.gone.add(index);
  }
}

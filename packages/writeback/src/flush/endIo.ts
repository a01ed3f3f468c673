/** What happens when a request has been carried out: pages end their writeback, the file's map learns of new blocks, errors are noted. */
import { type AddressSpace, ENOSPC, type Inode } from "@kernelkit/core";
import { endRun } from "../cache/pageRuns.js";
import { endWriteback } from "../cache/pages.js";
import { fpropMaxFrac } from "../control/fprop.js";
import type { Bio, IoEnd } from "../device/bio.js";
import { errseqSet } from "../errseq.js";
import { BLOCK_UNWRITTEN, BLOCK_WRITTEN } from "../fs/blockMap.js";
import type { DiskFs } from "../fs/diskFs.js";
import { journalConverted, journalGrown } from "../fs/journal.js";
import { sameExtent, sameState, setRun } from "../fs/mapRun.js";
import type { WbInode } from "../fs/wbInode.js";
import { diskFs, type Writeback } from "../system.js";
import { age, domainOf } from "../throttle/domains.js";
import { laptopIoCompletion } from "./laptop.js";

/** A bio is done. */
export function endBio(w: Writeback, bio: Bio): void {
  const e = bio.ioEnd;
  if (--e.left > 0) return;
  for (const b of e.bios) finish(w, e, b);
  if (w.st.knobs.laptopMode !== 0) laptopIoCompletion(w, bio.dev);
  if (bio.dev.wait.active) w.k.sched.wakeUp(bio.dev.wait);
}

function finish(w: Writeback, e: IoEnd, bio: Bio): void {
  const { wi } = bio;
  if (wi === null) return;
  const m = wi.inode.mapping as AddressSpace;
  const fs = diskFs(wi.inode.sb) as DiskFs;
  const pages = endPages(w, m, wi, bio);
  if (e.error === 0) {
    if (e.convert) convert(w, fs, wi, bio);
    journalGrown(w, wi, (bio.first + bio.n) * 4096);
  }
  if (fs.compress) undecodable(fs, bio);
  wi.bios.splice(wi.bios.indexOf(bio), 1);
  fs.inFlight.delete(bio);
  if (e.error !== 0) setError(w, wi.inode, e.error);
  const { wb } = wi;
  const frac = fpropMaxFrac(bio.dev.bdi.maxRatio);
  age(w, w.st.domain);
  wb.completions.add(w.st.domain.completions, pages, frac);
  if (w.st.domain.periodTicks < 0) w.st.domain.periodTicks = w.k.time.ticks;
  if (wb.css === null) return;
  const d = domainOf(w, wb.css);
  age(w, d);
  wb.memcgCompletions.add(d.completions, pages, frac);
  if (d.periodTicks < 0) d.periodTicks = w.k.time.ticks;
}

/** Its pages are under writeback no more: how many had not ended before. */
function endPages(w: Writeback, m: AddressSpace, wi: WbInode, bio: Bio): number {
  if (bio.gone === null && !bio.journal && w.k.hooks.pageState.on === null) {
    endRun(w, m, wi, bio);
    return bio.n;
  }
  let pages = 0;
  for (let i = bio.first; i < bio.first + bio.n; i++) {
    if (bio.gone?.has(i) === true) continue;
    pages++;
    endWriteback(w, m, wi, bio, i, m.lookup(i));
  }
  return pages;
}

/** New blocks hold valid data now: the next commit says so. */
function convert(w: Writeback, fs: DiskFs, wi: WbInode, bio: Bio): void {
  const { map } = wi;
  for (let i = bio.first, end = bio.first + bio.n; i < end; ) {
    let n = sameState(map, i, end - i);
    if (map.state(i) === BLOCK_UNWRITTEN) {
      n = sameExtent(map, i, n);
      if (map.block(i) === bio.block + i - bio.first) setRun(map, i, n, BLOCK_WRITTEN);
    }
    i += n;
  }
  journalConverted(w, fs, wi, bio.first, bio.n, bio.block);
}

/** The lengths that were computed at submission no longer fit pages that changed. */
function undecodable(fs: DiskFs, bio: Bio): void {
  for (const t of bio.transfers)
    for (let j = 0; j < t.n; j++) {
      if (t.changed?.has(j) === true) {
        fs.undecodable.add(t.block + j);
        t.dev.undecodable++;
      } else fs.undecodable.delete(t.block + j);
    }
}

/** Note a failed write for the file and its file system: ENOSPC stays what it is, all else is EIO. mapping_set_error(). */
export function setError(w: Writeback, inode: Inode, errno: number): void {
  const m = inode.mapping as AddressSpace;
  const enospc = errno === ENOSPC;
  m.wbErr = errseqSet(m.wbErr, enospc ? -ENOSPC : -5);
  m.flags |= enospc ? 2 : 1;
  inode.sb.wbErr = errseqSet(inode.sb.wbErr, enospc ? -ENOSPC : -5);
  if (w.trace.setWbErr.on)
    w.trace.setWbErr.emit(
      `${Math.floor(inode.sb.dev / 256)}:${inode.sb.dev % 256}`,
      `0x${inode.ino.toString(16)}`,
      `0x${m.wbErr.toString(16)}`,
    );
}

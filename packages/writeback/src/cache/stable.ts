/**
 * Stable pages: who waits before it changes a page that is being written. A page that changes on its way gives a wrong checksum, an
 * extent that cannot be decoded, halves of a mirror that differ; waiting costs the writer seconds on a slow disk.
 */
import {
  type AddressSpace,
  type Ctx,
  type Inode,
  PG_STABLE,
  PG_WRITEBACK,
  type SuperBlock,
  TASK_UNINTERRUPTIBLE,
  type Wait,
} from "@kernelkit/core";
import type { Wb } from "../flush/wb.js";
import type { WbInode } from "../fs/wbInode.js";
import { diskFs, type Writeback } from "../system.js";

/** Does this device or file system need pages that do not change while they are written (and may rely on that)? */
export function stableFor(w: Writeback, sb: SuperBlock, wb: Wb): boolean {
  const fs = diskFs(sb);
  switch (w.o.stablePages) {
    case "always":
      return true;
    case "none":
      return false;
    case "modern":
      return fs?.stable === true;
    default:
      // ext3's journal changes pages whatever the flag says: an array that can do without has to copy
      if (fs?.ordered === true && wb.dev.optional) return false;
      return wb.dev.bdi.stableRequired;
  }
}

/** Before a page is changed: WAIT while it must stay as it is; else the device is told if it is being written. folio_wait_stable(). */
export function waitStable(w: Writeback, c: Ctx, m: AddressSpace, index: number, pfn: number): 0 | Wait {
  const wi = w.of(m.host as Inode) as WbInode;
  if (wi.bios.length === 0) return 0;
  const fl = w.k.mm.frames.flags[pfn];
  const design = w.o.stablePages;
  if (
    (fl & PG_STABLE) !== 0 ||
    ((fl & PG_WRITEBACK) !== 0 && design !== "pg-stable" && stableFor(w, wi.inode.sb, wi.wb))
  ) {
    if (w.trace.folioWait.on) w.trace.folioWait.emit(wi.wb.dev.bdi.name, wi.inode.ino, index);
    return c.sleep(wi.wb.dev.wait, undefined, TASK_UNINTERRUPTIBLE);
  }
  const d = m.data(index);
  for (const bio of wi.bios)
    if (index >= bio.first && index < bio.first + bio.n && bio.gone?.has(index) !== true)
      w.block.touch(bio, index - bio.first, d);
  return 0;
}

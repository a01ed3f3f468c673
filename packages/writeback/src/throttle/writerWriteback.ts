/**
 * How writers were slowed down before 3.1: over the limit a writer wrote pages itself - one and a half times what it may dirty between
 * two looks - and then slept, up to a tenth of a second at a time, until enough was clean. Many writers meant many streams to the disk.
 */
import {
  type AddressSpace,
  type Ctx,
  NR_FILE_DIRTY,
  NR_WRITEBACK,
  TAG_DIRTY,
  TASK_UNINTERRUPTIBLE,
  type Wait,
} from "@kernelkit/core";
import { settle, startBackground } from "../flush/inodeState.js";
import { unlist } from "../flush/ioList.js";
import type { TaskThrottle, Wb } from "../flush/wb.js";
import { writePages } from "../flush/writePages.js";
import { I_SYNC_QUEUED } from "../fs/wbInode.js";
import type { Writeback } from "../system.js";
import { globalDirtyLimits } from "./domains.js";

interface WriterFrame {
  written: number;
  /** Ticks of the next sleep, doubled each time up to a tenth of a second. */
  pause: number;
}

export function writerWriteback(w: Writeback, c: Ctx, wb: Wb, t: TaskThrottle): 0 | Wait {
  const { mm, time } = w.k;
  const chunk = Math.floor((Math.max(t.nrDirtied, w.st.ratelimitPages) * 3) / 2);
  const f = c.part<WriterFrame>("balanceDirty", () => ({ written: 0, pause: 1 }));
  const { thresh, bgThresh } = globalDirtyLimits(w, c.task);
  const dirty = (): number => mm.read(NR_FILE_DIRTY) + mm.read(NR_WRITEBACK);
  if (dirty() > thresh) {
    wb.dirtyExceeded = true;
    f.written += writeSome(w, wb, chunk - f.written);
    if (f.written < chunk || dirty() > thresh) {
      const pause = f.pause;
      f.pause = Math.min(2 * pause, Math.max(1, Math.floor(time.hz / 10)));
      return c.sleep(null, time.tickTime(time.ticks + pause), TASK_UNINTERRUPTIBLE);
    }
  } else wb.dirtyExceeded = false;
  c.endPart("balanceDirty");
  t.nrDirtied = 0;
  t.nrDirtiedPause = w.st.ratelimitPages;
  if (!wb.running && mm.read(NR_FILE_DIRTY) > bgThresh) startBackground(w, wb);
  return 0;
}

/** Up to n pages of the device's dirty files, the oldest first. */
function writeSome(w: Writeback, wb: Wb, n: number): number {
  let written = 0;
  for (let left = wb.dirty.count; left > 0 && written < n && !wb.dev.congested; left--) {
    const wi = wb.dirty.tail;
    if (wi === null) break;
    const m = wi.inode.mapping as AddressSpace;
    const r = {
      tag: TAG_DIRTY,
      from: m.writebackIndex,
      to: Number.POSITIVE_INFINITY,
      max: n - written,
      journal: false,
    };
    written += writePages(w, wi, r);
    m.writebackIndex = r.from === Number.POSITIVE_INFINITY ? 0 : r.from;
    if (m.nrDirty === 0) settle(w, wi);
    else if ((wi.state & I_SYNC_QUEUED) === 0) {
      unlist(wi);
      wb.dirty.moveHead(wi);
    }
  }
  return written;
}

/**
 * Cgroup writeback: each memory group that dirties pages of a device has its own bdi_writeback there. An inode belongs to one of them:
 * to the group whose page was dirtied first, until another has the majority (foreign.ts). Kernel document admin-guide/cgroup-v2, "Writeback".
 */
import type { AddressSpace, Cgroup, Css } from "@kernelkit/core";
import { moveTo } from "../flush/inodeState.js";
import { unlist } from "../flush/ioList.js";
import { Wb } from "../flush/wb.js";
import { ForeignHistory, I_DIRTY, I_SYNC_QUEUED, type WbInode } from "../fs/wbInode.js";
import { diskFs, type Writeback } from "../system.js";

/** The writeback of a group on a device, made when it is first needed. wb_get_create(). */
export function wbOf(w: Writeback, root: Wb, css: Css): Wb {
  if (css.parent === null || !css.online || !css.cgroup.root.v2) return root;
  const there = w.st.wbs.find((wb) => wb.dev === root.dev && wb.css === css);
  if (there !== undefined) return there;
  const wb = new Wb(root.dev, css, `flush-${root.dev.bdi.name}-${css.id}`);
  wb.bwTimeStamp = w.k.time.ticks;
  w.st.wbs.push(wb);
  return wb;
}

/** A clean inode that nobody has yet belongs to the group that pays for the page. inode_attach_wb(). */
export function attachPage(w: Writeback, wi: WbInode, pfn: number): void {
  if (wi.frn !== null) return;
  const fs = diskFs(wi.inode.sb);
  if (fs === null || !fs.cgroupWb) return;
  wi.frn = new ForeignHistory();
  const { memcg } = w.k.contracts;
  if (memcg !== undefined && wi.inode.mapping?.nrWriteback === 0) wi.wb = wbOf(w, wi.wb, memcg.cssOfPage(pfn));
}

/** An inode goes to another group's writeback, with all it has dirty and under way. inode_do_switch_wbs(). */
export function switchWb(w: Writeback, wi: WbInode, to: Wb): void {
  const from = wi.wb;
  if (from === to) return;
  const m = wi.inode.mapping as AddressSpace;
  if (w.trace.switchWbs.on) w.trace.switchWbs.emit(from.dev.bdi.name, wi.inode.ino, from.cgroupIno, to.cgroupIno);
  from.reclaimable -= m.nrDirty;
  to.reclaimable += m.nrDirty;
  from.writeback -= m.nrWriteback;
  to.writeback += m.nrWriteback;
  if (m.nrWriteback > 0) {
    from.writebackInodes--;
    to.writebackInodes++;
  }
  const listed = wi.list;
  unlist(wi);
  wi.wb = to;
  wi.frn = new ForeignHistory();
  if (listed === null) return;
  wi.state &= ~I_SYNC_QUEUED;
  if ((wi.state & I_DIRTY) === 0) {
    moveTo(w, wi, to.dirtyTime);
    return;
  }
  // the list stays sorted by time
  const head = to.dirty.head;
  if (head !== null && wi.dirtiedWhen < head.dirtiedWhen) wi.dirtiedWhen = head.dirtiedWhen;
  moveTo(w, wi, to.dirty);
}

/** A group goes: its inodes belong to the nearest group above from now on. */
export function groupRemoved(w: Writeback, cgroup: Cgroup): void {
  for (const wb of w.st.wbs.filter((x) => x.css !== null && x.css.cgroup === cgroup)) {
    const root = w.st.wbs.find((x) => x.dev === wb.dev && x.css === null) as Wb;
    const parent = (wb.css as Css).parent;
    const to = parent === null ? root : wbOf(w, root, parent);
    for (const list of [wb.dirty, wb.io, wb.moreIo, wb.dirtyTime])
      while (list.head !== null) switchWb(w, list.head, to);
  }
}

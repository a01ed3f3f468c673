/** Adding and removing swap areas. swapon(2), mkswap(8). */
import {
  AT_FDCWD,
  CAP_SYS_ADMIN,
  type Core,
  type Ctx,
  capable,
  EBUSY,
  EINVAL,
  ENOMEM,
  EPERM,
  FAULT_OK,
  fail,
  forEachPte,
  handleFault,
  type Impl,
  type Inode,
  type Mm,
  type Ret,
  S_IFBLK,
  S_IFMT,
  S_IFREG,
  S_SWAPFILE,
  type SysBase,
  TASK_SIZE,
  userPath,
  type Wait,
} from "@kernelkit/core";
import { reclaimSubtree } from "../reclaim.js";
import { MAX_SWAPFILES, type Swap } from "./swap.js";
import { SwapArea } from "./swapArea.js";

const PAGE = 4096;
const SIGNATURE = "SWAPSPACE2";
const HEADER_INFO = 1024;
const LOOKUP_FOLLOW = 1;
export const SWAP_FLAG_PREFER = 0x8000;
const SWAP_FLAG_PRIO_MASK = 0x7fff;
const SWAP_FLAGS_VALID = 0x7ffff;
/** Areas without a wish get -2, -3 ... */
const FIRST_PRIO = -2;

export interface MemcgSys extends SysBase {
  /**
   * swapon(2): the file (with the header that mkswap(8) writes) or a disk of type "swap" becomes an area. EPERM, EINVAL flags,
   * header or kind of file, ENOENT and the like, EBUSY it is one already.
   */
  swapon(path: string, flags?: number): Ret<this["mode"], number>;
  /** swapoff(2): its pages come back to memory. EPERM, EINVAL it is no area, ENOMEM. */
  swapoff(path: string): Ret<this["mode"], number>;
}

/** The first page of an area of so many pages, as mkswap(8) writes it. */
export function swapHeader(pages: number, label = ""): Uint8Array {
  if (!Number.isInteger(pages) || pages < 10)
    throw new RangeError(`swapHeader: pages must be at least 10, not ${pages}`);
  const out = new Uint8Array(PAGE);
  const view = new DataView(out.buffer);
  view.setUint32(HEADER_INFO, 1, true);
  view.setUint32(HEADER_INFO + 4, pages - 1, true);
  out.set(new TextEncoder().encode(label).subarray(0, 15), HEADER_INFO + 28);
  out.set(new TextEncoder().encode(SIGNATURE), PAGE - SIGNATURE.length);
  return out;
}

/** Pages that the header on a file's first page tells of. EINVAL: there is none. */
function headerPages(inode: Inode): number {
  const data = inode.mapping?.data(0);
  if (!(data instanceof Uint8Array) || data.length < PAGE) return fail(EINVAL);
  const text = new TextDecoder().decode(data.subarray(PAGE - SIGNATURE.length));
  const view = new DataView(data.buffer, data.byteOffset);
  if (text !== SIGNATURE || view.getUint32(HEADER_INFO, true) !== 1) return fail(EINVAL);
  const last = view.getUint32(HEADER_INFO + 4, true);
  return last === 0 || (last + 1) * PAGE > inode.size ? fail(EINVAL) : last + 1;
}

/** The area in that file; null: it is none. */
function areaOf(swap: Swap, inode: Inode): number {
  return swap.areas.findIndex((a) => a !== null && a.inode === inode);
}

function open(c: Ctx, path: string): { inode: Inode; pages: number; kind: "file" | "partition" } {
  const inode = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW).dentry.inode as Inode;
  const type = inode.mode & S_IFMT;
  if (type === S_IFREG) return { inode, pages: headerPages(inode), kind: "file" };
  if (type !== S_IFBLK) return fail(EINVAL);
  for (const d of c.k.vfs.disks.values())
    if (d.dev === inode.rdev) {
      if (d.type !== "swap") return fail(EINVAL);
      return { inode, pages: Math.floor(d.size / PAGE), kind: "partition" };
    }
  return fail(EINVAL);
}

function swapon(swap: Swap, c: Ctx, path: string, flags: number): number {
  if (!capable(c.k, c.task, CAP_SYS_ADMIN)) return fail(EPERM);
  if ((flags & ~SWAP_FLAGS_VALID) !== 0) return fail(EINVAL);
  if (swap.areas.filter((a) => a !== null).length >= MAX_SWAPFILES) return fail(EPERM);
  const inode = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW).dentry.inode as Inode;
  if (areaOf(swap, inode) >= 0) return fail(EBUSY);
  const { pages, kind } = open(c, path);
  const prio = (flags & SWAP_FLAG_PREFER) !== 0 ? flags & SWAP_FLAG_PRIO_MASK : leastPrio(swap);
  swap.add(new SwapArea(path, kind, pages, prio, inode));
  inode.flags |= S_SWAPFILE;
  const kb = (pages - 1) * 4;
  c.k.log(6, `Adding ${kb}k swap on ${path}.  Priority:${prio} extents:1 across:${kb}k `);
  return 0;
}

function leastPrio(swap: Swap): number {
  return swap.areas.reduce((p, a) => (a === null ? p : Math.min(p, a.prio)), FIRST_PRIO + 1) - 1;
}

/** Everything of an area comes back: true, or false where there is no memory. */
function unuse(k: Core, index: number): boolean {
  const { mm } = k;
  const seen = new Set<Mm>();
  for (const t of k.tasks.all()) {
    const space = t.mm as Mm | null;
    if (space === null || seen.has(space)) continue;
    seen.add(space);
    const addrs: number[] = [];
    forEachPte(mm, space, 0, TASK_SIZE, (addr, slot, huge) => {
      const e = huge ? 0 : -mm.pt.val[slot];
      if (e > 0 && e >>> 24 === index) addrs.push(addr);
    });
    for (const addr of addrs) if (handleFault(mm, null, t, space, addr, false) !== FAULT_OK) return false;
  }
  return true;
}

function swapoff(swap: Swap, c: Ctx, path: string): number | Wait {
  if (!capable(c.k, c.task, CAP_SYS_ADMIN)) return fail(EPERM);
  const inode = userPath(c, AT_FDCWD, path, LOOKUP_FOLLOW).dentry.inode as Inode;
  const i = areaOf(swap, inode);
  if (i < 0) return fail(EINVAL);
  const area = swap.areas[i] as SwapArea;
  area.closing = true;
  for (let tries = 0; area.used > 0; tries++) {
    if (unuse(c.k, i) && area.used === 0) break;
    if (tries < 8 && reclaimSubtree(swap.s, swap.s.root, { want: 256, c, maySwap: true }) > 0) continue;
    area.closing = false;
    return fail(ENOMEM);
  }
  swap.areas[i] = null;
  inode.flags &= ~S_SWAPFILE;
  return 0;
}

export function swapCalls(swap: Swap): Impl<MemcgSys> {
  return {
    swapon: (c, path, flags = 0) => swapon(swap, c, path, flags),
    swapoff: (c, path) => swapoff(swap, c, path),
  };
}

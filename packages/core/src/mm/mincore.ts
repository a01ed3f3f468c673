/** Which pages are in memory. mincore(2). */
import { EFAULT, EINVAL, ENOMEM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import { FMODE_WRITE } from "../vfs/file.js";
import { PG_UPTODATE } from "./frames.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { forEachPte } from "./pageMap.js";
import { type Vma, vmaPosition } from "./vma.js";

/** Is the caller to be told about this area? Others' files count as resident throughout. */
function mayKnow(c: Ctx, v: Vma): boolean {
  if (v.file === null) return true;
  const { cred } = c.task;
  return (v.file.mode & FMODE_WRITE) !== 0 || cred.fsuid === v.file.inode.uid || cred.fsuid === 0;
}

/** mincore(2): a byte per page. */
export function doMincore(m: MmSystem, c: Ctx, addr: number, length: number, bad: boolean): Uint8Array {
  const mm = c.task.mm as Mm;
  if (addr % 4096 !== 0) return fail(EINVAL);
  if (addr > TASK_SIZE || length > TASK_SIZE - addr) return fail(ENOMEM);
  if (bad) return fail(EFAULT);
  const end = addr + Math.ceil(length / 4096) * 4096;
  const out = new Uint8Array((end - addr) / 4096);
  for (let at = addr; at < end; ) {
    const v = mm.vmas[vmaPosition(mm.vmas, at)];
    if (v === undefined || v.start > at) return fail(ENOMEM);
    const stop = Math.min(v.end, end);
    if (mayKnow(c, v)) look(m, mm, v, at, stop, addr, out);
    else out.fill(1, (at - addr) / 4096, (stop - addr) / 4096);
    at = stop;
  }
  return out;
}

function look(m: MmSystem, mm: Mm, v: Vma, from: number, to: number, base: number, out: Uint8Array): void {
  const { mapping } = v;
  if (mapping !== null) {
    const last = v.pgoffOf(to) - 1;
    for (let i = mapping.nextPage(v.pgoffOf(from)); i >= 0 && i <= last; i = mapping.nextPage(i + 1)) {
      if ((m.frames.flags[mapping.lookup(i)] & PG_UPTODATE) === 0) continue;
      out[(v.start + (i - v.pgoff) * 4096 - base) / 4096] = 1;
    }
  }
  forEachPte(m, mm, from, to, (a, slot, huge) => {
    const at = (a - base) / 4096;
    if (huge) out.fill(1, at, Math.min(at + 512 - ((a % 2097152) >> 12), (to - base) / 4096));
    else if (m.pt.val[slot] > 0) out[at] = 1;
  });
}

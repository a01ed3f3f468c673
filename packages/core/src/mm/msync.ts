/** Writing mapped files back. msync(2). */
import { EBUSY, EINVAL, ENOMEM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MS_ASYNC, MS_INVALIDATE, MS_SYNC } from "../abi/mman.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import type { Mm } from "./mm.js";
import { rangeEnd } from "./ulong.js";
import { VM_LOCKED, VM_SHARED, vmaPosition } from "./vma.js";

interface MsyncFrame {
  at: number;
  hole: boolean;
}

/** msync(2): 0 or WAIT. Errors of the files' fsync come through. */
export function doMsync(c: Ctx, addr: number, length: number, flags: number): number | Wait {
  const mm = c.task.mm as Mm;
  if ((flags & ~(MS_ASYNC | MS_INVALIDATE | MS_SYNC)) !== 0) return fail(EINVAL);
  if (addr % 4096 !== 0) return fail(EINVAL);
  if ((flags & MS_ASYNC) !== 0 && (flags & MS_SYNC) !== 0) return fail(EINVAL);
  const len = (Math.ceil(length / 4096) * 4096) % 2 ** 64;
  const end = rangeEnd(addr, len);
  if (end < addr || end === Number.POSITIVE_INFINITY) return fail(ENOMEM);
  if (end === addr) return 0;
  const f = c.frame<MsyncFrame>(() => ({ at: addr, hole: false }));
  while (f.at < end) {
    const v = mm.vmas[vmaPosition(mm.vmas, f.at)];
    if (v === undefined) return fail(ENOMEM);
    if (v.start > f.at) {
      if (flags === MS_ASYNC) return fail(ENOMEM);
      f.at = v.start;
      f.hole = true;
      if (f.at >= end) break;
    }
    if ((flags & MS_INVALIDATE) !== 0 && (v.flags & VM_LOCKED) !== 0) return fail(EBUSY);
    const stop = Math.min(v.end, end);
    if ((flags & MS_SYNC) !== 0 && v.file !== null && (v.flags & VM_SHARED) !== 0 && v.file.ops.fsync !== null) {
      const from = v.pgoffOf(f.at) * 4096;
      const r = v.file.ops.fsync(c, v.file, from, from + stop - f.at - 1, true);
      if (r === WAIT) return WAIT;
    }
    f.at = stop;
  }
  return f.hole ? fail(ENOMEM) : 0;
}

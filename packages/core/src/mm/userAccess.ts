/**
 * Loads and stores of user code: what `touch`, `store` and `load` do, and reading or writing another process's memory. An access goes
 * through the page tables; what they do not allow is a fault, which may sleep - the access then goes on where it was.
 */
import { EFAULT } from "../abi/errno.js";
import { ERESTARTNOINTR, fail } from "../abi/errors.js";
import { SIGBUS, SIGSEGV } from "../abi/signal.js";
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import { signalPending } from "../task/signalPending.js";
import { type AddressSpace, CONTENTS_FULL } from "./addressSpace.js";
import { copyIn, copyOut } from "./copyPage.js";
import {
  FAULT_ACCERR,
  FAULT_DIRTIED,
  FAULT_MAPERR,
  FAULT_OK,
  FAULT_OOM,
  FAULT_SIGBUS,
  FAULT_WAIT,
  handleFault,
  resolveFault,
} from "./fault.js";
import { faultRun } from "./faultRun.js";
import { PG_ANON } from "./frames.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { anonBytes, dataOf } from "./pageData.js";
import {
  PMD_BYTES,
  PTE_ACCESSED,
  PTE_DIRTY,
  PTE_HUGE,
  PTE_PROTNONE,
  PTE_SPECIAL,
  PTE_WRITE,
  PTRS,
  pmdSlot,
  pteBase,
} from "./pageTable.js";

/** Progress of an access that slept. */
export interface AccessFrame {
  /** Pages (touch) or bytes (store, load) that are done. */
  done: number;
  /** A mapping whose writer has yet to be throttled. */
  throttle: AddressSpace | null;
  out: Uint8Array | null;
}

export function accessFrame(): AccessFrame {
  return { done: 0, throttle: null, out: null };
}

/** Retry time of a fault that found no memory, ns. */
const OOM_RETRY_NS = 1000;

/**
 * Arena slot of the entry through which `addr` can be read or (`write`) written now, its marks set; -1: a fault is needed. For a huge
 * page it is the PMD entry.
 */
function usable(m: MmSystem, mm: Mm, addr: number, write: boolean): number {
  const { pt } = m;
  const region = (addr / PMD_BYTES) | 0;
  const base = pteBase(m, mm, region);
  let slot: number;
  if (base >= 0) slot = base + ((addr - region * PMD_BYTES) >> 12);
  else {
    slot = pmdSlot(mm, region);
    if (slot < 0 || (pt.fl[slot] & PTE_HUGE) === 0) return -1;
  }
  if (pt.val[slot] <= 0) return -1;
  const fl = pt.fl[slot];
  if ((fl & PTE_PROTNONE) !== 0 || (write && (fl & PTE_WRITE) === 0)) return -1;
  pt.fl[slot] = fl | (write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED);
  return slot;
}

/** Bring in the page of `addr`: 0, or WAIT. Raises the signal (and fails EFAULT) for what cannot be. */
export function userFault(m: MmSystem, c: Ctx, f: AccessFrame | null, mm: Mm, addr: number, write: boolean): 0 | Wait {
  const page = Math.floor(addr / 4096) * 4096;
  const r = addr >= TASK_SIZE || addr < 0 ? FAULT_MAPERR : handleFault(m, c, c.task, mm, page, write);
  return r === FAULT_OK ? 0 : afterFault(m, c, f, addr, r);
}

/** What a fault that was not plainly resolved means for the access. */
function afterFault(m: MmSystem, c: Ctx, f: AccessFrame | null, addr: number, r: number): 0 | Wait {
  if (r === FAULT_WAIT) return WAIT;
  if (r === FAULT_DIRTIED) {
    if (f !== null) {
      f.throttle = m.fault.dirtied;
      m.fault.dirtied = null;
    }
    return 0;
  }
  if (r === FAULT_OOM) return signalPending(c.task) ? fail(ERESTARTNOINTR) : c.busy(OOM_RETRY_NS, false);
  if (r === FAULT_SIGBUS) m.k.signals.force(c.task, SIGBUS, 2, addr);
  else m.k.signals.force(c.task, SIGSEGV, r === FAULT_ACCERR ? 2 : 1, addr);
  return fail(EFAULT);
}

/** Throttle the writer of a file page that a fault made dirty. */
function throttled(c: Ctx, f: AccessFrame): boolean {
  const mapping = f.throttle as AddressSpace;
  if (mapping.aOps.balanceDirty?.(c, mapping) === WAIT) return true;
  f.throttle = null;
  return false;
}

/** Mark entries slot..slot+n-1 as used as far as the access is allowed; how many were. */
function markRun(val: Int32Array, fl: Uint8Array, slot: number, n: number, write: boolean): number {
  const need = write ? PTE_PROTNONE | PTE_WRITE : PTE_PROTNONE;
  const have = write ? PTE_WRITE : 0;
  const mark = write ? PTE_ACCESSED | PTE_DIRTY : PTE_ACCESSED;
  for (let i = 0; i < n; i++) {
    const f = fl[slot + i];
    if (val[slot + i] <= 0 || (f & need) !== have) return i;
    fl[slot + i] = f | mark;
  }
  return n;
}

/** The first byte of each of `pages` pages is read or written. 0, or WAIT. */
export function touchPages(m: MmSystem, c: Ctx, mm: Mm, addr: number, pages: number, write: boolean): 0 | Wait {
  const frame = c.task.frame as AccessFrame | null;
  if (frame !== null && frame.throttle !== null && throttled(c, frame)) return WAIT;
  const { userAccess } = m.k.hooks;
  const { pt, fault } = m;
  const { on } = userAccess;
  for (let i = frame === null ? 0 : frame.done; i < pages; i++) {
    let a = addr + i * 4096;
    if (on === null) {
      const region = (a / PMD_BYTES) | 0;
      const base = pteBase(m, mm, region);
      if (base >= 0) {
        const first = (a - region * PMD_BYTES) >> 12;
        const n = Math.min(PTRS - first, pages - i);
        const run = markRun(pt.val, pt.fl, base + first, n, write);
        if (run === n) {
          i += n - 1;
          continue;
        }
        i += run;
        a = addr + i * 4096;
        fault.mm = mm;
        fault.addr = a - (a % 4096);
        fault.write = write;
        const faults = n - run < 2 ? 0 : faultRun(m, c, base + first + run, n - run);
        if (faults > 0) {
          i += faults - 1;
          continue;
        }
      }
    }
    let slot = on === null && mm.cacheRegion === ((a / PMD_BYTES) | 0) ? -1 : usable(m, mm, a, write);
    if (slot < 0) {
      fault.mm = mm;
      fault.addr = Math.floor(a / 4096) * 4096;
      fault.write = write;
      const r = a >= TASK_SIZE || a < 0 ? FAULT_MAPERR : resolveFault(m, c, c.task);
      if (r !== FAULT_OK) {
        if (afterFault(m, c, null, a, r) === WAIT) {
          c.frame(accessFrame).done = i;
          return WAIT;
        }
        const f = c.frame(accessFrame);
        f.throttle = fault.dirtied;
        fault.dirtied = null;
        f.done = i + 1;
        if (f.throttle !== null && throttled(c, f)) return WAIT;
      }
      if (on !== null) slot = usable(m, mm, a, write);
    }
    if (on !== null && slot >= 0) on(frameOf(m, slot, a), write);
  }
  return 0;
}

/** The frame behind `addr`, whose entry is at `slot`. */
function frameOf(m: MmSystem, slot: number, addr: number): number {
  const pfn = m.pt.val[slot];
  return (m.pt.fl[slot] & PTE_HUGE) !== 0 ? pfn + ((addr % PMD_BYTES) >> 12) : pfn;
}

/** Bytes data[from..from+n) go into the page of `addr` (it is writable), not beyond its end. */
function pokePage(m: MmSystem, slot: number, addr: number, data: Uint8Array, from: number, n: number): void {
  const pfn = frameOf(m, slot, addr);
  const off = addr % 4096;
  const head = m.frames.head(pfn);
  if ((m.frames.flags[head] & PG_ANON) !== 0) {
    const page = anonBytes(m, pfn);
    for (let i = 0; i < n; i++) page[off + i] = data[from + i];
    return;
  }
  const mapping = m.mappingOf(pfn) as AddressSpace;
  const index = m.indexOf(pfn);
  if (mapping.contents === CONTENTS_FULL) mapping.bytes(index, off + n).set(data.subarray(from, from + n), off);
  else copyIn(mapping, index, off, data, from, n);
}

/** Store bytes at `addr`. 0, or WAIT. */
export function storeBytes(m: MmSystem, c: Ctx, mm: Mm, addr: number, data: Uint8Array): 0 | Wait {
  const f = c.frame(accessFrame);
  for (;;) {
    if (f.throttle !== null && throttled(c, f)) return WAIT;
    if (f.done >= data.length) return 0;
    const a = addr + f.done;
    const n = Math.min(4096 - (a % 4096), data.length - f.done);
    let slot = usable(m, mm, a, true);
    if (slot < 0) {
      if (userFault(m, c, f, mm, a, true) === WAIT) return WAIT;
      slot = usable(m, mm, a, true);
    }
    if (slot < 0) continue;
    pokePage(m, slot, a, data, f.done, n);
    f.done += n;
  }
}

/** Load `count` bytes from `addr`: the bytes, or WAIT. */
export function loadBytes(m: MmSystem, c: Ctx, mm: Mm, addr: number, count: number): Uint8Array | Wait {
  const f = c.frame(accessFrame);
  if (f.out === null) f.out = new Uint8Array(count);
  while (f.done < count) {
    const a = addr + f.done;
    const n = Math.min(4096 - (a % 4096), count - f.done);
    let slot = usable(m, mm, a, false);
    if (slot < 0) {
      if (userFault(m, c, f, mm, a, false) === WAIT) return WAIT;
      slot = usable(m, mm, a, false);
    }
    if (slot < 0) continue;
    if ((m.pt.fl[slot] & PTE_SPECIAL) === 0) copyOut(dataOf(m, frameOf(m, slot, a)), a % 4096, n, f.out, f.done, true);
    f.done += n;
  }
  return f.out;
}

/**
 * Bytes of another process as a debugger reads them (/proc/PID/mem, process_vm_readv): as many as are readable from `addr` on,
 * faulted in on behalf of nobody. Fewer than asked: the next page is not there. Empty: EIO or EFAULT is the caller's to say.
 */
export function accessRemoteVm(m: MmSystem, c: Ctx, mm: Mm, addr: number, count: number): Uint8Array | Wait {
  const out = new Uint8Array(count);
  for (let done = 0; done < count; ) {
    const a = addr + done;
    const n = Math.min(4096 - (a % 4096), count - done);
    let slot = a >= TASK_SIZE ? -1 : usable(m, mm, a, false);
    if (slot < 0) {
      const r = a >= TASK_SIZE ? 1 : handleFault(m, c, null, mm, a - (a % 4096), false);
      if (r === FAULT_WAIT) return WAIT;
      if (r === FAULT_OK) slot = usable(m, mm, a, false);
      if (slot < 0) return out.subarray(0, done);
    }
    if ((m.pt.fl[slot] & PTE_SPECIAL) === 0) copyOut(dataOf(m, frameOf(m, slot, a)), a % 4096, n, out, done, true);
    done += n;
  }
  return out;
}

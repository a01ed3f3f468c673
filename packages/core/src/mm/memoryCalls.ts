/** The system calls of sys/memorySys.ts: arguments checked, then to the file that is named after the call. */
import { EFAULT, EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { MLOCK_ONFAULT } from "../abi/mman.js";
import type { Ctx } from "../kernel/ctx.js";
import { utf8Bytes } from "../lib/text.js";
import { int } from "../sys/args.js";
import type { MemorySys } from "../sys/memorySys.js";
import { type Impl, WAIT, type Wait } from "../sys/types.js";
import { doMadvise } from "./madvise.js";
import { doMincore } from "./mincore.js";
import { doMlock, doMlockall, doMunlock, doMunlockall, populate } from "./mlock.js";
import { type Mm, TASK_SIZE } from "./mm.js";
import { checkMunmap, doBrk, doMmap, doMunmap, type Mapped, pageAlign } from "./mmap.js";
import { doMprotect } from "./mprotect.js";
import { doMremap } from "./mremap.js";
import { doMsync } from "./msync.js";
import { ulong } from "./ulong.js";
import { loadBytes, storeBytes, touchPages } from "./userAccess.js";

/** The address space of the caller; a task without one cannot be here from user mode. */
function mmOf(c: Ctx): Mm {
  return c.task.mm ?? fail(EFAULT);
}

/** An area was made: fault in what is to be (what cannot be had is left out), then give its address. */
function finish(c: Ctx, made: Mapped | null): number | Wait {
  if (made !== null && made.fill === 0) return made.addr;
  const { addr, fillFrom, fill } = c.frame(() => ({ made })).made as Mapped;
  return populate(c.k.mm, c, mmOf(c), fillFrom, fillFrom + fill, "lock") === WAIT ? WAIT : addr;
}

function count(n: unknown, otherwise: number, name: string): number {
  if (n === undefined) return otherwise;
  if (typeof n !== "number" || !Number.isSafeInteger(n) || n < 0)
    throw new TypeError(`${name}: must be a whole number >= 0, not ${String(n)}`);
  return n;
}

/** Bytes that one `store` or `load` moves at most. */
const MOST_AT_ONCE = 2 ** 30;

function atMost(bytes: number): number {
  if (bytes > MOST_AT_ONCE) throw new TypeError(`count: must be at most ${MOST_AT_ONCE} bytes at once, not ${bytes}`);
  return bytes;
}

function bytesOf(data: number | Uint8Array | string, n: number | undefined): Uint8Array {
  const times = count(n, 1, "count");
  if (typeof data === "number") return new Uint8Array(atMost(times)).fill(data);
  const one = typeof data === "string" ? utf8Bytes(data) : data;
  if (!(one instanceof Uint8Array)) throw new TypeError(`data: must be a byte, bytes or text, not ${String(data)}`);
  if (times === 1) return one;
  const all = new Uint8Array(atMost(one.length * times));
  for (let i = 0; i < times; i++) all.set(one, i * one.length);
  return all;
}

export const memoryCalls: Impl<MemorySys> = {
  mmap(c, addr, length, prot, flags, fd = -1, offset = 0) {
    if (c.task.frame !== null) return finish(c, null);
    mmOf(c);
    const at = ulong(addr, "addr");
    const len = ulong(length, "length");
    const off = ulong(offset, "offset");
    return finish(c, doMmap(c.k.mm, c, at, len, int(prot, "prot"), int(flags, "flags"), int(fd, "fd"), off));
  },
  munmap(c, addr, length) {
    const start = ulong(addr, "addr");
    const len = ulong(length, "length");
    if (start % 4096 !== 0 || start > TASK_SIZE || len > TASK_SIZE - start || len === 0) return fail(EINVAL);
    const end = start + pageAlign(len);
    const mm = mmOf(c);
    checkMunmap(c.k.mm, mm, start, end);
    doMunmap(c.k.mm, mm, start, end);
    return 0;
  },
  mprotect(c, addr, length, prot) {
    mmOf(c);
    return doMprotect(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"), int(prot, "prot"));
  },
  madvise(c, addr, length, advice) {
    mmOf(c);
    return doMadvise(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"), int(advice, "advice"));
  },
  mlock(c, addr, length) {
    mmOf(c);
    return doMlock(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"), false);
  },
  mlock2(c, addr, length, flags) {
    const f = int(flags, "flags");
    if ((f & ~MLOCK_ONFAULT) !== 0) return fail(EINVAL);
    mmOf(c);
    return doMlock(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"), f !== 0);
  },
  munlock(c, addr, length) {
    mmOf(c);
    return doMunlock(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"));
  },
  mlockall(c, flags) {
    mmOf(c);
    return doMlockall(c.k.mm, c, int(flags, "flags"));
  },
  munlockall(c) {
    mmOf(c);
    return doMunlockall(c.k.mm, c);
  },
  mincore(c, addr, length, vec) {
    mmOf(c);
    return doMincore(c.k.mm, c, ulong(addr, "addr"), ulong(length, "length"), vec === null);
  },
  mremap(c, old, oldSize, newSize, flags, addr = 0) {
    if (c.task.frame !== null) return finish(c, null);
    mmOf(c);
    const from = ulong(old, "old");
    const oldLen = ulong(oldSize, "oldSize");
    const newLen = ulong(newSize, "newSize");
    return finish(c, doMremap(c.k.mm, c, from, oldLen, newLen, int(flags, "flags"), ulong(addr, "addr")));
  },
  brk(c, addr) {
    if (c.task.frame !== null) return finish(c, null);
    mmOf(c);
    return finish(c, doBrk(c.k.mm, c, ulong(addr, "addr")));
  },
  msync(c, addr, length, flags) {
    mmOf(c);
    return doMsync(c, ulong(addr, "addr"), ulong(length, "length"), int(flags, "flags"));
  },
  touch(c, addr, pages = 1, write = false) {
    return touchPages(c.k.mm, c, mmOf(c), ulong(addr, "addr"), count(pages, 1, "pages"), write);
  },
  store(c, addr, data, n) {
    return storeBytes(c.k.mm, c, mmOf(c), ulong(addr, "addr"), bytesOf(data, n));
  },
  load(c, addr, n = 1) {
    return loadBytes(c.k.mm, c, mmOf(c), ulong(addr, "addr"), atMost(count(n, 1, "count")));
  },
};

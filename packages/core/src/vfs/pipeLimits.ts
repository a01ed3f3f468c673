/**
 * How large pipes may be, and how many pages a user may hold in them. pipe(7) "/proc files", fcntl(2) F_SETPIPE_SZ.
 */
import { CAP_SYS_ADMIN, CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EBUSY, EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { Ctx } from "../kernel/ctx.js";
import { capable } from "../task/capable.js";
import { PIPE_PAGE as PAGE, Pipe } from "./pipeRing.js";
import type { Vfs } from "./vfs.js";

const DEFAULT_SLOTS = 16;
/** Slots of a new pipe of a user who has very many. */
const MIN_SLOTS = 2;
const ALL = 0x7fffffff;

/** A pipe of the user gets (or gives back) pages. */
export function accountPipe(vfs: Vfs, uid: number, pages: number): void {
  const n = (vfs.pipePages.get(uid) ?? 0) + pages;
  if (n === 0) vfs.pipePages.delete(uid);
  else vfs.pipePages.set(uid, n);
}

/** Would the user hold more than `limit` pages (0: any number) with `pages` more? */
function over(vfs: Vfs, uid: number, pages: number, limit: number): boolean {
  return limit !== 0 && (vfs.pipePages.get(uid) ?? 0) + pages > limit;
}

function unprivileged(c: Ctx): boolean {
  return !capable(c.k, c.task, CAP_SYS_RESOURCE) && !capable(c.k, c.task, CAP_SYS_ADMIN);
}

/** A new pipe: of two slots for a user above the soft limit; `errno` above the hard one. */
export function newPipe(c: Ctx, errno: number): Pipe {
  const { vfs } = c.k;
  const { pipeMaxSize, pipeUserPagesSoft, pipeUserPagesHard } = vfs.sysctl;
  const { uid } = c.task.cred;
  let slots = DEFAULT_SLOTS;
  if (slots * PAGE > pipeMaxSize && !capable(c.k, c.task, CAP_SYS_RESOURCE)) slots = Math.max(1, pipeMaxSize / PAGE);
  if (over(vfs, uid, slots, pipeUserPagesSoft) && unprivileged(c)) slots = Math.min(slots, MIN_SLOTS);
  if (over(vfs, uid, slots, pipeUserPagesHard) && unprivileged(c)) return fail(errno);
  const p = new Pipe(slots, uid);
  const { pipeAlloc } = c.k.hooks;
  if (pipeAlloc.on !== null && pipeAlloc.on(p, c.task) !== 0) return fail(errno);
  accountPipe(vfs, uid, slots);
  return p;
}

/** fcntl(2) F_SETPIPE_SZ: the new capacity in bytes. EINVAL, EPERM, EBUSY. */
export function setPipeSize(c: Ctx, p: Pipe, arg: number): number {
  const size = arg >>> 0;
  if (size > 0x80000000) fail(EINVAL);
  let slots = 1;
  while (slots * PAGE < size) slots *= 2;
  if (slots > p.slots && slots * PAGE > c.k.vfs.sysctl.pipeMaxSize && !capable(c.k, c.task, CAP_SYS_RESOURCE))
    fail(EPERM);
  const { vfs } = c.k;
  const { pipeUserPagesSoft, pipeUserPagesHard } = vfs.sysctl;
  const more = slots - p.slots;
  if (
    more > 0 &&
    (over(vfs, p.uid, more, pipeUserPagesHard) || over(vfs, p.uid, more, pipeUserPagesSoft)) &&
    unprivileged(c)
  )
    fail(EPERM);
  if (slots < p.used) fail(EBUSY);
  if (more !== 0) {
    const wasFull = p.full;
    accountPipe(vfs, p.uid, more);
    p.resize(slots);
    if (wasFull) c.wake(p.wrWait, ALL);
  }
  return p.slots * PAGE;
}

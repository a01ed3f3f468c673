/** A call on a description that may sleep: it keeps the description, so that closing the number meanwhile does not matter. */
import type { Ctx } from "../kernel/ctx.js";
import { WAIT, type Wait } from "../sys/types.js";
import type { OpenFile } from "./file.js";
import { fget, fputSync, getFile } from "./fileTable.js";

/** In the call's frame. */
interface Held {
  held?: OpenFile;
}

/** Carry out `step` on the description of a number; if it sleeps the description is kept. EBADF. */
export function onFile<R>(c: Ctx, fd: number, step: (file: OpenFile) => R | Wait): R | Wait {
  const fr = c.task.frame as Held | null;
  const was = fr === null ? undefined : fr.held;
  const file = was ?? fget(c.task, fd);
  let r: R | Wait;
  try {
    r = step(file);
  } catch (e) {
    if (was !== undefined) drop(c, was);
    throw e;
  }
  if (r === WAIT) {
    if (was === undefined) c.frame<Held>(() => ({})).held = getFile(file);
    return WAIT;
  }
  if (was !== undefined) drop(c, was);
  return r;
}

function drop(c: Ctx, file: OpenFile): void {
  c.task.frame = null;
  fputSync(c.k, file);
}

/**
 * The random numbers that user space gets: getrandom(2), /dev/random, /dev/urandom. From the kernel's seed, so that runs repeat; not
 * for secrets. `random.seeded=0` on the command line is a machine whose pool is not ready yet.
 */
import { EAGAIN, EFAULT, EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { GRND_INSECURE, GRND_NONBLOCK, GRND_RANDOM } from "../abi/random.js";
import type { Ctx } from "../kernel/ctx.js";
import type { Wait } from "../sys/types.js";
import { TASK_INTERRUPTIBLE } from "./task.js";

/** Most bytes of one call. */
const MAX_BYTES = 0x7fffffff;

/** getrandom(2). */
export function getrandom(c: Ctx, count: number, flags: number, bad: boolean): Uint8Array | Wait {
  const { tasks } = c.k;
  if ((flags & ~(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE)) !== 0) return fail(EINVAL);
  if ((flags & GRND_RANDOM) !== 0 && (flags & GRND_INSECURE) !== 0) return fail(EINVAL);
  if (!tasks.randomReady && (flags & GRND_INSECURE) === 0) {
    if ((flags & GRND_NONBLOCK) !== 0) return fail(EAGAIN);
    return c.sleep(tasks.randomWait, undefined, TASK_INTERRUPTIBLE);
  }
  if (bad && count > 0) return fail(EFAULT);
  return tasks.randomRng.bytes(new Uint8Array(Math.min(count, MAX_BYTES)));
}

/**
 * A small package for the tests of the spine: sleeping, a bounded buffer, chance, and a kernel thread that refills it. It uses
 * every joint a package uses: calls that sleep, state, hooks, a kernel thread.
 */
import { EAGAIN, EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { KthreadDef } from "../sched/kthread.js";
import { WaitQueue } from "../sched/waitQueue.js";
import type { Impl, Ret, SysBase } from "../sys/types.js";
import type { Core } from "./core.js";
import type { Feature } from "./feature.js";

export interface ToySys extends SysBase {
  nap(ns: number): Ret<this["mode"], 0>;
  put(items: number): Ret<this["mode"], number>;
  take(items: number): Ret<this["mode"], number>;
  tryTake(): Ret<this["mode"], number>;
  chance(n: number): Ret<this["mode"], number>;
}

class Buffer {
  items = 0;
  readonly room = 4;
  readonly readers: WaitQueue = new WaitQueue("toy readers");
  readonly writers: WaitQueue = new WaitQueue("toy writers");
}

interface RefillData {
  buffer: Buffer;
  nextNs: number;
  periodNs: number;
}

const refill: KthreadDef<RefillData> = {
  name: "toy.refill",
  step(c, d) {
    if (c.now < d.nextNs) return c.sleep(null, d.nextNs, 2);
    d.nextNs += d.periodNs;
    if (d.buffer.items < d.buffer.room) {
      d.buffer.items++;
      c.wake(d.buffer.readers);
    }
    return 1500;
  },
};

export interface ToyOptions {
  /** Period of the kernel thread, ns; 0: none. */
  refillNs?: number;
}

export function toy(o: ToyOptions = {}): Feature<"toy", { items(): number }, ToySys> {
  return {
    name: "toy",
    install(k: Core) {
      const buffer = new Buffer();
      k.state.class(Buffer);
      k.state.root("toy", { buffer });
      k.state.static("kthread.toy.refill", refill);
      const sys: Impl<ToySys> = {
        nap(c, ns) {
          const f = c.frame(() => ({ until: c.now + ns }));
          return c.now >= f.until ? 0 : c.sleep(null, f.until);
        },
        put(c, items) {
          if (items < 0) return fail(EINVAL);
          const f = c.frame(() => ({ done: 0 }));
          while (f.done < items) {
            if (buffer.items === buffer.room) return c.sleep(buffer.writers);
            buffer.items++;
            f.done++;
            c.wake(buffer.readers);
          }
          return f.done;
        },
        take(c, items) {
          const f = c.frame(() => ({ done: 0 }));
          while (f.done < items) {
            if (buffer.items === 0) return c.sleep(buffer.readers);
            buffer.items--;
            f.done++;
            c.wake(buffer.writers);
          }
          return f.done;
        },
        tryTake() {
          if (buffer.items === 0) return fail(EAGAIN);
          buffer.items--;
          return buffer.items;
        },
        chance: (_c, n) => k.rng.below(n),
      };
      return {
        api: { items: () => buffer.items },
        sys,
        boot() {
          if (o.refillNs) k.tasks.kthreadCreate(refill, "refill", { buffer, nextNs: o.refillNs, periodNs: o.refillNs });
        },
      };
    },
  };
}

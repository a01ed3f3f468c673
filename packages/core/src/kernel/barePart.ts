/** The part of core that every kernel has: the machine's own calls, those about time, the first tasks. */
import { EINVAL } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import type { MachineSys } from "../sys/bareSys.js";
import type { Impl } from "../sys/types.js";
import { timeCalls } from "../time/timeCalls.js";
import type { Part } from "./core.js";

const machineCalls: Impl<MachineSys> = {
  compute(c, ns) {
    if (!Number.isInteger(ns) || ns < 0) return fail(EINVAL);
    const f = c.frame(() => ({ started: false }));
    if (f.started || ns === 0) return 0;
    f.started = true;
    return c.busy(ns, true);
  },
  restPoint(c, state) {
    if (typeof state !== "object" || state === null) return fail(EINVAL);
    void c;
    return 0;
  },
};

export const barePart: Part = {
  name: "machine",
  install(k) {
    k.syscalls.add(machineCalls);
    k.syscalls.add(timeCalls);
  },
  boot(k) {
    const m = k.options.machine;
    k.log(5, `Linux version ${m.release} (kernelkit@kernelkit) #1 SMP PREEMPT_DYNAMIC`);
    k.log(6, `Command line: ${k.cmdline.text}`);
    k.tasks.boot();
  },
};

/** The group calls of sched/numa (2012): numa_tbind puts threads together, numa_mbind binds memory to their group. */
import { CAP_SYS_PTRACE, EINVAL, ENOSYS, EPERM, ESRCH, fail, type Impl, int, nsCapable, ulong } from "@kernelkit/core";
import type { NumaSys } from "../calls/numaSys.js";
import type { NumaSystem } from "../state.js";

/** Groups by id, with their owner's ids; and the group of each thread, by serial number. */
interface Groups {
  last: number;
  readonly owners: Map<number, { uid: number; gid: number }>;
  readonly of: Map<number, number>;
}

export function schednumaCalls(sys: NumaSystem, on: boolean): Pick<Impl<NumaSys>, "numa_tbind" | "numa_mbind"> {
  const { k } = sys;
  const g: Groups = { last: 0, owners: new Map(), of: new Map() };
  if (on) {
    k.state.root("numa.groups", g);
    k.hooks.reaped.tap(200, "numa.groups", (t) => {
      g.of.delete(t.serial);
    });
  }
  return {
    numa_tbind(c, tid, ngId, flags) {
      if (!on) return fail(ENOSYS);
      if (int(flags, "flags") !== 0) return fail(EINVAL);
      const nr = int(tid, "tid");
      const t = nr === 0 ? c.task : (k.tasks.findVpid(c.task, nr)?.task ?? fail(ESRCH));
      const id = int(ngId, "ngId");
      if (id === -2) return g.of.get(t.serial) ?? fail(EINVAL);
      const { uid, gid } = c.task.cred;
      if (id === -1) {
        g.owners.set(++g.last, { uid, gid });
        g.of.set(t.serial, g.last);
        return g.last;
      }
      const owner = g.owners.get(id) ?? fail(EINVAL);
      const same = owner.uid === uid && owner.gid === gid;
      if (!same && !nsCapable(k, c.task, c.task.cred.userNs, CAP_SYS_PTRACE)) return fail(EPERM);
      g.of.set(t.serial, id);
      return id;
    },
    numa_mbind(_c, addr, len, ngId, flags) {
      if (!on) return fail(ENOSYS);
      if (int(flags, "flags") !== 0) return fail(EINVAL);
      if (ulong(addr, "addr") % 4096 !== 0 || ulong(len, "len") % 4096 !== 0) return fail(EINVAL);
      if (!g.owners.has(int(ngId, "ngId"))) return fail(EINVAL);
      return 0;
    },
  };
}

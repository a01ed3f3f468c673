/** The group calls of sched/numa (2012): numa_tbind puts threads together, numa_mbind binds memory to their group. */
import {
  CAP_SYS_PTRACE,
  EFAULT,
  EINVAL,
  ENOSYS,
  EPERM,
  ESRCH,
  fail,
  type Impl,
  int,
  nsCapable,
  type Task,
  ulong,
  vmaPosition,
} from "@kernelkit/core";
import { eachVma } from "../../calls/eachVma.js";
import type { NumaSys } from "../../calls/numaSys.js";
import type { NumaSystem } from "../../state.js";
import { NumaEntity } from "./entity.js";
import { Schednuma } from "./schednuma.js";

/** Groups by id. */
interface Groups {
  last: number;
  readonly byId: Map<number, NumaEntity>;
}

export function schednumaCalls(sys: NumaSystem): Pick<Impl<NumaSys>, "numa_tbind" | "numa_mbind"> {
  const { k, strategy } = sys;
  const home = strategy instanceof Schednuma ? strategy : null;
  const g: Groups = { last: 0, byId: new Map() };
  if (home !== null) k.state.root("numa.groups", g);
  const join = (t: Task, e: NumaEntity): number => {
    sys.task(t).entity = e;
    sys.task(t).migrateRetryNs = 0;
    return e.id;
  };
  return {
    numa_tbind(c, tid, ngId, flags) {
      if (home === null) return fail(ENOSYS);
      if (int(flags, "flags") !== 0) return fail(EINVAL);
      const nr = int(tid, "tid");
      const t = nr === 0 ? c.task : (k.tasks.findVpid(c.task, nr)?.task ?? fail(ESRCH));
      const own = sys.task(t).entity;
      const id = int(ngId, "ngId");
      if (id === -2) return own === null || own.id === 0 ? fail(EINVAL) : own.id;
      const { uid, gid } = c.task.cred;
      if (id === -1) {
        const e = new NumaEntity(++g.last, own?.node ?? sys.nodeOfCpu(t.cpu), uid, gid);
        g.byId.set(e.id, e);
        return join(t, e);
      }
      const e = g.byId.get(id) ?? fail(EINVAL);
      const same = e.uid === uid && e.gid === gid;
      if (!same && !nsCapable(k, c.task, c.task.cred.userNs, CAP_SYS_PTRACE)) return fail(EPERM);
      return join(t, e);
    },
    numa_mbind(c, addr, len, ngId, flags) {
      if (home === null) return fail(ENOSYS);
      if (int(flags, "flags") !== 0) return fail(EINVAL);
      const start = ulong(addr, "addr");
      const size = ulong(len, "len");
      if (start % 4096 !== 0 || size % 4096 !== 0) return fail(EINVAL);
      const e = g.byId.get(int(ngId, "ngId")) ?? fail(EINVAL);
      const mm = c.task.mm ?? fail(EINVAL);
      const end = start + size;
      const i = vmaPosition(mm.vmas, start);
      if (size > 0 && (i === mm.vmas.length || mm.vmas[i].start >= end)) return fail(EFAULT);
      eachVma(sys, mm, start, end, (v) => home.bind(v, e));
      home.armRange(mm, start, end);
      return 0;
    },
  };
}

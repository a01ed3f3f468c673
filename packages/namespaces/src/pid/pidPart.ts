/** pidPart: making and joining pid namespaces, and the last pid given. pid_namespaces(7). */
import {
  CAP_CHECKPOINT_RESTORE,
  CAP_SYS_ADMIN,
  type Ctx,
  EINVAL,
  ENOSPC,
  EPERM,
  fail,
  intSysctl,
  nsCapable,
  PidNamespace,
  putNs,
  type UserNamespace,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";
import { ownedByNsRoot } from "../nsRoot.js";

const MAX_PID_NS_LEVEL = 32;
const PID_MAX_LIMIT = 4194304;

const nsOf = (c: Ctx): PidNamespace => c.task.pid.ns[c.task.pid.level];

function within(ns: UserNamespace, ancestor: UserNamespace): boolean {
  for (let n: UserNamespace | null = ns; n !== null; n = n.parent) if (n === ancestor) return true;
  return false;
}

export const pidPart: NsPart = {
  name: "pid",
  install(f) {
    const { k } = f;
    const type = k.tasks.pidType;
    if (!f.o.features.PID_NS) {
      type.procNames = [];
      return {};
    }
    f.define<PidNamespace>(type, {
      ucount: "pid",
      make(old, of, ino) {
        if (!within(of.userNs, old.userNs)) return fail(EINVAL);
        if (old.level + 1 > MAX_PID_NS_LEVEL) return fail(ENOSPC);
        old.refs++;
        return new PidNamespace(type, ino, old.level + 1, old, of.userNs, PID_MAX_LIMIT);
      },
      ended: (ns) => putNs(ns.parent as PidNamespace),
    });
    type.install = (set, nsArg) => {
      const ns = nsArg as PidNamespace;
      f.mayInstall(set, ns);
      const { pid } = set.task;
      const active = pid.ns[pid.level];
      if (ns.chain[active.level] !== active) fail(EINVAL);
      set.ns[type.index] = ns;
    };
    if (k.sysctl !== undefined) {
      const { ids, modeFor } = ownedByNsRoot(
        (c) => nsOf(c).userNs,
        (c) => nsCapable(k, c.task, nsOf(c).userNs, CAP_SYS_ADMIN),
      );
      k.sysctl.register(
        "kernel/pid_max",
        intSysctl({
          min: 301,
          max: PID_MAX_LIMIT,
          ids,
          modeFor,
          get: (c) => nsOf(c).pidMax,
          set: (c, v) => {
            nsOf(c).pidMax = v;
          },
        }),
      );
      const file = intSysctl({
        mode: 0o666,
        get: (c) => nsOf(c).last,
        convert: (v) => v,
        set(c, v) {
          const ns = nsOf(c);
          if (v < 0 || v > ns.pidMax) fail(EINVAL);
          ns.last = v;
        },
      });
      const { store } = file;
      k.sysctl.register("kernel/ns_last_pid", {
        ...file,
        store(c, owner, text, of, pos) {
          const { userNs } = nsOf(c);
          if (!nsCapable(k, c.task, userNs, CAP_CHECKPOINT_RESTORE) && !nsCapable(k, c.task, userNs, CAP_SYS_ADMIN))
            return fail(EPERM);
          return store?.(c, owner, text, of, pos);
        },
      });
    }
    return {};
  },
};

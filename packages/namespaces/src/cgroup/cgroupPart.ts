/** cgroupPart: the cgroups of the creator are the roots of what is seen. cgroup_namespaces(7). */
import {
  type Cgroup,
  CLONE_NEWCGROUP,
  type Namespace,
  type NsType,
  type Task,
  type UserNamespace,
} from "@kernelkit/core";
import type { NsPart } from "../nsPart.js";

const PROC_CGROUP_INIT_INO = 4026531835;

class CgroupNamespace implements Namespace {
  refs = 1;
  constructor(
    readonly type: NsType,
    readonly ino: number,
    public userNs: UserNamespace,
    /** By hierarchy; missing: the top. */
    readonly roots: readonly Cgroup[],
  ) {}
}

export const cgroupPart: NsPart = {
  name: "cgroup",
  install(f) {
    const { k } = f;
    if (!f.o.features.CGROUP_NS || k.cgroup === undefined) return {};
    k.state.class(CgroupNamespace);
    const type: NsType = { name: "cgroup", flag: CLONE_NEWCGROUP, procNames: ["cgroup"], index: -1, order: 4 };
    k.tasks.registerNsType(type, new CgroupNamespace(type, PROC_CGROUP_INIT_INO, k.tasks.initUserNs, []));
    f.define<CgroupNamespace>(type, {
      ucount: "cgroup",
      make: (_old, of, ino) => new CgroupNamespace(type, ino, of.userNs, of.task.cgroups.slice()),
    });
    f.installPlain(type);
    k.cgroup.viewRoot = (reader: Task, top: Cgroup): Cgroup =>
      (reader.nsproxy.ns[type.index] as CgroupNamespace | undefined)?.roots[top.root.id] ?? top;
    return {};
  },
};

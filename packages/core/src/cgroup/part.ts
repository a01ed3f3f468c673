/** Control groups as a part of core. */
import type { Core, Part } from "../kernel/core.js";
import { Cgroup, Css } from "./cgroup.js";
import { CgroupFs } from "./cgroupfs.js";
import { Cgroups } from "./cgroups.js";
import { CgroupRoot } from "./hierarchy.js";
import { installProcFiles } from "./procFiles.js";

function traces(k: Core): void {
  const group = (c: Cgroup): string => `root=${c.root.id + 1} id=${c.id} level=${c.level} path=${c.path}`;
  for (const name of ["mkdir", "rmdir", "release", "rename", "freeze", "unfreeze"])
    k.trace.define("cgroup", `cgroup_${name}`, (c: Cgroup) => group(c));
  for (const name of ["notify_populated", "notify_frozen"])
    k.trace.define("cgroup", `cgroup_${name}`, (c: Cgroup, val: number) => `${group(c)} val=${val}`);
}

export const cgroupPart: Part = {
  name: "cgroup",
  install(k) {
    k.state.class(Cgroup, Css, CgroupRoot);
    k.cgroup = new Cgroups(k);
    k.state.root("cgroup", k.cgroup);
    traces(k);
    if (!k.options.machine.cgroups) return;
    if (k.vfs !== undefined) k.cgroup.fs = new CgroupFs(k);
    if (k.proc !== undefined) installProcFiles(k);
  },
  boot(k) {
    k.cgroup.fs?.ready();
    for (const t of k.tasks.all()) k.cgroup.adopt(t);
  },
};

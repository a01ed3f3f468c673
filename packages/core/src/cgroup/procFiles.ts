/** /proc/PID/cgroup and /proc/cgroups. cgroups(7), "/proc files". */
import type { Core } from "../kernel/core.js";
import type { Task } from "../task/task.js";
import type { Cgroup } from "./cgroup.js";

/** One line per hierarchy, v1 ones with the highest number first, the v2 tree last: `0::/path`. */
function taskCgroups(k: Core, reader: Task, t: Task): string {
  const { cgroup } = k;
  let out = "";
  for (let i = cgroup.roots.length - 1; i >= 0; i--) {
    const root = cgroup.roots[i];
    const g = t.cgroups[i];
    if (root === null || root === undefined || g === undefined) continue;
    let names = "";
    if (!root.v2) {
      names = cgroup.controllers
        .filter((_, n) => (root.controllers >>> n) & 1)
        .map((c) => c.legacyName ?? c.name)
        .join(",");
      if (root.name !== "") names += `${names === "" ? "" : ","}name=${root.name}`;
    }
    out += `${i}:${names}:${cgroup.pathFrom(g, cgroup.viewRoot(reader, root.top))}${g.dead ? " (deleted)" : ""}\n`;
  }
  return out;
}

/** Controllers: name, hierarchy, groups, enabled. */
function controllersText(k: Core): string {
  const { cgroup } = k;
  let out = "#subsys_name\thierarchy\tnum_cgroups\tenabled\n";
  cgroup.controllers.forEach((c, i) => {
    const root = cgroup.roots.find((r) => r !== null && ((r.controllers >>> i) & 1) !== 0);
    const groups = root === null || root === undefined ? [] : [...root.top.subtree()];
    out += `${c.legacyName ?? c.name}\t${root?.id ?? 0}\t${groups.filter((g: Cgroup) => g.css[i]).length}\t1\n`;
  });
  return out;
}

export function installProcFiles(k: Core): void {
  k.proc.pidFile("cgroup", { mode: 0o444, show: (c, t) => taskCgroups(c.k, c.task, t) });
  k.proc.tree.later(() => k.proc.file("/proc/cgroups", { show: (c) => controllersText(c.k) }));
}

/** The end of /proc/PID/sched: a task's balancing statistics. */
import type { Task } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";

export function schedText(sys: NumaSystem, t: Task): string {
  if (t.mm === null) return "";
  const n = sys.task(t);
  const line = (name: string, v: number): string => `${name.padEnd(45)}:${String(v).padStart(21)}\n`;
  let s = line("mm->numa_scan_seq", sys.mm(t.mm).scanSeq);
  s += line("numa_pages_migrated", n.pagesMigrated);
  s += line("numa_preferred_nid", n.preferredNid);
  s += line("total_numa_faults", n.totalFaults);
  s += `current_node=${sys.nodeOfCpu(t.cpu)}, numa_group_id=${n.group?.gid ?? 0}\n`;
  for (let nid = 0; nid < sys.nodes; nid++) {
    const of = (f: readonly number[] | undefined, i: number): number => f?.[nid * 2 + i] ?? 0;
    s +=
      `numa_faults node=${nid} task_private=${of(n.faults, 1)} task_shared=${of(n.faults, 0)} ` +
      `group_private=${of(n.group?.faults, 1)} group_shared=${of(n.group?.faults, 0)}\n`;
  }
  return s;
}

/**
 * Partitions (v2): a group that has its CPUs to itself, taken from its parent, which must be a partition root. What is wrong with one that
 * does not hold is said in cpuset.cpus.partition. Kernel document admin-guide/cgroup-v2, "cpuset.cpus.partition".
 */
import { and, type Cpuset, intersects, isEmpty, without } from "./cpuset.js";

const EMPTY = "cpuset.cpus and cpuset.cpus.exclusive are empty";
const NOT_A_PARTITION = "Parent is not a partition root";
const INVALID_PARENT = "Parent is an invalid partition root";
const NOT_EXCLUSIVE = "Cpu list in cpuset.cpus not exclusive";
const NO_CPUS = "Parent unable to distribute cpu downstream";

/** CPUs that a group wants to itself. */
export function wantedCpus(cs: Cpuset): Uint32Array {
  return isEmpty(cs.exclusive) ? cs.cpus : cs.exclusive;
}

/**
 * May the group be a partition, when `left` is what its parent has still to give and `busy` says that the parent has tasks of its own?
 * "" or the reason why not.
 */
export function partitionError(cs: Cpuset, left: Uint32Array, busy: boolean): string {
  const parent = cs.parent as Cpuset;
  const want = wantedCpus(cs);
  if (isEmpty(want)) return EMPTY;
  if (parent.parent !== null && parent.partition === "member") return NOT_A_PARTITION;
  if (!parent.isPartition) return INVALID_PARENT;
  for (const s of parent.children) {
    if (s === cs) continue;
    if (intersects(s.exclusive, want) || (isEmpty(cs.exclusive) && intersects(s.cpus, want))) return NOT_EXCLUSIVE;
  }
  const get = and(want, left);
  if (isEmpty(get)) return NO_CPUS;
  return busy && isEmpty(without(left, get)) ? NO_CPUS : "";
}

/** `member`, `root`, or `root invalid (why)`. */
export function partitionText(cs: Cpuset): string {
  if (cs.parent === null) return "root";
  return cs.partition === "member" || cs.invalid === "" ? cs.partition : `${cs.partition} invalid (${cs.invalid})`;
}

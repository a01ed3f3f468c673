/** A cgroup hierarchy: the v2 tree, or a v1 one with its controllers and name. cgroups(7). */
import type { Cgroup } from "./cgroup.js";

export class CgroupRoot {
  /** Its root group. */
  top!: Cgroup;
  /** v1: bits of its controllers; v2: of those that are not in a v1 hierarchy. */
  controllers = 0;

  constructor(
    /** Number in /proc/PID/cgroup: 0 is the v2 tree. Index into `Task.cgroups`. */
    readonly id: number,
    readonly v2: boolean,
    /** v1: name=... */
    readonly name: string,
    /** Mount options as shown, each with its comma. */
    public options: string,
  ) {}
}

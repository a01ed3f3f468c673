/** What sched/numa balances: a process, or a group that numa_tbind made. It has a home node. */
export class NumaEntity {
  constructor(
    /** 0: a process; else the id of the group. */
    readonly id: number,
    public node: number,
    /** Who made the group. */
    readonly uid: number = 0,
    readonly gid: number = 0,
  ) {}
}

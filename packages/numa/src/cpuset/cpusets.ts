/**
 * The tree of cpusets, and the controller that core's control groups know: what a change anywhere means for all below, checked first. The
 * files are in cpusetFiles.ts (v2) and legacyFiles.ts (v1).
 */
import {
  type Controller,
  type Core,
  type Css,
  EACCES,
  EBUSY,
  EINVAL,
  ENOSPC,
  fail,
  PF_NO_SETAFFINITY,
  type Task,
} from "@kernelkit/core";
import type { NumaSystem } from "../state.js";
import {
  and,
  anyOnline,
  Cpuset,
  cpusetOf,
  intersects,
  isEmpty,
  isSubset,
  nodeWords,
  onlineCpus,
  or,
  possibleCpus,
  sameSet,
  without,
} from "./cpuset.js";
import { cpusetFiles } from "./cpusetFiles.js";
import { CpusetTasks, TaskCpuset } from "./cpusetTasks.js";
import { legacyFiles } from "./legacyFiles.js";
import { partitionError, wantedCpus } from "./partition.js";

/** A change that is tried: what it leaves out stays. */
export interface Trial {
  readonly cpus?: Uint32Array;
  readonly mems?: Uint32Array;
  readonly exclusive?: Uint32Array;
}

export class Cpusets {
  readonly tasks: CpusetTasks;
  private index = -1;
  /** State: memory_pressure_enabled of v1. */
  readonly shared: { pressure: boolean } = { pressure: false };

  constructor(
    readonly sys: NumaSystem,
    readonly k: Core,
  ) {
    this.tasks = new CpusetTasks(sys, k);
  }

  install(): void {
    const { k } = this;
    k.state.class(Cpuset, TaskCpuset);
    k.state.root("cpuset", this.shared);
    const controller: Controller = {
      name: "cpuset",
      threaded: true,
      cssAlloc: (_k, css) => {
        css.data = this.make(css);
      },
      cssOffline: (_k, css) => this.gone(cpusetOf(css)),
      canAttach: (_k, css, tasks) => this.canAttach(cpusetOf(css), tasks),
      attach: (_k, css, t, old) => this.attach(cpusetOf(css), t, cpusetOf(old)),
      files: cpusetFiles(this),
      legacyFiles: legacyFiles(this),
    };
    this.index = k.cgroup.register(controller);
    k.hooks.cpusAllowed.tap(100, "cpuset", (t, mask) => this.narrow(t, mask));
    k.hooks.forked.tap(100, "cpuset", (parent, child) => {
      this.tasks.of(child).userCpus = this.tasks.of(parent).userCpus;
    });
    k.hooks.cpuOnline.tap(100, "cpuset", () => this.refresh());
    k.hooks.cpuDead.tap(100, "cpuset", () => this.refresh());
    k.proc.pidFile("cpuset", { mode: 0o444, show: (c, t) => `${this.pathOf(c.task, t)}\n` });
  }

  // --- the tree ---

  get v2(): boolean {
    return ((this.k.cgroup.v2.controllers >>> this.index) & 1) !== 0;
  }
  private cssOf(t: Task): Css {
    return this.k.cgroup.css(t, this.index);
  }
  of(t: Task): Cpuset {
    return cpusetOf(this.cssOf(t));
  }
  get top(): Cpuset {
    let cs = this.of(this.k.tasks.init);
    while (cs.parent !== null) cs = cs.parent;
    return cs;
  }
  private pathOf(reader: Task, t: Task): string {
    const { cgroup } = this.cssOf(t);
    const g = t.cgroups[cgroup.root.id] ?? cgroup;
    return this.k.cgroup.pathFrom(g, this.k.cgroup.viewRoot(reader, cgroup.root.top));
  }
  /** Tasks whose cpuset this is. */
  private members(cs: Cpuset): Task[] {
    return this.k.tasks.all().filter((t) => !t.exiting && t.cgroups.length > 0 && this.of(t) === cs);
  }
  populated(cs: Cpuset): boolean {
    return this.members(cs).length > 0;
  }

  private make(css: Css): Cpuset {
    const { k, sys } = this;
    const parent = css.parent === null ? null : cpusetOf(css.parent);
    const words = (k.cpus.nr + 31) >> 5;
    const cs = new Cpuset(parent, words, nodeWords(sys.memory).length);
    if (parent === null) {
      cs.cpus = possibleCpus(k);
      cs.mems = nodeWords(sys.memory);
      cs.effectiveCpus = onlineCpus(k);
      cs.effectiveMems = nodeWords(sys.memory);
      cs.flags.cpu_exclusive = true;
      cs.flags.mem_exclusive = true;
    } else {
      parent.children.push(cs);
      if (css.cgroup.root.v2) {
        cs.flags.memory_migrate = true;
        cs.effectiveCpus = parent.effectiveCpus.slice();
        cs.effectiveMems = parent.effectiveMems.slice();
      } else this.cloneOf(cs, parent, css);
    }
    cs.oldMems = cs.effectiveMems;
    return cs;
  }

  /** v1: a group whose parent has cgroup.clone_children begins with its parent's sets, unless a brother has some to himself. */
  private cloneOf(cs: Cpuset, parent: Cpuset, css: Css): void {
    cs.flags.memory_spread_page = parent.flags.memory_spread_page;
    cs.flags.memory_spread_slab = parent.flags.memory_spread_slab;
    if (css.cgroup.parent?.cloneChildren !== true) return;
    if (parent.children.some((s) => s !== cs && (s.flags.cpu_exclusive || s.flags.mem_exclusive))) return;
    cs.cpus = parent.cpus.slice();
    cs.mems = parent.mems.slice();
    cs.effectiveCpus = parent.effectiveCpus.slice();
    cs.effectiveMems = parent.effectiveMems.slice();
  }

  private gone(cs: Cpuset): void {
    const list = cs.parent?.children;
    if (list?.includes(cs)) list.splice(list.indexOf(cs), 1);
    this.refresh();
  }

  // --- changing ---

  /** May the group become so? fail: EACCES, EBUSY, EINVAL, ENOSPC. `validate_change()` */
  private validate(cs: Cpuset, trial: Trial): void {
    const cpus = trial.cpus ?? cs.cpus;
    const mems = trial.mems ?? cs.mems;
    const { parent } = cs;
    if (!this.v2) {
      for (const c of cs.children) if (!isSubset(c.cpus, cpus) || !isSubset(c.mems, mems)) fail(EBUSY);
      if (parent !== null && !(isSubset(cpus, parent.cpus) && isSubset(mems, parent.mems))) fail(EACCES);
    }
    if (parent === null) return;
    if (this.populated(cs)) {
      if (!isEmpty(cs.cpus) && isEmpty(cpus)) fail(ENOSPC);
      if (!isEmpty(cs.mems) && isEmpty(mems)) fail(ENOSPC);
    }
    const exclusive = trial.exclusive ?? cs.exclusive;
    for (const s of parent.children) {
      if (s === cs) continue;
      if ((cs.flags.cpu_exclusive || s.flags.cpu_exclusive) && intersects(cpus, s.cpus)) fail(EINVAL);
      if ((cs.flags.mem_exclusive || s.flags.mem_exclusive) && intersects(mems, s.mems)) fail(EINVAL);
      if (intersects(exclusive, s.exclusive)) fail(EINVAL);
    }
  }

  /** Set what the trial has, if it may be so. */
  change(cs: Cpuset, trial: Trial): void {
    this.validate(cs, trial);
    if (trial.cpus !== undefined) cs.cpus = trial.cpus;
    if (trial.mems !== undefined) cs.mems = trial.mems;
    if (trial.exclusive !== undefined) cs.exclusive = trial.exclusive;
    this.refresh();
  }

  /** v1: a flag that others must agree to. EACCES the parent has not got it, or the sets overlap with a brother's; EBUSY a child has it. */
  setExclusive(cs: Cpuset, flag: "cpu_exclusive" | "mem_exclusive", on: boolean): void {
    if (cs.flags[flag] === on) return;
    if (!on && (cs.parent === null || cs.children.some((c) => c.flags[flag]))) fail(EBUSY);
    if (on && cs.parent?.flags[flag] === false) fail(EACCES);
    cs.flags[flag] = on;
    try {
      this.validate(cs, {});
    } catch (e) {
      cs.flags[flag] = !on;
      throw e;
    }
  }

  /** Work out anew what everybody may use, and give it to the tasks of those for whom it is something else than before. */
  refresh(): void {
    const { top } = this;
    const online = onlineCpus(this.k);
    top.effectiveCpus = this.handOut(top, online);
    top.effectiveMems = nodeWords(this.sys.memory);
    for (const c of top.children) this.update(c);
    this.apply(top);
  }

  /** CPUs of a partition root go to the partitions below it; what is left. */
  private handOut(cs: Cpuset, own: Uint32Array): Uint32Array {
    let left = own;
    const busy = cs.parent !== null && this.populated(cs);
    for (const c of cs.children) {
      if (c.partition === "member") continue;
      c.invalid = partitionError(c, left, busy);
      c.exclusiveEffective = c.invalid === "" ? and(wantedCpus(c), left) : new Uint32Array(left.length);
      left = without(left, c.exclusiveEffective);
    }
    return left;
  }

  private update(cs: Cpuset): void {
    const parent = cs.parent as Cpuset;
    if (cs.isPartition) cs.effectiveCpus = this.handOut(cs, cs.exclusiveEffective);
    else {
      const both = and(cs.cpus, parent.effectiveCpus);
      cs.effectiveCpus = this.v2 && isEmpty(both) ? parent.effectiveCpus.slice() : both;
      for (const c of cs.children) if (c.partition !== "member") c.invalid = partitionError(c, cs.effectiveCpus, false);
    }
    const mems = and(cs.mems, parent.effectiveMems);
    cs.effectiveMems = this.v2 && isEmpty(mems) ? parent.effectiveMems.slice() : mems;
    for (const c of cs.children) this.update(c);
  }

  private apply(top: Cpuset): void {
    const mms = new Set<unknown>();
    for (const t of this.k.tasks.all()) {
      if (t.exiting || t.cgroups.length === 0) continue;
      const cs = this.of(t);
      // tasks of the top group keep CPUs that are off line
      this.tasks.setCpus(t, cs === top ? this.topCpus(top) : this.online(cs));
      if (sameSet(t.memsAllowed, cs.effectiveMems)) continue;
      const from = cs.oldMems;
      this.tasks.setMems(t, cs.effectiveMems);
      if (t.mm === null || mms.has(t.mm)) continue;
      mms.add(t.mm);
      this.tasks.rebindMm(t.mm, from, cs.effectiveMems, cs.flags.memory_migrate);
    }
    this.remember(top);
  }

  private remember(cs: Cpuset): void {
    cs.oldMems = cs.effectiveMems;
    for (const c of cs.children) this.remember(c);
  }

  private topCpus(top: Cpuset): Uint32Array {
    let given = new Uint32Array(top.cpus.length);
    for (const c of top.children) given = or(given, c.exclusiveEffective) as Uint32Array<ArrayBuffer>;
    return without(possibleCpus(this.k), given);
  }

  /** Of the group or the nearest ancestor that has any on line. */
  private online(cs: Cpuset): Uint32Array {
    let c = cs;
    while (c.parent !== null && !anyOnline(this.k, c.effectiveCpus)) c = c.parent;
    return c.effectiveCpus;
  }

  // --- tasks ---

  private canAttach(cs: Cpuset, tasks: readonly Task[]): number {
    if (isEmpty(cs.effectiveCpus) || (!this.v2 && isEmpty(cs.mems))) return ENOSPC;
    return tasks.some((t) => (t.flags & PF_NO_SETAFFINITY) !== 0) ? EINVAL : 0;
  }

  private attach(cs: Cpuset, t: Task, old: Cpuset): void {
    if (t.exiting) return;
    const { top } = this;
    this.tasks.setCpus(t, cs === top ? this.topCpus(top) : this.online(cs));
    if (sameSet(t.memsAllowed, cs.effectiveMems)) return;
    this.tasks.setMems(t, cs.effectiveMems);
    if (t.mm !== null && t.isLeader) this.tasks.rebindMm(t.mm, old.oldMems, cs.effectiveMems, cs.flags.memory_migrate);
  }

  /** sched_setaffinity: what the cpuset leaves of the mask; what was asked for is kept for when it grows. */
  private narrow(t: Task, mask: Uint32Array): void {
    if (t.cgroups.length === 0) return;
    const wanted = mask.slice();
    const { top } = this;
    const cs = this.of(t);
    const allowed = cs === top ? this.topCpus(top) : this.online(cs);
    for (let i = 0; i < mask.length; i++) mask[i] &= allowed[i] ?? 0;
    if (anyOnline(this.k, mask)) this.tasks.of(t).userCpus = wanted;
  }
}

/**
 * CPU hotplug: taking CPUs off line and back. States are walked up in ascending, down in descending order; a refusal rolls back
 * what was done. Tasks that may run nowhere else get all possible CPUs. Documentation/core-api/cpu_hotplug.
 */
import { EBUSY, EINVAL, EPERM } from "../abi/errno.js";
import type { Core } from "../kernel/core.js";
import { TASK_RUNNING } from "../task/task.js";
import { CPU_IDLE, maskFirst, maskHas } from "./cpus.js";

/** A state of the hotplug machine: what to do when a CPU comes and goes. `up` and `down` return 0 or a positive errno. */
export interface CpuhpState {
  readonly name: string;
  /** Lower comes up first and goes down last. */
  readonly order: number;
  up?(cpu: number): number;
  down?(cpu: number): number;
}

export class Hotplug {
  static readonly transient: readonly string[] = ["states"];
  private readonly states: CpuhpState[] = [];

  constructor(readonly k: Core) {}

  /** Add a state; it is not called for CPUs that are on line already. */
  setupState(s: CpuhpState): void {
    if (this.states.some((x) => x.name === s.name)) throw new TypeError(`cpuhp state '${s.name}' is set up twice`);
    this.states.push(s);
    this.states.sort((a, b) => a.order - b.order || (a.name < b.name ? -1 : 1));
  }

  /** May this CPU be taken off line? CPU 0 only with `cpu0_hotplug` on the command line. */
  removable(cpu: number): boolean {
    return cpu !== 0 || this.k.cmdline.has("cpu0_hotplug");
  }

  /** Take a CPU off line: 0, or a positive errno (EINVAL no such CPU or already off, EPERM CPU 0, EBUSY the last one). */
  down(cpu: number): number {
    const { k } = this;
    const { cpus, hooks, sched } = k;
    if (cpu < 0 || cpu >= cpus.nr || cpus.online[cpu] === 0) return EINVAL;
    if (!this.removable(cpu)) return EPERM;
    if (cpus.nrOnline === 1) return EBUSY;
    const e = hooks.cpuPrepareDown.on === null ? 0 : hooks.cpuPrepareDown.on(cpu, undefined);
    if (e !== 0) return e;
    for (let i = this.states.length - 1; i >= 0; i--) {
      const r = this.states[i].down?.(cpu) ?? 0;
      if (r === 0) continue;
      for (let j = i + 1; j < this.states.length; j++) this.states[j].up?.(cpu);
      hooks.cpuPrepareDown.undo(cpu, undefined);
      return r;
    }
    sched.account(cpu);
    cpus.sync(cpu, k.now);
    if (cpus.curr[cpu] === null) k.idle.exit(cpu, "task");
    cpus.online[cpu] = 0;
    cpus.nrOnline--;
    this.evacuate(cpu);
    k.timers.migrate(cpu, cpus.online.indexOf(1));
    if (hooks.cpuDead.on !== null) hooks.cpuDead.on(cpu, undefined);
    k.log(6, `smpboot: CPU ${cpu} is now offline`);
    return 0;
  }

  /** Bring a CPU on line: 0, or a positive errno. */
  up(cpu: number): number {
    const { k } = this;
    const { cpus, hooks } = k;
    if (cpu < 0 || cpu >= cpus.nr || cpus.present[cpu] === 0 || cpus.online[cpu] === 1) return EINVAL;
    for (let i = 0; i < this.states.length; i++) {
      const r = this.states[i].up?.(cpu) ?? 0;
      if (r === 0) continue;
      for (let j = i - 1; j >= 0; j--) this.states[j].down?.(cpu);
      return r;
    }
    cpus.online[cpu] = 1;
    cpus.nrOnline++;
    cpus.since[cpu] = k.now;
    cpus.mode[cpu] = CPU_IDLE;
    cpus.idleState[cpu] = -1;
    k.log(6, `smpboot: Booting Node ${k.options.machine.cpuNode[cpu]} Processor ${cpu} APIC 0x${cpu.toString(16)}`);
    if (hooks.cpuOnline.on !== null) hooks.cpuOnline.on(cpu, undefined);
    k.sched.schedule(cpu);
    if (cpus.curr[cpu] === null && cpus.idleState[cpu] < 0) k.idle.enter(cpu);
    return 0;
  }

  /** Every task on the CPU goes elsewhere. */
  private evacuate(cpu: number): void {
    const { k } = this;
    const { cpus } = k;
    for (const t of k.tasks.all()) {
      if (t.cpu !== cpu) continue;
      let allowed = false;
      for (let c = 0; c < cpus.nr && !allowed; c++) allowed = cpus.online[c] === 1 && maskHas(t.cpusMask, c);
      const wants = t.se.queued || cpus.curr[cpu] === t;
      if (!allowed && wants && !t.isKthread) {
        t.cpusMask = maskFirst(cpus.nr);
        k.log(6, `process ${t.nr} (${t.comm}) no longer affine to cpu${cpu}`);
      }
      if (wants && t.state === TASK_RUNNING) k.sched.migrateTask(t, k.sched.anyAllowed(t));
    }
  }
}

/**
 * numad/N, sched/numa's thread of node N: every two seconds it takes processes and groups from the busiest node, by CPU load or by memory
 * that had to be allocated elsewhere.
 */
import { type Core, type Ctx, type KthreadDef, maskHas, TASK_IDLE, type Task, weightOf } from "@kernelkit/core";
import { maskHasNode } from "../../policy/nodes.js";
import type { NumaSystem } from "../../state.js";
import { type NodeLoad, processCanMigrate } from "../algorithms.js";
import type { NumaEntity } from "./entity.js";

const FIRST_NS = 1e9;
const PERIOD_NS = 2e9;

interface NumadData {
  readonly nid: number;
  nextNs: number;
}

/** Loads by node; plain state. */
interface Loads {
  remoteCpu: number[];
  remoteMem: number[];
  lastForeign: number[];
  /** The most memory load a node has had. */
  maxMem: number[];
  /** Entities of a node are walked from here on. */
  cursor: number[];
}

export class Numad {
  private readonly loads: Loads;
  private readonly def: KthreadDef<NumadData>;
  private k!: Core;
  private foreign = 0;

  constructor(
    private readonly sys: NumaSystem,
    /** New loads are averaged with the old ones. The SLOW option. */
    private readonly slow: boolean,
    private readonly moved: (t: Task, e: NumaEntity) => void,
    /** Pages of the entity that would have to come to a node. */
    private readonly pagesToMove: (t: Task, e: NumaEntity, to: number) => number,
  ) {
    const zeros = (): number[] => new Array<number>(sys.nodes).fill(0);
    this.loads = { remoteCpu: zeros(), remoteMem: zeros(), lastForeign: zeros(), maxMem: zeros(), cursor: zeros() };
    this.def = { name: "numa.numad", step: (c, d) => this.step(c, d) };
  }

  install(k: Core): void {
    this.k = k;
    k.state.root("numa.numad", this.loads);
    this.foreign = k.mm.stat("numa_foreign");
  }

  boot(k: Core): void {
    for (const nid of this.sys.withCpus) {
      if (!this.sys.hasMemory(nid)) continue;
      k.tasks.kthreadCreate(this.def, `numad/${nid}`, { nid, nextNs: k.now + FIRST_NS });
    }
  }

  /** For the choice of a home node. */
  nodeLoads(): NodeLoad[] {
    const { sched, cpus: all } = this.k;
    // the thread that asks is no load
    const load = (cpu: number): number => {
      const curr = all.curr[cpu];
      return sched.rqs[cpu].load - (curr !== null && curr.kthread === this.def ? weightOf(curr) : 0);
    };
    return this.sys.cpusOf.map((cpus, nid) => ({
      cpuLoad: cpus.reduce((a, cpu) => a + load(cpu), 0),
      remoteCpuLoad: this.loads.remoteCpu[nid],
      remoteMemLoad: this.loads.remoteMem[nid],
    }));
  }

  private step(c: Ctx, d: NumadData): number | ReturnType<Ctx["sleep"]> {
    if (c.now < d.nextNs) return c.sleep(null, d.nextNs, TASK_IDLE);
    d.nextNs = c.now + PERIOD_NS;
    this.update(d.nid);
    this.pull(d.nid);
    return 0;
  }

  /** What is homed on the node but runs, or had to be allocated, elsewhere. */
  private update(nid: number): void {
    const { loads, sys } = this;
    let cpu = 0;
    for (const t of this.k.tasks.all()) {
      const e = sys.task(t).entity;
      if (e !== null && e.node === nid && t.state === 0 && sys.nodeOfCpu(t.cpu) !== nid) cpu += weightOf(t);
    }
    const total = this.k.mm.readNode(this.foreign, nid);
    const mem = total - loads.lastForeign[nid];
    loads.lastForeign[nid] = total;
    const mix = (old: number, now: number): number => (this.slow ? Math.floor((old + now) / 2) : now);
    loads.remoteCpu[nid] = mix(loads.remoteCpu[nid], cpu);
    loads.remoteMem[nid] = mix(loads.remoteMem[nid], mem);
    loads.maxMem[nid] = Math.max(loads.maxMem[nid], loads.remoteMem[nid]);
  }

  private pull(to: number): void {
    const loads = this.nodeLoads();
    if (loads[to].remoteMemLoad > 0) return;
    const cpu = loads.map((l) => l.cpuLoad + l.remoteCpuLoad);
    const mem = loads.map((l) => l.remoteMemLoad);
    const busiest = (a: readonly number[]): number => a.indexOf(Math.max(...a));
    const mean = (a: readonly number[]): number => a.reduce((x, y) => x + y, 0) / a.length;
    const byCpu = busiest(cpu);
    const byMem = busiest(mem);
    const excess = (a: readonly number[], i: number): number => (mean(a) === 0 ? 0 : a[i] / mean(a));
    const from = excess(mem, byMem) > excess(cpu, byCpu) ? byMem : byCpu;
    if (from === to) return;
    const cpuGap = Math.max(0, Math.floor((cpu[from] - cpu[to]) / 2));
    const memGap = Math.max(0, Math.floor((mem[from] - mem[to]) / 2));
    if (cpuGap > 0 || memGap > 0) this.take(from, to, cpuGap, memGap);
  }

  /** Processes and groups of the node, in the order in which they came, each with its threads. */
  private entitiesOf(nid: number): [NumaEntity, Task[]][] {
    const by = new Map<NumaEntity, Task[]>();
    for (const t of this.k.tasks.all()) {
      const e = t.isKthread || t.exiting ? null : this.sys.task(t).entity;
      if (e === null || e.node !== nid || this.sys.task(t).policy !== null) continue;
      const list = by.get(e);
      if (list === undefined) by.set(e, [t]);
      else list.push(t);
    }
    return [...by];
  }

  private take(from: number, to: number, cpuGap: number, memGap: number): void {
    const all = this.entitiesOf(from);
    const loadOf = (tasks: readonly Task[]): number => tasks.reduce((a, t) => a + (t.state === 0 ? weightOf(t) : 0), 0);
    const homed = (nid: number): number => this.entitiesOf(nid).reduce((a, [, tasks]) => a + loadOf(tasks), 0);
    let here = homed(from);
    let there = homed(to);
    let cpuLeft = cpuGap;
    let memLeft = memGap;
    for (let i = 0; i < all.length && (cpuLeft > 0 || memLeft > 0); i++) {
      const [e, tasks] = all[this.loads.cursor[from]++ % all.length];
      const cpu = loadOf(tasks);
      const mem = Math.max(...tasks.map((t) => t.mm?.rssPages ?? 0));
      // more would come than is to go
      if (cpuLeft < cpu / 2) continue;
      // a process that is most of a node's load would only go to and fro
      if (cpu > 0 && there + cpu >= here) continue;
      if (memLeft > 0 && this.loads.remoteMem[to] + mem > Math.max(this.loads.maxMem[to], memGap)) continue;
      if (!this.mayMove(tasks, to) || !this.fits(e, tasks, to)) continue;
      cpuLeft -= cpu;
      memLeft -= mem;
      here -= cpu;
      there += cpu;
      this.migrate(e, tasks, to);
    }
  }

  /** Is there room on the node for the memory that is to follow? */
  private fits(e: NumaEntity, tasks: readonly Task[], to: number): boolean {
    let room = 0;
    for (const z of this.k.mm.zones) if (z.nid === to) room += Math.max(0, z.free - z.high);
    const done = new Set<unknown>();
    for (const t of tasks) {
      if (t.mm === null || done.has(t.mm)) continue;
      done.add(t.mm);
      room -= this.pagesToMove(t, e, to);
    }
    return room >= 0;
  }

  private mayMove(tasks: readonly Task[], to: number): boolean {
    const cpus = this.sys.cpusOf[to];
    const runtime = tasks.reduce((a, t) => a + t.se.sumExecNs, 0);
    return processCanMigrate(
      runtime,
      tasks.every((t) => cpus.some((cpu) => maskHas(t.cpusMask, cpu))),
      tasks.every((t) => maskHasNode(t.memsAllowed, to)),
    );
  }

  private migrate(e: NumaEntity, tasks: readonly Task[], to: number): void {
    e.node = to;
    const done = new Set<unknown>();
    for (const t of tasks) {
      this.sys.task(t).migrateRetryNs = 0;
      if (t.mm === null || done.has(t.mm)) continue;
      done.add(t.mm);
      this.moved(t, e);
    }
  }
}

/**
 * Moving tasks to their memory, `task_numa_migrate()`: a CPU of the preferred node is found where the task can go or whose task would
 * gain (or lose little) by an exchange; the load of the nodes may not get further apart. Loads are the run queues' weights: core keeps
 * no decaying averages, so "has spare" and "overloaded" go by the number of runnable tasks.
 */
import { maskHas, type Task, type Tracepoint, weightOf } from "@kernelkit/core";
import type { NumaSystem } from "../../state.js";
import { adjustNumaImbalance, loadTooImbalanced } from "../algorithms.js";
import type { TaskNuma } from "../taskNuma.js";
import type { Weights } from "./weights.js";

/** An exchange must gain so much in all, and half of it more than the best found so far. */
const SMALLIMP = 30;
const CAPACITY = 1024;

interface NodeStats {
  load: number;
  capacity: number;
  running: number;
  cpus: number;
  /** First idle CPU the task may use, -1: none. */
  idleCpu: number;
}

/** The search for a place. */
interface Env {
  readonly p: Task;
  readonly n: TaskNuma;
  readonly srcCpu: number;
  readonly srcNid: number;
  dstNid: number;
  dist: number;
  src: NodeStats;
  dst: NodeStats;
  bestCpu: number;
  bestTask: Task | null;
  bestImp: number;
}

type Move = Tracepoint<[t: Task, srcCpu: number, dstCpu: number]>;
type Pair = Tracepoint<[src: Task, srcCpu: number, dst: Task | null, dstCpu: number]>;

export class TaskMigrate {
  private readonly moved: Move;
  private readonly stuck: Pair;
  private readonly swapped: Pair;
  /** Small imbalances between nodes that are none: an eighth of a node's CPUs. `imb_numa_nr` */
  private readonly imbNumaNr: number;

  constructor(
    private readonly sys: NumaSystem,
    private readonly weights: Weights,
    private readonly setNuma: (t: Task, nid: number) => void,
  ) {
    const { trace } = sys.k;
    const ngid = (t: Task | null): number => (t === null ? 0 : (sys.task(t).group?.gid ?? 0));
    const nid = (cpu: number): number => (cpu < 0 ? -1 : sys.nodeOfCpu(cpu));
    this.moved = trace.define(
      "sched",
      "sched_move_numa",
      (t: Task, src: number, dst: number) =>
        `pid=${t.nr} tgid=${t.tgid.nr[0]} ngid=${ngid(t)} src_cpu=${src} src_nid=${nid(src)} dst_cpu=${dst} dst_nid=${nid(dst)}`,
    );
    const pair = (a: Task, src: number, b: Task | null, dst: number): string =>
      `src_pid=${a.nr} src_tgid=${a.tgid.nr[0]} src_ngid=${ngid(a)} src_cpu=${src} src_nid=${nid(src)} ` +
      `dst_pid=${b?.nr ?? 0} dst_tgid=${b?.tgid.nr[0] ?? 0} dst_ngid=${ngid(b)} dst_cpu=${dst} dst_nid=${nid(dst)}`;
    this.stuck = trace.define("sched", "sched_stick_numa", pair);
    this.swapped = trace.define("sched", "sched_swap_numa", pair);
    const widest = Math.max(...sys.cpusOf.map((c) => c.length));
    this.imbNumaNr = Math.max(1, widest >> 3);
  }

  /** Look for a better CPU: where, and with whom to exchange; null: stay. */
  find(p: Task): { cpu: number; swap: Task | null } | null {
    const { sys } = this;
    const n = sys.task(p);
    const srcNid = sys.nodeOfCpu(p.cpu);
    const env: Env = {
      p,
      n,
      srcCpu: p.cpu,
      srcNid,
      dstNid: n.preferredNid,
      dist: sys.distance(srcNid, n.preferredNid),
      src: this.stats(p, srcNid),
      dst: this.stats(p, n.preferredNid),
      bestCpu: -1,
      bestTask: null,
      bestImp: 0,
    };
    this.consider(env, n.preferredNid, true);
    if (env.bestCpu < 0 || (n.group !== null && n.group.activeNodes > 1))
      for (const nid of sys.withCpus) if (nid !== srcNid && nid !== n.preferredNid) this.consider(env, nid, false);
    if (n.group !== null) {
      const nid = env.bestCpu < 0 ? srcNid : sys.nodeOfCpu(env.bestCpu);
      if (nid !== n.preferredNid) this.setNuma(p, nid);
    }
    if (env.bestCpu >= 0) return { cpu: env.bestCpu, swap: env.bestTask };
    if (this.stuck.on) this.stuck.emit(p, p.cpu, null, -1);
    return null;
  }

  /** Do what was found, if it is still so. */
  carryOut(p: Task, cpu: number, swap: Task | null): void {
    const { sched } = this.sys.k;
    const from = p.cpu;
    if (swap === null) {
      if (this.moved.on) this.moved.emit(p, from, cpu);
      sched.migrateTask(p, cpu);
      return;
    }
    if (this.swapped.on) this.swapped.emit(p, from, swap, cpu);
    sched.swapTasks(p, swap);
  }

  private stats(p: Task, nid: number): NodeStats {
    const { k, cpusOf } = this.sys;
    const s: NodeStats = { load: 0, capacity: 0, running: 0, cpus: 0, idleCpu: -1 };
    for (const cpu of cpusOf[nid]) {
      if (k.cpus.online[cpu] === 0) continue;
      const rq = k.sched.rqs[cpu];
      s.load += rq.load;
      s.running += rq.nrRunning;
      s.capacity += CAPACITY;
      s.cpus++;
      if (s.idleCpu < 0 && rq.nrRunning === 0 && maskHas(p.cpusMask, cpu)) s.idleCpu = cpu;
    }
    return s;
  }

  /** Candidates of one node. */
  private consider(env: Env, nid: number, always: boolean): void {
    const { n, srcNid } = env;
    const dist = this.sys.distance(srcNid, nid);
    const taskImp = this.weights.task(n, nid, dist) - this.weights.task(n, srcNid, dist);
    const groupImp = this.weights.group(n, nid, dist) - this.weights.group(n, srcNid, dist);
    if (!always && taskImp < 0 && groupImp < 0) return;
    env.dist = dist;
    env.dstNid = nid;
    env.dst = this.stats(env.p, nid);
    this.findCpu(env, taskImp, groupImp);
  }

  private findCpu(env: Env, taskImp: number, groupImp: number): void {
    const { src, dst, p } = env;
    const { k, cpusOf } = this.sys;
    let mayMove: boolean;
    if (dst.running < dst.cpus) {
      const running = dst.running + 1;
      const gap = Math.max(0, running - (src.running - 1));
      mayMove = adjustNumaImbalance(gap, running, this.imbNumaNr) === 0;
      if (mayMove && dst.idleCpu >= 0) {
        this.assign(env, dst.idleCpu, null, env.n.group !== null ? groupImp : taskImp);
        return;
      }
    }
    mayMove = !this.tooImbalanced(env, weightOf(p));
    for (const cpu of cpusOf[env.dstNid]) {
      if (k.cpus.online[cpu] === 0 || !maskHas(p.cpusMask, cpu)) continue;
      if (this.compare(env, cpu, taskImp, groupImp, mayMove)) return;
    }
  }

  /** Would the nodes' loads be further apart with `load` moved over? */
  private tooImbalanced(env: Env, load: number): boolean {
    const { src, dst } = env;
    return loadTooImbalanced({
      srcLoad: src.load - load,
      dstLoad: dst.load + load,
      origSrcLoad: src.load,
      origDstLoad: dst.load,
      srcCapacity: src.capacity,
      dstCapacity: dst.capacity,
    });
  }

  /** One CPU: a move there, or an exchange with its task. True: the search is over. */
  private compare(env: Env, cpu: number, taskImp: number, groupImp: number, mayMove: boolean): boolean {
    const { k } = this.sys;
    const own = env.n.group;
    const moveImp = own !== null ? groupImp : taskImp;
    const curr = k.cpus.curr[cpu];
    const cur = curr === null || curr.exiting || curr.isKthread ? null : curr;
    if (cur === env.p) return true;
    if (cur === null) {
      if (mayMove && moveImp > env.bestImp) this.assign(env, cpu, null, moveImp);
      return mayMove && env.bestCpu >= 0 && k.sched.rqs[env.bestCpu].nrRunning === 0;
    }
    const c = this.sys.task(cur);
    if (c.moving || !maskHas(cur.cpusMask, env.srcCpu)) return false;
    const prefersSrc = c.preferredNid === env.srcNid;
    const best = env.bestTask === null ? null : this.sys.task(env.bestTask);
    if (best !== null && best.preferredNid === env.srcNid && !prefersSrc) return false;
    // with a CPU to spare nobody of the same group is put out
    if (c.group === own && env.dst.running < env.dst.cpus) return false;
    let imp = this.exchangeGain(env, c, moveImp, taskImp);
    if (c.preferredNid === env.dstNid) imp -= Math.trunc(imp / 16);
    if (prefersSrc) imp += Math.trunc(imp / 8);
    if (mayMove && moveImp > imp && moveImp > env.bestImp) {
      this.assign(env, cpu, null, moveImp);
      return false;
    }
    const better = best !== null && prefersSrc && best.preferredNid !== env.srcNid;
    if (!better && (imp < SMALLIMP || imp <= env.bestImp + SMALLIMP / 2)) return false;
    const load = weightOf(env.p) - weightOf(cur);
    if (!better && load !== 0 && this.tooImbalanced(env, load)) return false;
    this.assign(env, cpu, cur, imp);
    return !mayMove && prefersSrc;
  }

  /** What both gain together by changing places. */
  private exchangeGain(env: Env, c: TaskNuma, moveImp: number, taskImp: number): number {
    const { srcNid, dstNid, dist } = env;
    const own = env.n.group;
    const w = this.weights;
    const theirs = (group: boolean): number =>
      group ? w.group(c, srcNid, dist) - w.group(c, dstNid, dist) : w.task(c, srcNid, dist) - w.task(c, dstNid, dist);
    if (c.group !== own) return moveImp + theirs(c.group !== null && own !== null);
    const imp = taskImp + theirs(false);
    return own !== null ? imp - Math.trunc(imp / 16) : imp;
  }

  private assign(env: Env, cpu: number, task: Task | null, imp: number): void {
    env.bestCpu = cpu;
    env.bestTask = task;
    env.bestImp = imp;
  }
}

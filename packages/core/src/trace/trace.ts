/**
 * The trace of a kernel: its tracepoints, the ring they write to, and the two ways out (ftrace text, trace viewer JSON).
 * Tracing is looking: it changes no state and no digest.
 */
import type { Core } from "../kernel/core.js";
import type { Task } from "../task/task.js";
import { type TraceFormat, Tracepoint, type TraceRecord, type TraceSink } from "./tracepoint.js";

const STATE_LETTERS = "RSDDTtZXIS";

export class Trace implements TraceSink {
  readonly points: Map<string, Tracepoint<never[]>> = new Map();
  private ring: TraceRecord[] = [];
  private next = 0;
  /** Records kept; older ones are overwritten. */
  capacity = 100_000;
  overwritten = 0;
  /** tracing_on is 0: nothing is recorded. */
  stopped = false;

  readonly schedSwitch: Tracepoint<[cpu: number, prev: Task | null, next: Task | null]>;
  readonly schedWakeup: Tracepoint<[t: Task, cpu: number]>;
  readonly schedWakeupNew: Tracepoint<[t: Task, cpu: number]>;
  readonly schedMigrateTask: Tracepoint<[t: Task, cpu: number]>;
  readonly schedProcessFork: Tracepoint<[parent: Task, child: Task]>;
  readonly schedProcessExec: Tracepoint<[t: Task, filename: string, oldPid: number]>;
  readonly schedProcessExit: Tracepoint<[t: Task]>;
  readonly schedProcessWait: Tracepoint<[t: Task]>;
  readonly schedProcessFree: Tracepoint<[t: Task]>;
  readonly taskNewtask: Tracepoint<[t: Task, flags: number]>;
  readonly taskRename: Tracepoint<[t: Task, newComm: string]>;
  readonly signalGenerate: Tracepoint<[sig: number, t: Task, code: number, group: number, result: number]>;
  readonly signalDeliver: Tracepoint<[sig: number, code: number, handler: string, flags: number]>;
  readonly softirqEntry: Tracepoint<[cpu: number, vec: number]>;
  readonly softirqExit: Tracepoint<[cpu: number, vec: number]>;
  readonly cpuIdle: Tracepoint<[cpu: number, state: number]>;
  readonly sysEnter: Tracepoint<[t: Task, name: string]>;
  readonly sysExit: Tracepoint<[t: Task, name: string, ret: unknown]>;

  constructor(readonly k: Core) {
    const prio = (t: Task | null): number =>
      t === null ? 120 : t.se.rtPriority > 0 ? 99 - t.se.rtPriority : 120 + t.se.nice;
    const idle = (cpu: number): string => `swapper/${cpu}`;
    this.schedSwitch = this.define(
      "sched",
      "sched_switch",
      (cpu: number, p: Task | null, n: Task | null) =>
        `prev_comm=${p?.comm ?? idle(cpu)} prev_pid=${p?.nr ?? 0} prev_prio=${prio(p)} prev_state=${p === null ? "R" : STATE_LETTERS[p.state]} ==> next_comm=${n?.comm ?? idle(cpu)} next_pid=${n?.nr ?? 0} next_prio=${prio(n)}`,
      (cpu, p) => ({ task: p, cpu }),
    );
    const wake = (t: Task, cpu: number): string =>
      `comm=${t.comm} pid=${t.nr} prio=${prio(t)} target_cpu=${String(cpu).padStart(3, "0")}`;
    this.schedWakeup = this.define("sched", "sched_wakeup", wake);
    this.schedWakeupNew = this.define("sched", "sched_wakeup_new", wake);
    this.schedMigrateTask = this.define(
      "sched",
      "sched_migrate_task",
      (t: Task, cpu: number) => `comm=${t.comm} pid=${t.nr} prio=${prio(t)} orig_cpu=${t.cpu} dest_cpu=${cpu}`,
    );
    this.schedProcessFork = this.define(
      "sched",
      "sched_process_fork",
      (p: Task, c: Task) => `comm=${p.comm} pid=${p.nr} child_comm=${c.comm} child_pid=${c.nr}`,
    );
    this.schedProcessExec = this.define(
      "sched",
      "sched_process_exec",
      (t: Task, filename: string, oldPid: number) => `filename=${filename} pid=${t.nr} old_pid=${oldPid}`,
    );
    const one = (t: Task): string => `comm=${t.comm} pid=${t.nr} prio=${prio(t)}`;
    this.schedProcessExit = this.define("sched", "sched_process_exit", one);
    this.schedProcessWait = this.define("sched", "sched_process_wait", one);
    this.schedProcessFree = this.define("sched", "sched_process_free", one);
    this.taskNewtask = this.define(
      "task",
      "task_newtask",
      (t: Task, flags: number) =>
        `pid=${t.nr} comm=${t.comm} clone_flags=${flags.toString(16)} oom_score_adj=${t.signal.oomScoreAdj}`,
    );
    this.taskRename = this.define(
      "task",
      "task_rename",
      (t: Task, comm: string) => `pid=${t.nr} oldcomm=${t.comm} newcomm=${comm} oom_score_adj=${t.signal.oomScoreAdj}`,
    );
    this.signalGenerate = this.define(
      "signal",
      "signal_generate",
      (sig: number, t: Task, code: number, group: number, result: number) =>
        `sig=${sig} errno=0 code=${code} comm=${t.comm} pid=${t.nr} grp=${group} res=${result}`,
    );
    this.signalDeliver = this.define(
      "signal",
      "signal_deliver",
      (sig: number, code: number, handler: string, flags: number) =>
        `sig=${sig} errno=0 code=${code} sa_handler=${handler} sa_flags=${flags.toString(16)}`,
    );
    const vec = (_: number, v: number): string => `vec=${v} [action=${SOFTIRQ_NAMES[v]}]`;
    this.softirqEntry = this.define("irq", "softirq_entry", vec, (cpu) => ({ cpu }));
    this.softirqExit = this.define("irq", "softirq_exit", vec, (cpu) => ({ cpu }));
    this.softirqEntry.format = this.softirqExit.format = SOFTIRQ_FORMAT;
    this.cpuIdle = this.define(
      "power",
      "cpu_idle",
      (cpu: number, state: number) => `state=${state >>> 0} cpu_id=${cpu}`,
      (cpu) => ({ task: null, cpu }),
    );
    this.sysEnter = this.define(
      "raw_syscalls",
      "sys_enter",
      (_: Task, name: string) => `NR ${name}`,
      (t) => ({ task: t }),
    );
    this.sysExit = this.define(
      "raw_syscalls",
      "sys_exit",
      (_: Task, name: string, ret: unknown) => `NR ${name} = ${typeof ret === "number" ? ret : 0}`,
      (t) => ({ task: t }),
    );
  }

  /** Add a tracepoint. TypeError if `system:name` exists. */
  define<A extends unknown[]>(
    system: string,
    name: string,
    print: (...args: A) => string,
    where: ((...args: A) => { task?: Task | null; cpu?: number }) | null = null,
  ): Tracepoint<A> {
    const key = `${system}:${name}`;
    if (this.points.has(key)) throw new TypeError(`tracepoint '${key}' is defined twice`);
    const tp = new Tracepoint<A>(this, system, name, print, where);
    this.points.set(key, tp as unknown as Tracepoint<never[]>);
    return tp;
  }

  /** Switch on "system:name", "system:*", or "*". RangeError if nothing matches. Returns a function that switches off again. */
  enable(pattern: string): () => void {
    const hit = this.matching(pattern);
    for (const tp of hit) tp.on = true;
    return () => {
      for (const tp of hit) tp.on = tp.listeners.length > 0;
    };
  }

  /** Be told of a tracepoint's records as they happen. Returns a function that stops it. */
  listen(pattern: string, fn: (name: string, ...args: unknown[]) => void): () => void {
    const stop: (() => void)[] = [];
    for (const tp of this.matching(pattern)) {
      const f = (...args: unknown[]): void => fn(`${tp.system}:${tp.name}`, ...args);
      (tp.listeners as unknown as ((...args: unknown[]) => void)[]).push(f);
      tp.on = true;
      stop.push(() => {
        tp.listeners = tp.listeners.filter((x) => (x as unknown) !== f);
        if (tp.listeners.length === 0) tp.on = false;
      });
    }
    return () => {
      for (const f of stop) f();
    };
  }

  private matching(pattern: string): Tracepoint<never[]>[] {
    const hit = [...this.points.values()].filter(
      (tp) => pattern === "*" || pattern === `${tp.system}:*` || pattern === `${tp.system}:${tp.name}`,
    );
    if (hit.length === 0) throw new RangeError(`no tracepoint matches '${pattern}'`);
    return hit;
  }

  record(tp: Tracepoint<never[]>, args: readonly unknown[], task: Task | null | undefined, cpu: number): void {
    if (this.stopped) return;
    const k = this.k;
    const c = cpu >= 0 ? cpu : (task?.cpu ?? k.currentCpu);
    const t = task === undefined ? (k.current ?? k.cpus.currentOf(c)) : task;
    const r: TraceRecord = {
      tp,
      timeNs: k.now,
      cpu: c,
      pid: t?.nr ?? 0,
      comm: t?.comm ?? "<idle>",
      event: k.events.currentId,
      cause: k.events.currentCause,
      args: [tp.print(...(args as never[]))],
    };
    if (this.ring.length < this.capacity) this.ring.push(r);
    else {
      this.ring[this.next] = r;
      this.next = (this.next + 1) % this.capacity;
      this.overwritten++;
    }
  }

  /** The records kept, oldest first. */
  records(): TraceRecord[] {
    return [...this.ring.slice(this.next), ...this.ring.slice(0, this.next)];
  }

  clear(): void {
    this.ring = [];
    this.next = 0;
  }

  /** As /sys/kernel/tracing/trace prints its lines. */
  text(): string {
    let out = "";
    for (const r of this.records()) {
      const us = Math.floor(r.timeNs / 1000);
      const stamp = `${String(Math.floor(us / 1e6)).padStart(6)}.${String(us % 1e6).padStart(6, "0")}`;
      out += `${r.comm.padStart(16)}-${String(r.pid).padEnd(7)} [${String(r.cpu).padStart(3, "0")}] ..... ${stamp}: ${r.tp.name}: ${r.args[0]}\n`;
    }
    return out;
  }

  /** Chrome/Perfetto JSON: one track per CPU with what ran on it, instants for everything else. */
  toJson(): string {
    const events: object[] = [];
    const open = new Map<number, { name: string; ts: number; pid: number }>();
    for (const r of this.records()) {
      const ts = r.timeNs / 1000;
      if (r.tp.name === "sched_switch") {
        const next = /next_comm=(.*) next_pid=(\d+)/.exec(r.args[0] as string);
        const o = open.get(r.cpu);
        if (o !== undefined && o.pid !== 0)
          events.push({ name: `${o.name}-${o.pid}`, ph: "X", ts: o.ts, dur: ts - o.ts, pid: 0, tid: r.cpu });
        if (next !== null) open.set(r.cpu, { name: next[1], ts, pid: Number(next[2]) });
        continue;
      }
      events.push({
        name: r.tp.name,
        ph: "i",
        s: "t",
        ts,
        pid: 0,
        tid: r.cpu,
        args: { text: r.args[0], task: `${r.comm}-${r.pid}`, event: r.event, cause: r.cause },
      });
    }
    for (let c = 0; c < this.k.cpus.nr; c++)
      events.push({ name: "thread_name", ph: "M", pid: 0, tid: c, args: { name: `CPU ${c}` } });
    return JSON.stringify({ displayTimeUnit: "ns", traceEvents: events });
  }
}

/** Format of the softirq tracepoints. */
export const SOFTIRQ_FORMAT: TraceFormat = {
  fields: [["unsigned int", "vec", 4, 0]],
  print:
    '"vec=%u [action=%s]", REC->vec, __print_symbolic(REC->vec, { 0, "HI" }, { 1, "TIMER" }, { 2, "NET_TX" }, { 3, "NET_RX" }, { 4, "BLOCK" }, { 5, "IRQ_POLL" }, { 6, "TASKLET" }, { 7, "SCHED" }, { 8, "HRTIMER" }, { 9, "RCU" })',
};

const SOFTIRQ_NAMES = ["HI", "TIMER", "NET_TX", "NET_RX", "BLOCK", "IRQ_POLL", "TASKLET", "SCHED", "HRTIMER", "RCU"];

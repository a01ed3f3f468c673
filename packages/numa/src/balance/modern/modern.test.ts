/** Tasks and groups of today's balancing: who joins whom, where a task belongs, and that tasks go to memory that cannot come to them. */
import {
  type CoreSys,
  createKernel,
  MPOL_BIND,
  MPOL_F_NUMA_BALANCING,
  type Program,
  program,
  type Task,
} from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import type { NumaSys } from "../../calls/numaSys.js";
import { MACHINES } from "../../machines/presets.js";
import { numa } from "../../numa.js";
import { sharedWrite } from "../../workloads/generators.js";
import { runScenario } from "../../workloads/scenario.js";
import { TaskNuma } from "../taskNuma.js";
import { NumaGroup, shouldJoin } from "./numaGroup.js";
import { topologyOf } from "./weights.js";

const AT = 0x200000000;

/** Uses memory that is bound to a node, and may be hinted there; begins on a CPU. */
const bound = program(
  "bound",
  function* (sys: Program<CoreSys & NumaSys>, s: { node: number; cpu: number; on: boolean }) {
    if (!s.on) {
      yield* sys.mmap(AT, 1024 * 4096, 3, 0x32, -1, 0);
      yield* sys.mbind(AT, 1024 * 4096, MPOL_BIND | MPOL_F_NUMA_BALANCING, [s.node], 64, 0);
      yield* sys.sched_setaffinity(0, [s.cpu]);
      yield* sys.touch(AT, 1024, true);
      yield* sys.sched_setaffinity(0, [0, 1]);
      s.on = true;
    }
    for (;;) {
      yield* sys.restPoint(s);
      for (let i = 0; i < 1024; i += 128) yield* sys.useMemory(AT + i * 4096, 128, 64, true);
    }
  },
);

const two = (cmdline = "") =>
  createKernel({
    machine: { cpus: 2, nodes: 2, nodeMemory: ["64M", "64M"], cpuNode: [0, 1] },
    cmdline: `transparent_hugepage=never ${cmdline}`,
  })
    .use(numa())
    .boot();

const nodeOf = (t: Task): number => t.cpu;

describe("modern", () => {
  it("two tasks whose memory is bound to each other's node change places", () => {
    const k = two();
    const events: string[] = [];
    k.trace.listen("sched:sched_swap_numa", (name) => events.push(name));
    const a = k.spawn(bound, { node: 1, cpu: 0, on: false });
    const b = k.spawn(bound, { node: 0, cpu: 1, on: false });
    k.run("10s");
    expect([nodeOf(a), nodeOf(b)]).toEqual([1, 0]);
    expect(events).toEqual(["sched:sched_swap_numa"]);
    expect([k.numa.taskNuma(a).preferredNid, k.numa.taskNuma(b).preferredNid]).toEqual([1, 0]);
    expect(k.sys(k.init).readText(`/proc/${a.nr}/sched`)).toMatch(/numa_preferred_nid\s*:\s+1\n/);
  });

  it("a task alone moves to an idle CPU of its memory's node", () => {
    const k = two();
    const moves: string[] = [];
    k.trace.listen("sched:sched_move_numa", (name) => moves.push(name));
    const a = k.spawn(bound, { node: 1, cpu: 0, on: false });
    k.run("6s");
    expect(nodeOf(a)).toBe(1);
    expect(moves).toHaveLength(1);
  });

  it("processes that write the same memory become a group, which /proc shows", () => {
    const r = runScenario(sharedWrite({ pages: 1024, cpus: [0, 1] }), {
      machine: { cpus: 2, nodes: 2, nodeMemory: ["64M", "64M"], cpuNode: [0, 1] },
      seconds: 12,
      sampleMs: 1000,
    });
    const { kernel } = r;
    const tasks = kernel.tasks.all().filter((t) => (t.program?.name ?? "").startsWith("numa."));
    const groups = new Set(tasks.map((t) => kernel.numa.taskNuma(t).group));
    expect(tasks).toHaveLength(2);
    expect(groups.size).toBe(1);
    const [g] = groups;
    expect(g?.nrTasks).toBe(2);
    const sum = (i: number): number => tasks.reduce((a, t) => a + kernel.numa.taskNuma(t).faults[i], 0);
    expect(g?.faults).toEqual([0, 1, 2, 3].map(sum));
    expect(g?.totalFaults).toBe(tasks.reduce((a, t) => a + kernel.numa.taskNuma(t).totalFaults, 0));
    const status = kernel.sys(kernel.init).readText(`/proc/${tasks[0].nr}/status`);
    expect(status).toMatch(new RegExp(`^Ngid:\\t${g?.gid}$`, "m"));
  });

  it("a task whose cpuset has one node is not scanned", () => {
    const k = two();
    const sys = k.sys(k.init);
    const skipped: string[] = [];
    k.trace.listen("sched:sched_skip_cpuset_numa", (name) => skipped.push(name));
    sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+cpuset");
    sys.mkdir("/sys/fs/cgroup/g", 0o755);
    sys.writeFile("/sys/fs/cgroup/g/cpuset.mems", "0");
    const t = k.spawn(bound, { node: 0, cpu: 1, on: false });
    sys.writeFile("/sys/fs/cgroup/g/cgroup.procs", String(t.nr));
    k.run("5s");
    expect(skipped.length).toBeGreaterThan(0);
    expect(k.core.mm.read(k.core.mm.stat("numa_pte_updates"))).toBe(0);
  });

  it("joins the larger group, of equal ones the older", () => {
    const task = (): TaskNuma => Object.assign(new TaskNuma(), { faults: [1, 2], faultsCpu: [0, 0], totalFaults: 3 });
    const old = new NumaGroup(10, 1, task());
    const young = new NumaGroup(11, 2, task());
    expect([shouldJoin(young, old), shouldJoin(old, young), shouldJoin(old, old)]).toEqual([true, false, false]);
    young.add(task(), 1);
    expect([shouldJoin(young, old), shouldJoin(old, young)]).toEqual([false, true]);
    expect([young.totalFaults, young.sum(0), young.sum(1)]).toEqual([6, 2, 4]);
  });

  it("tells direct, meshed and backplane machines apart by their distances", () => {
    expect(topologyOf(MACHINES.twoSocket.machine.distances).type).toBe("direct");
    expect(topologyOf(MACHINES.ring4.machine.distances).type).toBe("glueless mesh");
    expect(topologyOf(MACHINES.epycNps4.machine.distances)).toEqual({ type: "backplane", max: 32 });
  });
});

/**
 * What must hold after every operation, whatever several tasks do and whichever strategy runs: pages are on one node each, counters agree
 * with each other, bound pages stay inside, a page is queued once, periods stay in their limits, and the same seed gives the same run.
 */
import {
  createKernel,
  forEachPte,
  KernelError,
  MPOL_BIND,
  MPOL_DEFAULT,
  MPOL_INTERLEAVE,
  MPOL_PREFERRED,
  PG_BUDDY,
  PTE_SPECIAL,
  type Task,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { taskScanLimits } from "../balance/algorithms.js";
import { Autonuma } from "../balance/autonuma/autonuma.js";
import type { NumaGroup } from "../balance/modern/numaGroup.js";
import { numa } from "../numa.js";
import type { NumaSystem } from "../state.js";
import { worker } from "../workloads/workload.js";
import { STRATEGIES } from "./strategies.js";
import type { StrategyName } from "./strategy.js";

const AT = 0x200000000;
const P = 4096;
const PAGES = 64;
const NODES = 3;
const AREAS = 3;
const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
const OPS = 100;

const builder = (strategy: StrategyName) =>
  createKernel({
    machine: {
      cpus: 4,
      nodes: NODES,
      nodeMemory: ["24M", "24M", "24M"],
      cpuNode: [0, 0, 1, 1],
      distances: [
        [10, 20, 30],
        [20, 10, 30],
        [30, 30, 10],
      ],
    },
    cmdline: "transparent_hugepage=never",
  }).use(numa({ strategy, slowNodes: [2] }));
const build = (strategy: StrategyName) => builder(strategy).boot();
type K = ReturnType<typeof build>;

const sysOf = (k: K): NumaSystem => (k.numa as unknown as { sys: NumaSystem }).sys;

type Op = readonly [kind: number, who: number, area: number, node: number, x: number];
const op: fc.Arbitrary<Op> = fc.tuple(fc.nat(11), fc.nat(1), fc.nat(AREAS - 1), fc.nat(NODES), fc.nat(PAGES - 1));

/** One operation of one of two tasks; what Linux refuses is refused. */
function perform(k: K, tasks: readonly Task[], [kind, who, area, node, x]: Op): void {
  const sys = k.sys(tasks[who]);
  const at = AT + area * PAGES * P;
  const nodes = [...new Set([node % NODES, x % NODES])].sort();
  try {
    if (kind === 0) sys.touch(at, PAGES, x % 2 === 0);
    else if (kind === 1)
      sys.mbind(
        at,
        PAGES * P,
        [MPOL_DEFAULT, MPOL_BIND, MPOL_INTERLEAVE][x % 3],
        x % 3 === 0 ? null : nodes,
        64,
        x % 4 === 0 ? 2 : 0,
      );
    else if (kind === 2) sys.move_pages(0, [at + x * P, at], [node, node], 2);
    else if (kind === 3) sys.migrate_pages(0, 64, [node % NODES], nodes);
    else if (kind === 4) sys.madvise(at + (x >> 1) * P, 16 * P, 4);
    else if (kind === 5)
      sys.set_mempolicy([MPOL_DEFAULT, MPOL_PREFERRED, MPOL_INTERLEAVE][x % 3], x % 3 === 0 ? null : nodes, 64);
    else if (kind === 6) sys.sched_setaffinity(0, [x % 4]);
    else if (kind === 7) k.run(`${x * 20}ms`);
    else if (kind === 8) sys.useMemory(at, PAGES, 64, true);
    else if (kind === 9) sys.writeFile("/proc/sys/kernel/numa_balancing", `${x % 4}\n`);
    else if (kind === 10)
      sys.writeFile(`/sys/devices/system/node/node${node % NODES}/${x % 2 === 0 ? "compact" : "reclaim"}`, "64K");
    else sys.writeFile("/sys/kernel/mm/numa/demotion_enabled", x % 2 === 0 ? "1" : "0");
  } catch (e) {
    if (!(e instanceof KernelError)) throw e;
  }
}

/** As `expect(is).toBe(should)`, at a hundredth of its cost: it is asked a million times. */
function same(what: string, is: number, should: number): void {
  if (is !== should) throw new Error(`${what}: ${is}, should be ${should}`);
}
function atMost(what: string, is: number, most: number): void {
  if (!(is <= most)) throw new Error(`${what}: ${is}, should be at most ${most}`);
}

function check(k: K, strategy: StrategyName): void {
  const { mm } = k.core;
  const { frames, pt } = mm;
  const sys = sysOf(k);
  const stat = (name: string): number => mm.read(mm.stat(name));
  for (let nid = 0; nid < NODES; nid++) {
    const [hit, miss, , , local, other] = [0, 1, 2, 3, 4, 5].map((i) => mm.readNode(mm.stat("numa_hit") + i, nid));
    same(`allocations of node ${nid}`, local + other, hit + miss);
  }
  same("numa_miss and numa_foreign", stat("numa_miss"), stat("numa_foreign"));
  atMost("numa_hint_faults_local", stat("numa_hint_faults_local"), stat("numa_hint_faults"));
  atMost("numa_hint_faults", stat("numa_hint_faults"), stat("numa_pte_updates"));
  // used frames and free ones make the zones
  for (const z of mm.zones) {
    let used = 0;
    for (let pfn = Math.max(z.start, 2); pfn < z.end; pfn++)
      if (frames.refcount[pfn] > 0 && (frames.flags[pfn] & PG_BUDDY) === 0) used++;
    same(`frames of node ${z.nid}`, used + z.free, z.managed);
  }
  for (const t of k.tasks.all()) {
    if (t.mm === null) continue;
    let pages = 0;
    for (const v of t.mm.vmas)
      forEachPte(mm, t.mm, v.start, v.end, (_a, slot) => {
        const pfn = pt.val[slot];
        if (pfn <= 0 || (pt.fl[slot] & PTE_SPECIAL) !== 0) return;
        pages++;
        if (frames.refcount[pfn] === 0) throw new Error(`page ${pfn} is mapped and free`);
      });
    same(`resident pages of ${t.nr}`, pages, t.mm.rssPages);
    const n = sys.task(t);
    if (strategy === "modern" && n.faults.length > 0) {
      same(
        `total_numa_faults of ${t.nr}`,
        n.totalFaults,
        n.faults.reduce((a, b) => a + b, 0),
      );
      atMost("negative averages", 0, Math.min(...n.faults));
      const { min } = taskScanLimits(t.mm.rssPages);
      atMost("least scan period", Math.min(min, 100), n.scanPeriodMs);
      if (n.group !== null) checkGroup(k, n.group);
    }
  }
  if (sys.strategy instanceof Autonuma && strategy === "autonuma") checkQueue(sys.strategy, k);
}

/** What a group has is what its members have. */
function checkGroup(k: K, group: NumaGroup): void {
  const members = k.tasks.all().filter((t) => sysOf(k).task(t).group === group);
  atMost("members of a group that are found", members.length, group.refs);
  if (members.length !== group.refs) return;
  group.faults.forEach((sum, i) => {
    same(
      `faults ${i} of group ${group.gid}`,
      sum,
      members.reduce((a, t) => a + sysOf(k).task(t).faults[i], 0),
    );
  });
}

/** Every queued page is in the list that its columns say, once. */
function checkQueue(s: Autonuma, k: K): void {
  const { queue } = s as unknown as {
    queue: { lists: { head: Int32Array; count: Int32Array }; wanted: Uint8Array; next: Int32Array };
  };
  const seen = new Set<number>();
  const counts = [0, 0, 0];
  for (let l = 0; l < NODES * NODES; l++)
    for (let pfn = queue.lists.head[l]; pfn !== 0; pfn = queue.next[pfn]) {
      if (seen.has(pfn)) throw new Error(`page ${pfn} is queued twice`);
      seen.add(pfn);
      counts[Math.floor(l / NODES)]++;
      same(`destination of page ${pfn}`, queue.wanted[pfn] - 1, Math.floor(l / NODES));
      same(`source of page ${pfn}`, k.core.mm.nodeOf(pfn), l % NODES);
    }
  expect(counts).toEqual([...queue.lists.count]);
}

function start(strategy: StrategyName): { k: K; tasks: Task[] } {
  const k = build(strategy);
  k.core.programs.add(worker);
  const sys = k.sys(k.init);
  sys.mmap(AT, AREAS * PAGES * P, 3, 0x32, -1, 0);
  sys.touch(AT, PAGES, true);
  const child = k.tasks.find(sys.fork()) as Task;
  // somebody who uses memory all the time
  k.spawn(
    worker as never,
    {
      plan: {
        phases: [{ ranges: [{ page: 0, pages: 128, perPage: 16, write: true }], sweeps: 1 }],
        cpus: [],
        start: 3,
        group: null,
      },
      phase: 0,
      sweeps: 0,
      ready: true,
    },
    k.init,
  );
  return { k, tasks: [k.init, child] };
}

describe("every strategy", () => {
  for (const strategy of STRATEGIES)
    it(`${strategy}: counters, pages, queues and periods agree after any operations`, () => {
      fc.assert(
        fc.property(fc.array(op, { minLength: 1, maxLength: OPS }), (ops) => {
          const { k, tasks } = start(strategy);
          check(k, strategy);
          for (const o of ops) {
            perform(k, tasks, o);
            check(k, strategy);
          }
        }),
        { numRuns: Math.ceil(RUNS / STRATEGIES.length) },
      );
    }, 300_000);

  for (const strategy of STRATEGIES)
    it(`${strategy}: goes on from a checkpoint as it would have, and twice alike`, () => {
      const { k, tasks } = start(strategy);
      for (let i = 0; i < 30; i++) perform(k, tasks, [i % 9, i % 2, i % 3, i % 3, (i * 7) % PAGES]);
      const saved = JSON.parse(JSON.stringify(k.checkpoint()));
      k.run("12s");
      const again = builder(strategy).restore(saved, [worker]);
      again.run("12s");
      expect(again.digest()).toBe(k.digest());
      expect(again.sys(again.init).readText("/proc/vmstat")).toBe(k.sys(k.init).readText("/proc/vmstat"));
    }, 60_000);

  it("none leaves every page where it was", () => {
    const { k } = start("none");
    const sys = k.sys(k.init);
    const where = (): string =>
      sys
        .move_pages(
          0,
          Array.from({ length: PAGES }, (_, i) => AT + i * P),
          null,
          0,
        )
        .status.join();
    const before = where();
    k.run("20s");
    expect(where()).toBe(before);
    expect(k.core.mm.read(k.core.mm.stat("numa_pte_updates"))).toBe(0);
  });
});

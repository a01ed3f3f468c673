/**
 * numa: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { nodes: 4, cpus: 8, distances } }).use(numa()).boot();
 *     sys.mbind(addr, len, MPOL_BIND, [1], 64, 0);
 */
import { type Core, coreInstance, type Feature, type Impl, type Task } from "@kernelkit/core";
import { installBalancing } from "./balance/balancing.js";
import { Hinting } from "./balance/hinting.js";
import { schednumaCalls } from "./balance/schednuma/groupCalls.js";
import { MmNuma, TaskNuma, VmaNumab } from "./balance/taskNuma.js";
import { moveCalls } from "./calls/moveCalls.js";
import type { NumaSys } from "./calls/numaSys.js";
import { policyCalls } from "./calls/policyCalls.js";
import { type NumaCosts, NumaSpent, parseCosts } from "./cost/numaCosts.js";
import { useMemoryCall } from "./cost/useMemory.js";
import { Cpusets } from "./cpuset/cpusets.js";
import { numaMapsFile } from "./files/numaMaps.js";
import { installSettings } from "./files/settings.js";
import { type NumaOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { Mempolicy } from "./policy/mempolicy.js";
import { mpolParse, mpolText } from "./policy/mpolText.js";
import { constrainedOom } from "./policy/outOfMemory.js";
import { placePage } from "./policy/placement.js";
import { SharedPolicy } from "./policy/sharedPolicy.js";
import { NumaSettings, NumaSystem } from "./state.js";
import { makeStrategy, STRATEGIES } from "./strategy/strategies.js";
import type { Metadata, StrategyName } from "./strategy/strategy.js";
import { Demotion } from "./tiering/demotion.js";
import { UffdContext } from "./uffd/uffdContext.js";
import { faultMissing, uffdFileOps, userfaultfd } from "./uffd/userfaultfd.js";

export class NumaApi {
  constructor(private readonly sys: NumaSystem) {}

  /** The strategy that balances. */
  get strategy(): StrategyName {
    return this.sys.strategy.name;
  }
  /** What the strategy keeps, in bytes as its kernel had it. */
  metadata(): Metadata {
    return this.sys.strategy.metadata();
  }
  /** Where time has gone: arming, faults, moved pages, AutoNUMA's looks at CPUs. For views. */
  get spent(): Readonly<NumaSpent> {
    return this.sys.spent;
  }
  /** What memory costs here. */
  get costs(): NumaCosts {
    return this.sys.costs;
  }

  /** `node_distance()`: 10 local. */
  nodeDistance(from: number, to: number): number {
    return this.sys.k.options.machine.distances[from][to];
  }
  /** Nodes in the order in which `nid` falls back. */
  fallbackOrder(nid: number): readonly number[] {
    return this.sys.k.mm.fallback[nid];
  }
  /** A task's policy, as numa_maps shows it. */
  policyText(t: Task): string {
    return mpolText(this.sys.task(t).policy);
  }
  /** A task's balancing statistics. For views. */
  taskNuma(t: Task): Readonly<TaskNuma> {
    return this.sys.task(t);
  }
  /** Settings behind the files. For views. */
  get settings(): Readonly<NumaSettings> {
    return this.sys.settings;
  }
}

export function numa(options: NumaOptions = {}): Feature<"numa", NumaApi, NumaSys, never, "mempolicy"> {
  const o = resolveOptions(options);
  return {
    name: "numa",
    core: coreInstance,
    gives: {
      mempolicy: (k) => {
        const memory = k.options.machine.nodeMemoryBytes.flatMap((b, i) => (b > 0 ? [i] : []));
        return { parse: (text) => mpolParse(text, memory), text: (p) => mpolText(p as Mempolicy) };
      },
    },
    install(k: Core) {
      k.state.class(TaskNuma, MmNuma, VmaNumab, NumaSettings, NumaSpent, SharedPolicy, Mempolicy, UffdContext);
      k.state.static("file.userfaultfd", uffdFileOps);
      const sys = new NumaSystem(k, withCmdline(k, o));
      const hinting = new Hinting(sys);
      const name = strategyOf(k, o);
      sys.strategy = makeStrategy(sys.nodes > 1 ? name : "none", sys, hinting, o);
      k.state.root("numa.settings", sys.settings);
      k.state.root("numa.spent", sys.spent);
      sys.settings.balancing = balancingAtBoot(k, name);
      k.hooks.forked.tap(200, "numa", (parent, child) => {
        const from = sys.task(parent);
        const to = sys.task(child);
        to.policy = from.policy;
        to.ilPrev = from.ilPrev;
        to.ilWeight = from.ilWeight;
      });
      k.hooks.pageChoose.tap(
        200,
        "numa",
        (r) => {
          placePage(sys, r);
          return undefined;
        },
        true,
      );
      k.hooks.outOfMemory.tap(200, "numa", (r) => constrainedOom(sys, r));
      if (sys.strategy.name !== "none") installBalancing(sys, hinting);
      new Cpusets(sys, k).install();
      k.proc.pidFile("numa_maps", numaMapsFile(sys, k));
      const demotion = new Demotion(sys);
      demotion.install();
      installSettings(sys, demotion);
      k.hooks.faultMissing.tap(200, "numa", faultMissing);
      const calls: Impl<NumaSys> = {
        ...policyCalls(sys),
        ...moveCalls(sys),
        ...schednumaCalls(sys),
        ...useMemoryCall(sys),
        userfaultfd,
      };
      return { api: new NumaApi(sys), sys: calls, boot: () => boot(sys, demotion) };
    },
  };
}

function boot(sys: NumaSystem, demotion: Demotion): void {
  sys.strategy.boot(sys.k);
  demotion.boot();
}

/** numa_strategy= of the command line goes before the option; a name that is not known is said in the log and not used. */
function strategyOf(k: Core, o: ResolvedOptions): StrategyName {
  const word = k.cmdline.get("numa_strategy");
  if (word === undefined) return o.strategy;
  if ((STRATEGIES as readonly string[]).includes(word)) return word as StrategyName;
  k.log(4, `numa: unknown numa_strategy=${word}, using ${o.strategy}; there are ${STRATEGIES.join(", ")}`);
  return o.strategy;
}

/** numa_cost= of the command line changes single costs. */
function withCmdline(k: Core, o: ResolvedOptions): ResolvedOptions {
  const word = k.cmdline.get("numa_cost");
  if (word === undefined) return o;
  const costs = parseCosts(word, o.costs);
  if (costs === null) k.log(4, `numa: bad numa_cost=${word}; it is access=NS,fault=NS,migrate=NS,arm=NS,visit=NS`);
  return costs === null ? o : { ...o, costs };
}

/** numa_balancing= of the command line; else on where there is more than one node. */
function balancingAtBoot(k: Core, strategy: StrategyName): number {
  if (strategy === "none") return 0;
  const word = k.cmdline.get("numa_balancing");
  if (word === "enable") return 1;
  if (word === "disable") return 0;
  return k.options.machine.nodes > 1 ? 1 : 0;
}

/**
 * numa: the package as a feature.
 *
 *     const kernel = createKernel({ machine: { nodes: 4, cpus: 8, distances } }).use(numa()).boot();
 *     sys.mbind(addr, len, MPOL_BIND, [1], 64, 0);
 */
import type { Core, Feature, Impl, Task } from "@kernelkit/core";
import { ModernBalancer } from "./balance/modern.js";
import { schednumaCalls } from "./balance/schednumaGroups.js";
import { moveCalls } from "./calls/moveCalls.js";
import type { NumaSys } from "./calls/numaSys.js";
import { policyCalls } from "./calls/policyCalls.js";
import { numaMapsFile } from "./files/numaMaps.js";
import { installSettings } from "./files/settings.js";
import { type NumaOptions, type ResolvedOptions, resolveOptions, STRATEGIES, type Strategy } from "./options.js";
import { Mempolicy } from "./policy/mempolicy.js";
import { mpolParse, mpolText } from "./policy/mpolText.js";
import { constrainedOom } from "./policy/outOfMemory.js";
import { placePage } from "./policy/placement.js";
import { SharedPolicy } from "./policy/sharedPolicy.js";
import { MmNuma, NumaSettings, NumaSystem, TaskNuma } from "./state.js";
import { UffdContext } from "./uffd/uffdContext.js";
import { faultMissing, uffdFileOps, userfaultfd } from "./uffd/userfaultfd.js";

export class NumaApi {
  constructor(
    private readonly sys: NumaSystem,
    /** The strategy that balances. */
    readonly strategy: Strategy,
  ) {}

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
    gives: {
      mempolicy: (k) => {
        const memory = k.options.machine.nodeMemoryBytes.flatMap((b, i) => (b > 0 ? [i] : []));
        return { parse: (text) => mpolParse(text, memory), text: (p) => mpolText(p as Mempolicy) };
      },
    },
    install(k: Core) {
      k.state.class(TaskNuma, MmNuma, NumaSettings, SharedPolicy, Mempolicy, UffdContext);
      k.state.static("file.userfaultfd", uffdFileOps);
      const sys = new NumaSystem(k);
      const strategy = strategyOf(k, o);
      k.state.root("numa.settings", sys.settings);
      sys.settings.balancing = balancingAtBoot(k, strategy);
      k.hooks.forked.tap(200, "numa", (parent, child) => {
        const from = sys.task(parent);
        const to = sys.task(child);
        to.policy = from.policy;
        to.ilPrev = from.ilPrev;
        to.ilWeight = from.ilWeight;
      });
      k.hooks.pageChoose.tap(200, "numa", (r) => {
        placePage(sys, r);
        return undefined;
      });
      k.hooks.outOfMemory.tap(200, "numa", (r) => constrainedOom(sys, r));
      if (strategy === "modern" && sys.nodes > 1) new ModernBalancer(sys).install();
      k.proc.pidFile("numa_maps", numaMapsFile(sys, k));
      installSettings(sys);
      k.hooks.faultMissing.tap(200, "numa", faultMissing);
      const calls: Impl<NumaSys> = {
        ...policyCalls(sys),
        ...moveCalls(sys),
        ...schednumaCalls(sys, strategy === "schednuma"),
        userfaultfd,
      };
      return { api: new NumaApi(sys, strategy), sys: calls };
    },
  };
}

function strategyOf(k: Core, o: ResolvedOptions): Strategy {
  const word = k.cmdline.get("numa_strategy");
  return word !== undefined && (STRATEGIES as readonly string[]).includes(word) ? (word as Strategy) : o.strategy;
}

/** numa_balancing= of the command line; else on where there is more than one node. */
function balancingAtBoot(k: Core, strategy: Strategy): number {
  if (strategy === "none") return 0;
  const word = k.cmdline.get("numa_balancing");
  if (word === "enable") return 1;
  if (word === "disable") return 0;
  return k.options.machine.nodes > 1 ? 1 : 0;
}

/** What `numa()` can be given. Every default is what Linux 6.18 does. */
import { checkCosts, type NumaCosts } from "./cost/numaCosts.js";
import { STRATEGIES } from "./strategy/strategies.js";
import type { StrategyName } from "./strategy/strategy.js";

export interface NumaOptions {
  /** Balancing design; the boot parameter `numa_strategy=` goes before it. Default "modern". */
  strategy?: StrategyName;
  /** What memory costs in virtual time; the boot parameter `numa_cost=` goes before it. Defaults: `DEFAULT_COSTS`. */
  costs?: Partial<NumaCosts>;
  /** Nodes whose memory is of a slower tier (CXL, persistent memory). Default: none. */
  slowNodes?: readonly number[];
  /** schednuma: node loads are averaged over time (its SLOW feature). Default false. */
  slow?: boolean;
}

export interface ResolvedOptions {
  readonly strategy: StrategyName;
  readonly costs: NumaCosts;
  readonly slowNodes: readonly number[];
  readonly slow: boolean;
}

const KEYS: readonly (keyof NumaOptions)[] = ["strategy", "costs", "slowNodes", "slow"];

/** Check and fill in. TypeError for an unknown option, RangeError for a value that is not allowed; both name it. */
export function resolveOptions(o: NumaOptions): ResolvedOptions {
  if (typeof o !== "object" || o === null) throw new TypeError(`numa: options must be an object, not ${String(o)}`);
  for (const key of Object.keys(o))
    if (!KEYS.includes(key as keyof NumaOptions))
      throw new TypeError(`numa: unknown option '${key}'; there are ${KEYS.join(", ")}`);
  const strategy = o.strategy ?? "modern";
  if (!STRATEGIES.includes(strategy))
    throw new RangeError(`numa: strategy must be one of ${STRATEGIES.join(", ")}, not ${String(strategy)}`);
  const slowNodes = o.slowNodes ?? [];
  if (!Array.isArray(slowNodes) || slowNodes.some((n) => !Number.isInteger(n) || n < 0))
    throw new RangeError(`numa: slowNodes must be a list of node numbers, not ${String(slowNodes)}`);
  return { strategy, costs: checkCosts(o.costs ?? {}), slowNodes, slow: o.slow === true };
}

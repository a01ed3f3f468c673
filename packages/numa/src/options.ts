/** What `numa()` can be given. Every default is what Linux 6.18 does. */

/** Balancing designs that are there: today's, sched/numa's groups (calls only), none. */
export type Strategy = "modern" | "schednuma" | "none";
export const STRATEGIES: readonly Strategy[] = ["modern", "schednuma", "none"];

export interface NumaOptions {
  /** Balancing design; the boot parameter `numa_strategy=` goes before it. Default "modern". */
  strategy?: Strategy;
}

export interface ResolvedOptions {
  readonly strategy: Strategy;
}

/** Check and fill in. TypeError for an unknown option, RangeError for a value that is not allowed; both name it. */
export function resolveOptions(o: NumaOptions): ResolvedOptions {
  if (typeof o !== "object" || o === null) throw new TypeError(`numa: options must be an object, not ${String(o)}`);
  for (const key of Object.keys(o))
    if (key !== "strategy") throw new TypeError(`numa: unknown option '${key}'; there is strategy`);
  const strategy = o.strategy ?? "modern";
  if (!STRATEGIES.includes(strategy))
    throw new RangeError(`numa: strategy must be one of ${STRATEGIES.join(", ")}, not ${String(strategy)}`);
  return { strategy };
}

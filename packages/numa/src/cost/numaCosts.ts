/**
 * What memory costs in virtual time. This is the project's model, not Linux: an access costs `accessNs` times the distance between the
 * CPU's and the page's node, over 10; a hint fault, an armed entry, a moved page and a CPU looked at by AutoNUMA's scheduler loop cost
 * what is set here. Bandwidth and caches are not modelled. The boot parameter `numa_cost=access=100,fault=1000` sets single ones.
 */
import { kstrtouint } from "@kernelkit/core";

export interface NumaCosts {
  /** ns of one access to local memory (distance 10). */
  readonly accessNs: number;
  /** ns of a hint fault, without what it does then. */
  readonly faultNs: number;
  /** ns of moving a page of 4 KiB. */
  readonly migrateNs: number;
  /** ns of arming an entry. */
  readonly armNs: number;
  /** ns of looking at another CPU's task in AutoNUMA's scheduler loop. */
  readonly visitNs: number;
}

export const DEFAULT_COSTS: NumaCosts = { accessNs: 100, faultNs: 1000, migrateNs: 2500, armNs: 15, visitNs: 40 };

const WORDS: Readonly<Record<string, keyof NumaCosts>> = {
  access: "accessNs",
  fault: "faultNs",
  migrate: "migrateNs",
  arm: "armNs",
  visit: "visitNs",
};

/** `access=100,fault=1000` over `base`. null: it is not of that form. */
export function parseCosts(text: string, base: NumaCosts): NumaCosts | null {
  const out: { -readonly [K in keyof NumaCosts]: NumaCosts[K] } = { ...base };
  for (const part of text.split(",")) {
    const at = part.indexOf("=");
    const key = WORDS[part.slice(0, Math.max(at, 0))];
    const v = kstrtouint(part.slice(at + 1), 10);
    if (key === undefined || typeof v !== "number") return null;
    out[key] = v;
  }
  return out;
}

/** Where time has gone, ns, and how often; plain state. */
export class NumaSpent {
  armNs = 0;
  faultNs = 0;
  migrateNs = 0;
  visitNs = 0;
  armed = 0;
  faults = 0;
  migrated = 0;
  /** AutoNUMA: CPUs looked at, and scheduler decisions. */
  visits = 0;
  /** AutoNUMA: faults from another node than the one before: the page stays. */
  cancelled = 0;
  schedules = 0;
}

/** A set of costs that is given in code. RangeError naming what is not a number >= 0. */
export function checkCosts(given: Partial<NumaCosts>): NumaCosts {
  for (const [key, v] of Object.entries(given)) {
    if (!(key in DEFAULT_COSTS))
      throw new TypeError(`numa: unknown cost '${key}'; there are ${Object.keys(DEFAULT_COSTS).join(", ")}`);
    if (typeof v !== "number" || !(v >= 0) || v > 1e9)
      throw new RangeError(`numa: cost ${key} must be 0..1e9 ns, not ${String(v)}`);
  }
  return { ...DEFAULT_COSTS, ...given };
}

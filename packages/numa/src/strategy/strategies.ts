/** The strategies there are, by name. To add one: implement `Strategy`, add a line here. */
import { Autonuma } from "../balance/autonuma/autonuma.js";
import { Balancenuma } from "../balance/balancenuma.js";
import type { Hinting } from "../balance/hinting.js";
import { Modern } from "../balance/modern/modern.js";
import { Schednuma } from "../balance/schednuma/schednuma.js";
import type { NumaSystem } from "../state.js";
import { NoBalancing } from "./none.js";
import type { Strategy, StrategyName } from "./strategy.js";

export interface StrategyOptions {
  /** schednuma: loads are averaged over time. */
  readonly slow: boolean;
}

type Make = (sys: NumaSystem, hinting: Hinting, o: StrategyOptions) => Strategy;

const MAKERS: Readonly<Record<StrategyName, Make>> = {
  modern: (sys, h) => new Modern(sys, h),
  balancenuma: (sys, h) => new Balancenuma(sys, h),
  autonuma: (sys, h) => new Autonuma(sys, h, "autonuma"),
  "autonuma-lazy": (sys, h) => new Autonuma(sys, h, "autonuma-lazy"),
  schednuma: (sys, h, o) => new Schednuma(sys, h, o.slow),
  none: () => new NoBalancing(),
};

/** Names that `numa_strategy=` and the option `strategy` know. */
export const STRATEGIES: readonly StrategyName[] = Object.keys(MAKERS) as StrategyName[];

export function makeStrategy(name: StrategyName, sys: NumaSystem, hinting: Hinting, o: StrategyOptions): Strategy {
  return MAKERS[name](sys, hinting, o);
}

/** The entry `@kernelkit/memcg/stories`: questions answered by running rivals on the same workload, by id. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { forkBomb } from "./stories/forkBomb.js";
export { highThrottle } from "./stories/highThrottle.js";
export { hugeZeroPage } from "./stories/hugeZeroPage.js";
export { protection } from "./stories/protection.js";

/** The entry `@kernelkit/namespaces/stories`: questions about namespaces, answered by running them, by id. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { checkpointRestore } from "./stories/checkpointRestore.js";
export { nested } from "./stories/nested.js";
export { propagation } from "./stories/propagation.js";
export { rootInside } from "./stories/rootInside.js";
export { runtime } from "./stories/runtime.js";

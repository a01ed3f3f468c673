/** The stories of the package, by id. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { counterWrap } from "./stories/counterWrap.js";
export { stuckLine } from "./stories/stuckLine.js";
export { superHandler } from "./stories/superHandler.js";

/** The stories of the package, by id. */
export { counterWrap } from "./stories/counterWrap.js";
export type { Knob, Series, Story, StoryResult, Table } from "./stories/story.js";
export { stuckLine } from "./stories/stuckLine.js";
export { superHandler } from "./stories/superHandler.js";

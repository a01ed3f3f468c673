/** The stories of the package, by id. */
export { counterWrap } from "./counterWrap.js";
export type { Knob, Series, Story, StoryResult, Table } from "./story.js";
export { stuckLine } from "./stuckLine.js";
export { superHandler } from "./superHandler.js";

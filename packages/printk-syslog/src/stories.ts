/** The entry `@kernelkit/printk-syslog/stories`: questions answered by running the designs on the same workload. */

export type { Knob, Series, Story, StoryResult, Table } from "@kernelkit/core/stories";
export { consolesByDesign } from "./stories/consolesByDesign.js";
export { containerFlood } from "./stories/containerFlood.js";
export { leakedLogs } from "./stories/leakedLogs.js";
export { misroutedPackets } from "./stories/misroutedPackets.js";
export { stolenMessages } from "./stories/stolenMessages.js";

/** The system calls that any folder's `sys` steps may make: core's, as core's vocabulary has them. */
import { EVENT_CALLS } from "./events.js";
import { FILE_CALLS } from "./files.js";
import type { MarshalTable } from "./marshal.js";
import { MEMORY_CALLS } from "./memory.js";
import { PROCESS_CALLS } from "./process.js";
import { SCHED_CALLS } from "./sched.js";

export const CORE_CALLS: MarshalTable = {
  ...PROCESS_CALLS,
  ...SCHED_CALLS,
  ...FILE_CALLS,
  ...MEMORY_CALLS,
  ...EVENT_CALLS,
};

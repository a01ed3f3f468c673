/** Every command of the shell that is not just-bash's own. */
import type { CommandTable } from "../command.js";
import { builtins } from "./builtins.js";
import { evmctlCommands } from "./evmctl.js";
import { fileCommands } from "./files.js";
import { hardwareCommands } from "./hardware.js";
import { logCommands } from "./log.js";
import { memoryCommands } from "./memory.js";
import { mountCommands } from "./mounts.js";
import { namespaceCommands } from "./namespaces.js";
import { numaCommands } from "./numa.js";
import { processCommands } from "./process.js";
import { psCommands } from "./ps.js";
import { stressCommands } from "./stress.js";
import { systemCommands } from "./system.js";
import { xattrCommands } from "./xattrs.js";

export const COMMANDS: CommandTable = {
  ...builtins,
  ...systemCommands,
  ...hardwareCommands,
  ...logCommands,
  ...memoryCommands,
  ...psCommands,
  ...processCommands,
  ...mountCommands,
  ...namespaceCommands,
  ...numaCommands,
  ...fileCommands,
  ...xattrCommands,
  ...evmctlCommands,
  ...stressCommands,
};

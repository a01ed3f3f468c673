/** All system calls of a full kernel without packages; each topic's interface documents its calls. */
import type { BareSys } from "./bareSys.js";

export interface CoreSys extends BareSys {}

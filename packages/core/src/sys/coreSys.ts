/** All system calls of a full kernel without packages; each topic's interface documents its calls. */
import type { BareSys } from "./bareSys.js";
import type { FdSys } from "./fdSys.js";
import type { FileSys } from "./fileSys.js";
import type { MemorySys } from "./memorySys.js";
import type { MountSys } from "./mountSys.js";
import type { PollSys } from "./pollSys.js";
import type { SocketSys } from "./socketSys.js";
import type { XattrSys } from "./xattrSys.js";

export interface CoreSys extends BareSys, FileSys, XattrSys, FdSys, MountSys, MemorySys, PollSys, SocketSys {}

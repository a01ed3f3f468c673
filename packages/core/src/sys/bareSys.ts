/** The calls of every kernel, and of the bare machine: the program model's own. Topics have interfaces of their own. */
import type { CredSys } from "./credSys.js";
import type { MiscSys } from "./miscSys.js";
import type { ProcessSys } from "./processSys.js";
import type { SchedSys } from "./schedSys.js";
import type { SignalSys } from "./signalSys.js";
import type { TimeSys } from "./timeSys.js";
import type { Ret, SysBase } from "./types.js";

export interface MachineSys extends SysBase {
  /** Use `ns` of user CPU time. It is preempted as any computation is. EINVAL: not a whole number >= 0. */
  compute(ns: number): Ret<this["mode"], 0>;
  /**
   * A rest point: a restored program starts again from here with a copy of `state` (plain data), which must be the state object
   * the program was given. Costs a copy of the state; forgets the tape of results before it.
   */
  restPoint(state: object): Ret<this["mode"], 0>;
}

/** Processes, signals, credentials, scheduling, clocks: everything that needs neither files nor memory. */
export interface BareSys extends MachineSys, ProcessSys, SignalSys, CredSys, SchedSys, MiscSys, TimeSys {}

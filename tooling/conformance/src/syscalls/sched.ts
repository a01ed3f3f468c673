/** Calls about scheduling, and about the machine: sched(7), getpriority(2), uname(2), sysinfo(2), getrandom(2). */
import { toHex } from "../result.js";
import { call, filled, type MarshalTable, plain } from "./marshal.js";

/** The recorder keeps that many hex digits of random bytes. */
const RANDOM_DIGITS = 64;

export const SCHED_CALLS: MarshalTable = {
  ...plain("sched_setscheduler", "sched_getscheduler", "sched_setparam", "sched_getparam", "sched_yield"),
  ...plain("sched_get_priority_max", "sched_get_priority_min"),
  ...plain("getpriority", "setpriority", "getcpu", "uname", "sysinfo", "sethostname", "setdomainname"),
  sched_rr_get_interval: call("sched_rr_get_interval"),
  // A third argument is the size of the mask in bytes: the CPUs beyond it are not in it.
  sched_setaffinity: call("sched_setaffinity", {
    args: ([pid, cpus, size]) => [
      pid,
      (cpus as number[]).filter((cpu) => size === undefined || cpu < 8 * Number(size)),
    ],
  }),
  sched_getaffinity: call("sched_getaffinity", { result: filled<number[]>((cpus) => ({ cpus })) }),
  getrandom: call("getrandom", {
    args: (a) => (a[0] === "EFAULT" ? [a[1], a[2] ?? 0, null] : [a[0], a[1] ?? 0]),
    result: (value) => {
      const random = value as Uint8Array;
      return { ret: random.length, data: toHex(random.subarray(0, RANDOM_DIGITS / 2)) };
    },
  }),
};

/** The controllers of Linux, in its order. */

/** What Linux has: names that are right words even where the kernel was built without them. */
export const KNOWN_CONTROLLERS: readonly string[] = [
  "cpuset",
  "cpu",
  "io",
  "memory",
  "perf_event",
  "hugetlb",
  "pids",
  "rdma",
  "misc",
  "dmem",
  "debug",
];

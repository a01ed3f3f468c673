/** Calls about memory, and user-space accesses: mmap(2), madvise(2), mlock(2), mincore(2); store and load. */
import { fromLatin1, latin1 } from "../result.js";
import { call, filled, flags, type MarshalTable, plain } from "./marshal.js";

export const MEMORY_CALLS: MarshalTable = {
  ...plain("mmap", "munmap", "mprotect", "madvise", "mlock", "mlock2", "munlock", "mlockall", "munlockall"),
  ...plain("mremap", "brk", "msync"),
  memfd_create: call("memfd_create", { args: ([name, f]) => [name, flags(f ?? 0)] }),
  // User code loads and stores: there is no call that returns anything.
  load: call("load", { result: (value) => ({ ret: 0, data: latin1(value as Uint8Array) }) }),
  mincore: call("mincore", { result: filled<Uint8Array>((vec) => ({ vec: Array.from(vec, (v) => v & 1) })) }),
  store: call("store", {
    args: ([addr, data, count]) => [addr, typeof data === "string" ? fromLatin1(data) : data, count ?? 1],
  }),
};

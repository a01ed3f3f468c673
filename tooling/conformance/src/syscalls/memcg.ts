/**
 * Calls as the folder `memcg` writes them: descriptors and mappings by name, `mmap [length, flags, option]`, sequential
 * `pread` and `pwrite` in chunks of 64 KiB. Each is a script: one or more system calls of the task.
 */
import type { Step } from "../caseFile.js";
import type { Result } from "../result.js";
import type { CallPlan, Script, Session } from "../session.js";
import { fdNames, fdOf, mapNames } from "../steps/named.js";
import { flags, octal, plainResult } from "./marshal.js";

const CHUNK = 65536;
const HUGE = 2 * 1024 * 1024;
const PROT_READ_WRITE = 3;
const MADV_NOHUGEPAGE = 15;
const MAP_FIXED = 0x10;

/** A system call by name and arguments. */
export const planOf = (name: string, ...args: unknown[]): CallPlan => ({
  invoke: (sys) => (sys[name] as (...a: unknown[]) => unknown).apply(sys, args),
  convert: plainResult,
});

export type ScriptedCall = {
  /** The system calls it needs. */
  readonly needs: readonly string[];
  readonly script: (s: Session, task: string, args: readonly unknown[], step: Step) => Script;
};

/** Makes one call; what it returns is the step's result. */
function* one(plan: CallPlan, then: (r: Result) => Result = (r) => r): Script {
  return then(yield plan);
}

const ok = (r: Result): Result => (r.errno === undefined && r.dies === undefined ? { ...r, ret: 0 } : r);

/** A call that makes a descriptor: named by `as`, its number is not looked at. */
const descriptor =
  (name: string, toArgs: (a: readonly unknown[]) => readonly unknown[], method = name): ScriptedCall["script"] =>
  (s, task, args, step) =>
    one(planOf(method, ...toArgs(args)), (r) => {
      if (typeof r.ret === "number" && r.errno === undefined) fdNames(s).set(task, String(step.as), r.ret);
      return ok(r);
    });

function* mmap(s: Session, task: string, args: readonly unknown[], step: Step): Script {
  const [length, f, option] = args;
  const size = Number(length);
  const bits = Number(flags(f));
  const aligned = option === "2M aligned";
  const fd = typeof option === "string" && option !== "no THP" && !aligned ? fdOf(s, task, option) : -1;
  const made = yield planOf("mmap", 0, aligned ? size + HUGE : size, PROT_READ_WRITE, bits, fd, 0);
  if (made.errno !== undefined) return made;
  let addr = Number(made.ret);
  if (aligned && addr % HUGE !== 0) {
    // Room for an aligned mapping has been found: map that, give the rest back.
    const start = Math.ceil(addr / HUGE) * HUGE;
    yield planOf("munmap", addr, size + HUGE);
    yield planOf("mmap", start, size, PROT_READ_WRITE, bits + MAP_FIXED, fd, 0);
    addr = start;
  }
  mapNames(s).set(task, String(step.as), { addr, length: size });
  if (option === "no THP") yield planOf("madvise", addr, size, MADV_NOHUGEPAGE);
  return { ret: 0 };
}

/** `[fd, {bytes} or number, offset]` in chunks; what was moved, or the error if nothing was. */
const sequential = (method: "pread64" | "pwrite64"): ScriptedCall["script"] =>
  function* (s, task, [fd, what, offset]) {
    const number = fdOf(s, task, fd);
    const total = Number(typeof what === "object" ? (what as { bytes: number }).bytes : what);
    let done = 0;
    while (done < total) {
      const n = Math.min(CHUNK, total - done);
      const at = Number(offset ?? 0) + done;
      const r = yield planOf(method, number, method === "pread64" ? n : new Uint8Array(n), at);
      if (r.errno !== undefined || r.dies !== undefined) return r;
      done += Number(r.ret);
      // a short one goes on: the next says why
      if (Number(r.ret) === 0) break;
    }
    return { ret: done };
  };

/** A call on a mapping: `[map, ...rest]`, with an offset and a length after `skip` other arguments. */
const onMap =
  (method: string, rest: (a: readonly unknown[]) => readonly unknown[] = () => []): ScriptedCall["script"] =>
  (s, task, args) => {
    const map = mapNames(s).get(task, args[0]);
    const off = Number(args[2] ?? 0);
    const length = Number(args[3] ?? map.length - off);
    return one(planOf(method, map.addr + off, length, ...rest(args)));
  };

const named = (method: string, toArgs: (a: readonly unknown[]) => readonly unknown[] = (a) => a): ScriptedCall => ({
  needs: [method],
  script: (_s, _task, args) => one(planOf(method, ...toArgs(args.map(flags)))),
});

/** A counter of an eventfd, little-endian. */
const asU64 = (r: Result): Result => {
  if (r.data === undefined) return r;
  let value = 0n;
  for (let i = r.data.length - 1; i >= 0; i--) value = value * 256n + BigInt(r.data.charCodeAt(i));
  return { ret: Number(value) };
};

/** The calls whose arguments are memcg's own; all others are core's. */
export const MEMCG_CALLS: Readonly<Record<string, ScriptedCall>> = {
  open: {
    needs: ["open"],
    script: descriptor("open", ([path, f, mode]) => [path, flags(f ?? 0), octal(mode ?? "0644")]),
  },
  eventfd: { needs: ["eventfd2"], script: descriptor("eventfd", ([n, f]) => [n, flags(f ?? 0)], "eventfd2") },
  mmap: { needs: ["mmap", "munmap", "madvise"], script: mmap },
  munmap: { needs: ["munmap"], script: onMap("munmap") },
  mlock: { needs: ["mlock"], script: onMap("mlock") },
  munlock: { needs: ["munlock"], script: onMap("munlock") },
  madvise: { needs: ["madvise"], script: onMap("madvise", ([, advice]) => [flags(advice)]) },
  pread: { needs: ["pread64"], script: sequential("pread64") },
  pwrite: { needs: ["pwrite64"], script: sequential("pwrite64") },
  fsync: { needs: ["fsync"], script: (s, task, [fd]) => one(planOf("fsync", fdOf(s, task, fd))) },
  close: {
    needs: ["close"],
    script: (s, task, [fd]) =>
      one(planOf("close", fdOf(s, task, fd)), (r) => {
        fdNames(s).delete(task, String(fd));
        return r;
      }),
  },
  read: {
    needs: ["read"],
    script: (s, task, [fd, count], step) =>
      one(planOf("read", fdOf(s, task, fd), count), (r) => (step.as_u64 === true ? asU64(r) : r)),
  },
  posix_fadvise: {
    needs: ["fadvise64"],
    script: (s, task, [fd, off, length, advice]) =>
      one(planOf("fadvise64", fdOf(s, task, fd), off, length, flags(advice))),
  },
  // its number says nothing
  getpid: { needs: ["getpid"], script: () => one(planOf("getpid"), ok) },
  kill: named("kill"),
  mkdir: named("mkdir", ([path, mode]) => [path, octal(mode ?? "0755")]),
};

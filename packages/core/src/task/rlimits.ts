/**
 * Resource limits: sixteen pairs per process, inherited by fork, kept by exec. A limit is a number; Infinity is RLIM_INFINITY.
 * `rlimit(t, RLIMIT_NOFILE)` is what checks ask. getrlimit(2).
 */
import { CAP_SYS_RESOURCE } from "../abi/capability.js";
import { EINVAL, EPERM } from "../abi/errno.js";
import { fail } from "../abi/errors.js";
import { RLIM_INFINITY, RLIM_NLIMITS, RLIMIT_NOFILE } from "../abi/resource.js";
import type { Core } from "../kernel/core.js";
import { misuse } from "../sys/args.js";
import type { Rlimit } from "../sys/processSys.js";
import { capable } from "./capable.js";
import type { Task } from "./task.js";

/** Never changed, so that a fork shares it. Values above 2^53 that a number cannot hold are rounded; `exact` has them. */
export interface Rlim {
  readonly cur: number;
  readonly max: number;
  readonly exact?: { readonly cur: bigint; readonly max: bigint };
}

const rlim = (cur: number, max: number): Rlim => ({ cur, max });
const INF = Number.POSITIVE_INFINITY;

/** What init starts with; half of threads-max bounds processes and queued signals. */
export function initialRlimits(threadsMax: number): Rlim[] {
  const none = rlim(INF, INF);
  const half = Math.floor(threadsMax / 2);
  return [
    none, // CPU
    none, // FSIZE
    none, // DATA
    rlim(8 * 1024 * 1024, INF), // STACK
    rlim(0, INF), // CORE
    none, // RSS
    rlim(half, half), // NPROC
    rlim(1024, 4096), // NOFILE
    rlim(8 * 1024 * 1024, 8 * 1024 * 1024), // MEMLOCK
    none, // AS
    none, // LOCKS
    rlim(half, half), // SIGPENDING
    rlim(819200, 819200), // MSGQUEUE
    rlim(0, 0), // NICE
    rlim(0, 0), // RTPRIO
    none, // RTTIME
  ];
}

/** Soft limit `resource` of a task's process; Infinity: none. */
export function rlimit(t: Task, resource: number): number {
  return t.signal.rlimits[resource].cur;
}

/** As getrlimit shows it. */
export function showRlimit(l: Rlim): Rlimit {
  const show = (v: number, exact: bigint | undefined): number | bigint => (v === INF ? RLIM_INFINITY : (exact ?? v));
  const narrow = (v: bigint | undefined): bigint | undefined =>
    v !== undefined && BigInt(Number(v)) !== v ? v : undefined;
  return { cur: show(l.cur, narrow(l.exact?.cur)), max: show(l.max, narrow(l.exact?.max)) };
}

/** A limit as given: unsigned 64 bits. TypeError: not a whole number or bigint. */
function parseLimit(name: string, v: unknown): bigint {
  if (typeof v === "bigint") return BigInt.asUintN(64, v);
  if (v === INF) return RLIM_INFINITY;
  if (typeof v !== "number" || !Number.isInteger(v) || Object.is(v, -0))
    return misuse(`rlimit.${name}`, v, "a whole number or a bigint");
  return BigInt.asUintN(64, BigInt(v));
}

const asNumber = (v: bigint): number => (v === RLIM_INFINITY ? INF : Number(v));

/**
 * Read, and if `next` is given set, limits of `t`'s process. EINVAL unknown resource, soft above hard; EPERM RLIMIT_NOFILE above
 * fs.nr_open; EPERM raising a hard limit without CAP_SYS_RESOURCE (of `by`).
 */
export function doPrlimit(k: Core, by: Task, t: Task, resource: number, next: Rlimit | null | undefined): Rlim {
  if (resource < 0 || resource >= RLIM_NLIMITS) return fail(EINVAL);
  const old = t.signal.rlimits[resource];
  if (next === null || next === undefined) return old;
  const cur = parseLimit("cur", next.cur);
  const max = parseLimit("max", next.max);
  if (cur > max) return fail(EINVAL);
  if (resource === RLIMIT_NOFILE && max > BigInt(k.vfs === undefined ? 1048576 : k.vfs.sysctl.nrOpen))
    return fail(EPERM);
  const oldMax = old.exact?.max ?? (old.max === INF ? RLIM_INFINITY : BigInt(old.max));
  if (max > oldMax && !capable(k, by, CAP_SYS_RESOURCE)) return fail(EPERM);
  const exact = cur > 2n ** 53n || max > 2n ** 53n;
  const n = rlim(asNumber(cur), asNumber(max));
  const limits = t.signal.rlimits.slice();
  limits[resource] = exact ? { ...n, exact: { cur, max } } : n;
  t.signal.rlimits = limits;
  return old;
}

/**
 * What of numa's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and requests to a
 * userfaultfd. The vocabulary is in the README.
 */
import {
  KernelError,
  UFFDIO_API,
  UFFDIO_COPY,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_ZEROPAGE,
} from "@kernelkit/core";
import {
  adjustNumaImbalance,
  findIdlestNode,
  type HintedPage,
  loadTooImbalanced,
  migrationPairs,
  mmMetadata,
  mpolMisplaced,
  mpolRelativeNodemask,
  numaHintingFault,
  PAGE_METADATA,
  processCanMigrate,
  rebindNodes,
  SCAN_KNOBS,
  shouldNumaMigrateMemory,
  taskMetadata,
  taskNumaPlacement,
  taskScanLimits,
  updateTaskScanPeriod,
} from "@kernelkit/numa";
import { NotYet } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

// biome-ignore lint/suspicious/noExplicitAny: what a case says is checked by the comparison
type Any = any;
const value = (v: unknown): Result => ({ value: v });
const flagBits: Readonly<Record<string, number>> = { MPOL_F_STATIC_NODES: 0x8000, MPOL_F_RELATIVE_NODES: 0x4000 };
const pages = (s: Session): Map<string, HintedPage> => s.state("numaPages", () => new Map<string, HintedPage>());
const pageOf = (s: Session, name: unknown): HintedPage => {
  const p = pages(s).get(String(name));
  if (p === undefined) throw new TypeError(`no page '${String(name)}' was set`);
  return p;
};

export const numaOps: KernelOps = {
  build_zonelists: (s, [nid]) =>
    value([...s.api<{ fallbackOrder(n: number): readonly number[] }>("numa").fallbackOrder(Number(nid))]),
  update_task_scan_period: (_s, [o]: Any) => {
    const limits = taskScanLimits(o.rss_pages);
    return value(
      updateTaskScanPeriod({
        period: o.numa_scan_period,
        periodMax: o.numa_scan_period_max,
        limits,
        ...o.locality,
        shared: o.shared,
        private: o.private,
      }).period,
    );
  },
  task_scan_limits: (_s, [o]: Any) =>
    value(taskScanLimits(o.rss_pages, { ...SCAN_KNOBS, scanSizeMb: o.scan_size_mb }, o.group)),
  should_numa_migrate_memory: (_s, [o]: Any) =>
    value(
      shouldNumaMigrateMemory({
        pid: o.task.pid,
        preferred: o.task.preferred,
        scanSeq: o.task.scan_seq,
        last: o.last_cpupid,
        src: o.src_nid,
        dst: o.dst_nid,
        group: o.group === null ? null : { cpu: o.group.faults_cpu, mem: o.group.faults_mem },
      }),
    ),
  task_numa_placement: (_s, [o]: Any) => {
    const r = taskNumaPlacement(o.faults, o.buffer);
    return value({ faults: r.faults, preferred_nid: r.preferred, total: r.total });
  },
  load_too_imbalanced: (_s, [o]: Any) =>
    value(
      loadTooImbalanced({
        srcLoad: o.src_load,
        dstLoad: o.dst_load,
        origSrcLoad: o.orig_src_load,
        origDstLoad: o.orig_dst_load,
        srcCapacity: o.src_capacity,
        dstCapacity: o.dst_capacity,
      }),
    ),
  adjust_numa_imbalance: (_s, [a, b, c]: Any) => value(adjustNumaImbalance(a, b, c)),
  mpol_relative_nodemask: (_s, [user, allowed]: Any) => value(mpolRelativeNodemask(user, allowed)),
  mpol_rebind: (_s, [o]: Any) => {
    const flags = (o.flags as string[]).reduce((a, f) => a | (flagBits[f] ?? 0), 0);
    return value([...rebindNodes(o.nodes, flags, flags === 0 ? o.old : (o.user ?? o.nodes), o.new)]);
  },
  do_migrate_pages: (_s, [from, to]: Any) => value(migrationPairs(from, to)),
  set_page: (s, [name, p]: Any) => {
    pages(s).set(name, { nid: p.nid, last_nid: p.last_nid ?? -1, migrate_nid: p.migrate_nid ?? -1 });
    return {};
  },
  numa_hinting_fault: (s, [o]: Any) =>
    value({ ...numaHintingFault(pageOf(s, o.page), o.this_nid, o.strategy === "autonuma-lazy") }),
  mpol_misplaced: (s, [o]: Any) => {
    const p = pageOf(s, o.page);
    const target = mpolMisplaced(p, o.this_nid);
    return value({ target, last_nid: p.last_nid });
  },
  find_idlest_node: (_s, [o]: Any) =>
    value(
      findIdlestNode(
        o.this_node,
        o.nodes.map((n: Any) => ({
          cpuLoad: n.cpu_load,
          remoteCpuLoad: n.remote_cpu_load,
          remoteMemLoad: n.remote_mem_load,
        })),
      ),
    ),
  process_can_migrate: (_s, [o]: Any) => value(processCanMigrate(o.runtime_ns, o.cpus_allowed, o.mems_allowed)),
  page_metadata: (_s, [o]: Any) => {
    const bytesPerPage = PAGE_METADATA[o.strategy];
    if (bytesPerPage === undefined) throw new NotYet(`strategy ${o.strategy}`);
    return value({ bytesPerPage, total: bytesPerPage * o.pages });
  },
  task_metadata: (_s, [o]: Any) => value(taskMetadata(o.strategy, o.nodes, o.faulted)),
  mm_metadata: (_s, [o]: Any) => value(mmMetadata(o.strategy, o.nodes)),
};

const REQUESTS: Readonly<Record<string, number>> = {
  UFFDIO_API,
  UFFDIO_REGISTER,
  UFFDIO_UNREGISTER,
  UFFDIO_WAKE,
  UFFDIO_COPY,
  UFFDIO_ZEROPAGE,
};
const O_NONBLOCK = 0x800;
const MSG_BYTES = 32;

function argOf(op: string, a: readonly Any[]): Record<string, unknown> {
  switch (op) {
    case "UFFDIO_API":
      return { api: a[0] };
    case "UFFDIO_REGISTER":
      return { range: { start: a[0], len: a[1] }, mode: a[2] === "" ? 0 : a[2] === "MISSING" ? 1 : 2 };
    case "UFFDIO_COPY":
      return { dst: a[0], src: new Uint8Array(a[2]).fill(a[1].fill), len: a[2], mode: a[3] ?? 0 };
    case "UFFDIO_ZEROPAGE":
      return { range: { start: a[0], len: a[1] }, mode: a[2] ?? 0 };
    default:
      return { start: a[0], len: a[1] };
  }
}

/**
 * One operation on a userfaultfd of a task: "open" [flags] gives `{fd}`, "read" gives `{event}`, UFFDIO_ names are ioctls on
 * `fd`, whose written-back field is `copy` (or `zeropage`). Addresses and lengths are numbers.
 */
export function userfault(s: Session, task: string, op: string, args: readonly unknown[], fd: number): Result {
  const arg = argOf(op, args);
  try {
    if (op === "open")
      return { ret: 0, fd: s.syscall<number>(task, "userfaultfd", args[0] === "O_NONBLOCK" ? O_NONBLOCK : 0) };
    if (op === "read") {
      const b = s.syscall<Uint8Array>(task, "read", fd, MSG_BYTES);
      const v = new DataView(b.buffer, b.byteOffset, b.length);
      const flags = (v.getUint32(8, true) & 1) !== 0 ? ["UFFD_PAGEFAULT_FLAG_WRITE"] : [];
      const address = `0x${v.getBigUint64(16, true).toString(16)}`;
      return { ret: MSG_BYTES, event: { event: "UFFD_EVENT_PAGEFAULT", address, flags } };
    }
    const request = REQUESTS[op];
    if (request === undefined) throw new NotYet(`userfaultfd ${op}`);
    return { ret: s.syscall<number>(task, "ioctl", fd, request, arg), ...arg };
  } catch (e) {
    if (!(e instanceof KernelError)) throw e;
    return { errno: e.code, ...arg };
  }
}

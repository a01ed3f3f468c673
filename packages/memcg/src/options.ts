/** Options of the package, checked. */
import { parseSize } from "@kernelkit/core";
import { KMEM_STRATEGIES, type KmemStrategy } from "./kmem/kmem.js";
import { KMEM_SIZES, type KmemSizes } from "./kmem/objects.js";
import type { Era } from "./memcgSystem.js";

export interface MemcgOptions {
  /** Options of the cgroup2 mount at boot, comma separated: memory_recursiveprot and memory_localevents count here. */
  readonly cgroup2Options?: string;
  /** Kernel that is meant, where kernels differ: "6.1", "6.18" (default). */
  readonly semantics?: string;
  /** Design of kernel memory's limit: "3.8", "4.5", "unified" (default). */
  readonly kmem?: string;
  /** A swap area that is there at boot: bytes, or "192M". Default none. */
  readonly swap?: string | number;
  /** ns of the faulting task that reading a page from swap takes. Default 100 µs. */
  readonly swapReadNs?: number;
  /** How many times smaller zswap makes a page whose contents the kernel does not know. Default 3. */
  readonly zswapRatio?: number;
  /** Bytes of kernel objects that are charged. */
  readonly kmemSizes?: Partial<KmemSizes>;
  /** Kernels before 5.11: whether the root has use_hierarchy set. Default: not in kernels before 5.11. */
  readonly useHierarchy?: boolean;
}

export interface ResolvedOptions {
  readonly mountOptions: readonly string[];
  readonly kmem: KmemStrategy;
  readonly swapPages: number;
  readonly swapReadNs: number;
  readonly zswapBytes: number;
  readonly sizes: KmemSizes;
  readonly era: Era;
  readonly useHierarchy: boolean;
  readonly pidsLocalEvents: boolean;
  /** First write to the huge zero page: before 6.13 it was split. */
  readonly splitsHugeZero: boolean;
}

/** Statistics that 6.12 added. */
const SINCE_6_12: readonly string[] = (
  "pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgdemote_proactive pswpin pswpout pgscan_khugepaged pgscan_proactive " +
  "pgsteal_khugepaged pgsteal_proactive swpin_zero swpout_zero zswpwb thp_swpout thp_swpout_fallback"
).split(" ");

function version(text: string): number {
  const m = /^(\d+)\.(\d+)(\.\d+)*$/.exec(text);
  if (m === null)
    throw new TypeError(`memcg: semantics must be a kernel version like "6.18", not ${JSON.stringify(text)}`);
  return Number(m[1]) * 1000 + Number(m[2]);
}

function swapPages(v: string | number | undefined): number {
  if (v === undefined) return 0;
  const bytes = typeof v === "number" ? v : parseSize(v, "memcg: swap");
  if (!Number.isInteger(bytes) || bytes < 40960 || bytes > 2 ** 36)
    throw new RangeError(`memcg: swap must be 40 KiB to 64 GiB, not ${String(v)}`);
  return Math.floor(bytes / 4096);
}

/** TypeError or RangeError naming the option. */
export function resolveOptions(o: MemcgOptions): ResolvedOptions {
  const v = version(o.semantics ?? "6.18");
  const kmem = (o.kmem ?? "unified") as KmemStrategy;
  if (!KMEM_STRATEGIES.includes(kmem))
    throw new TypeError(`memcg: kmem must be ${KMEM_STRATEGIES.join(", ")}, not ${JSON.stringify(o.kmem)}`);
  const sizes = { ...KMEM_SIZES, ...o.kmemSizes };
  for (const [name, n] of Object.entries(sizes))
    if (!Number.isInteger(n) || n < 0)
      throw new RangeError(`memcg: kmemSizes.${name} must be bytes >= 0, not ${String(n)}`);
  const swapReadNs = o.swapReadNs ?? 100_000;
  if (!Number.isInteger(swapReadNs) || swapReadNs < 0)
    throw new RangeError(`memcg: swapReadNs must be ns >= 0, not ${String(swapReadNs)}`);
  const zswapRatio = o.zswapRatio ?? 3;
  if (!(zswapRatio >= 1 && zswapRatio <= 100))
    throw new RangeError(`memcg: zswapRatio must be 1 to 100, not ${String(zswapRatio)}`);
  const before = (major: number, minor: number): boolean => v < major * 1000 + minor;
  const mountOptions = (o.cgroup2Options ?? "").split(",");
  const hierarchyOnly = !before(5, 11) && kmem === "unified";
  return {
    mountOptions,
    kmem,
    swapPages: swapPages(o.swap),
    swapReadNs,
    zswapBytes: Math.floor(4096 / zswapRatio),
    sizes,
    useHierarchy: o.useHierarchy ?? hierarchyOnly,
    pidsLocalEvents: !before(6, 11),
    splitsHugeZero: before(6, 13),
    era: {
      moveCharge: before(6, 12),
      hierarchyOnly,
      localEvents: mountOptions.includes("memory_localevents"),
      hidden: before(6, 12) ? SINCE_6_12 : [],
      swapPeak: !before(6, 12),
      reclaimSwappiness: !before(6, 10),
      zeroMap: !before(6, 12),
      psiMinWindow: before(6, 5),
    },
  };
}

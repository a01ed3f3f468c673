/**
 * zswap: pages on their way to swap are compressed and kept in memory instead, in a pool that their groups pay for; the oldest go on to
 * the swap area where the pool, or a group's share of it, is full. Kernel documents admin-guide/mm/zswap, admin-guide/cgroup-v2
 * "memory.zswap.*"; parameters below /sys/module/zswap/parameters, `zswap.enabled=1` on the command line.
 *
 * A compressed page still has its slot on swap: only writing and reading the area are saved. How small a page becomes is from its bytes
 * where the kernel knows them (compressedBytes.ts), and one over `zswapRatio` where it does not.
 */
import { type Core, EINVAL, fail, type ModuleParam, PG_DATA } from "@kernelkit/core";
import type { MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { PAGE_COUNTER_MAX } from "../pageCounter.js";
import { S_ZSWAP, S_ZSWAPPED, S_ZSWPIN, S_ZSWPOUT, S_ZSWPWB } from "../stats.js";
import { compressedBytes } from "./compressedBytes.js";

const PAGE = 4096;
const COMPRESSORS: readonly string[] = ["lzo", "lz4", "lzo-rle", "zstd", "deflate", "842", "lz4hc"];

interface Entry {
  readonly memcg: MemCgroup;
  readonly bytes: number;
  /** It was not looked at yet since it came: the first look only takes this away. */
  referenced: boolean;
}

export class Zswap {
  enabled = false;
  compressor = "lzo";
  /** Percent of memory that the pool may have, and percent of that it must fall to before it takes pages again. */
  maxPoolPercent = 20;
  acceptThresholdPercent = 90;
  shrinkerEnabled = false;
  /** By swap entry, oldest first. */
  readonly entries: Map<number, Entry> = new Map();
  /** Bytes in the pool. */
  pool = 0;
  private full = false;
  // what debugfs shows
  poolLimitHit = 0;
  writtenBack = 0;
  compressPoor = 0;

  constructor(
    readonly k: Core,
    /** Bytes of a page of unknown contents. */
    readonly unknownBytes: number,
  ) {}

  // --- who may ---

  /** May pages of the group go to the swap area, with or without zswap? memory.zswap.writeback, of it and of all above it. */
  writebackEnabled(m: MemCgroup): boolean {
    for (let g: MemCgroup | null = m; g !== null; g = g.parent) if (!g.zswapWriteback) return false;
    return true;
  }

  /** memory.zswap.max of the group and of those above it. */
  private withinLimits(m: MemCgroup): boolean {
    for (let g: MemCgroup | null = m; g !== null && !g.isRoot; g = g.parent)
      if (g.zswapMax < PAGE_COUNTER_MAX && (g.zswapMax === 0 || Math.floor(g.total(S_ZSWAP) / PAGE) >= g.zswapMax))
        return false;
    return true;
  }

  private get maxBytes(): number {
    return Math.floor((this.k.mm.totalram * this.maxPoolPercent) / 100) * PAGE;
  }

  private poolIsFull(): boolean {
    if (this.pool >= this.maxBytes) {
      this.poolLimitHit++;
      this.full = true;
    } else if (this.pool <= (this.maxBytes * this.acceptThresholdPercent) / 100) this.full = false;
    return this.full;
  }

  // --- pages come and go ---

  /** Compressed size of a page that is on its way out, if the pool takes it now; 0: it goes to the swap area. Linux's zswap_store(). */
  admit(s: MemcgSystem, m: MemCgroup, pfn: number): number {
    if (!this.enabled) return 0;
    if (!this.withinLimits(m) && !this.writebackOne(s, m)) return 0;
    if (this.poolIsFull()) {
      this.shrinkPool(s);
      return 0;
    }
    const { frames, pageData } = this.k.mm;
    const known = (frames.flags[pfn] & PG_DATA) !== 0;
    const bytes = known ? compressedBytes(pageData.get(pfn) ?? null) : this.unknownBytes;
    if (bytes < PAGE) return bytes;
    this.compressPoor++;
    return 0;
  }

  /** The page of an entry is in the pool now. */
  store(s: MemcgSystem, m: MemCgroup, entry: number, bytes: number): void {
    this.entries.set(entry, { memcg: m, bytes, referenced: true });
    this.pool += bytes;
    s.kmem.forceBytes(m, bytes, S_ZSWAP);
    m.stat(S_ZSWAPPED, 1);
    this.count(m, S_ZSWPOUT, "zswpout");
  }

  /** Is the page of an entry in the pool? It is being read then. */
  load(entry: number): boolean {
    const e = this.entries.get(entry);
    if (e === undefined) return false;
    this.count(e.memcg, S_ZSWPIN, "zswpin");
    return true;
  }

  /** The entry is free, or its page is on the swap area now. */
  invalidate(s: MemcgSystem, entry: number): void {
    const e = this.entries.get(entry);
    if (e === undefined) return;
    this.entries.delete(entry);
    this.pool -= e.bytes;
    s.kmem.unchargeBytes(e.memcg, e.bytes, S_ZSWAP);
    e.memcg.stat(S_ZSWAPPED, -1);
  }

  // --- writeback ---

  /** The oldest page of a group goes to the swap area: false, it stays for now. Linux's shrink_memcg(). */
  private writebackOne(s: MemcgSystem, m: MemCgroup): boolean {
    if (!this.writebackEnabled(m)) return false;
    for (const [entry, e] of this.entries) {
      if (e.memcg !== m) continue;
      if (!e.referenced) {
        this.writeBack(s, entry, e);
        return true;
      }
      e.referenced = false;
      this.entries.delete(entry);
      this.entries.set(entry, e);
      return false;
    }
    return false;
  }

  private writeBack(s: MemcgSystem, entry: number, e: Entry): void {
    this.count(e.memcg, S_ZSWPWB, "zswpwb");
    this.k.mm.count(this.k.mm.stat("pswpout"), 1);
    this.writtenBack++;
    this.invalidate(s, entry);
  }

  /** The oldest pages go until the pool takes new ones again. Linux's shrink_worker(). */
  private shrinkPool(s: MemcgSystem): void {
    const goal = (this.maxBytes * this.acceptThresholdPercent) / 100;
    for (const [entry, e] of [...this.entries]) {
      if (this.pool <= goal) break;
      if (this.writebackEnabled(e.memcg)) this.writeBack(s, entry, e);
    }
  }

  private count(m: MemCgroup, stat: number, name: string): void {
    m.stat(stat, 1);
    this.k.mm.count(this.k.mm.stat(name), 1);
  }
}

/** Y or N; EINVAL anything else. */
function bool(text: string): boolean {
  if (/^(y|Y|t|T|1|on|ON|On)/.test(text)) return true;
  return /^(n|N|f|F|0|of|OF|Of)/.test(text) ? false : fail(EINVAL);
}

function number(text: string, max: number): number {
  const n = /^(0x[0-9a-f]+|\d+)$/i.test(text) ? Number(text) : -1;
  return n < 0 || n > max ? fail(EINVAL) : n;
}

/** The module's parameters, the lines of /proc/meminfo and the files of debugfs. */
export function installZswap(k: Core, z: Zswap): void {
  const flag = (get: () => boolean, set: (on: boolean) => void): ModuleParam => ({
    mode: 0o644,
    get: () => (get() ? "Y" : "N"),
    set: (text) => set(bool(text)),
  });
  const percent = (get: () => number, set: (n: number) => void): ModuleParam => ({
    mode: 0o644,
    get: () => String(get()),
    set: (text) => set(number(text, 2 ** 32 - 1)),
  });
  k.tasks.modules.register({
    name: "zswap",
    builtin: true,
    params: {
      accept_threshold_percent: percent(
        () => z.acceptThresholdPercent,
        (n) => {
          z.acceptThresholdPercent = n;
        },
      ),
      compressor: {
        mode: 0o644,
        get: () => z.compressor,
        set(text) {
          const name = text.trim();
          if (!COMPRESSORS.includes(name)) return fail(EINVAL);
          z.compressor = name;
        },
      },
      enabled: flag(
        () => z.enabled,
        (on) => {
          z.enabled = on;
        },
      ),
      max_pool_percent: percent(
        () => z.maxPoolPercent,
        (n) => {
          z.maxPoolPercent = n;
        },
      ),
      shrinker_enabled: flag(
        () => z.shrinkerEnabled,
        (on) => {
          z.shrinkerEnabled = on;
        },
      ),
    },
  });
  k.mm.meminfo.set("Zswap", () => Math.floor(z.pool / 1024));
  k.mm.meminfo.set("Zswapped", () => z.entries.size * 4);
}

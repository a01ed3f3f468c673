/**
 * Demotion: where memory of a fast node runs short and demotion_enabled is set, pages that have not been used lately move to the nearest
 * slower node instead of being dropped. kswapdN does it in the background, an allocation that finds nothing does it itself. "Not lately"
 * goes by a clock hand over the node's frames (second chance) in place of LRU lists. ABI/testing/sysfs-kernel-mm-numa.
 */
import {
  type Core,
  type Ctx,
  type KthreadDef,
  migratePage,
  PG_LRU,
  PG_TAIL,
  PG_UNEVICTABLE,
  pageReferenced,
  type Rng,
  TASK_IDLE,
  WaitQueue,
  type Zone,
} from "@kernelkit/core";
import type { NumaSystem } from "../state.js";

export type DemotionBy = "kswapd" | "direct" | "proactive";

/** Pages of one go: SWAP_CLUSTER_MAX. */
const CLUSTER = 32;
/** kswapd's go between two looks at the watermarks. */
const KSWAPD_BATCH = 512;

interface KswapdData {
  readonly nid: number;
  wanted: boolean;
  readonly wait: WaitQueue;
}

export class Demotion {
  private readonly k: Core;
  /** Frame at which the clock hand of each node stands. */
  private readonly hand: number[];
  private readonly rng: Rng;
  private readonly threads: KswapdData[] = [];
  private readonly def: KthreadDef<KswapdData>;

  constructor(private readonly sys: NumaSystem) {
    const { k } = sys;
    this.k = k;
    this.hand = sys.memory.length === 0 ? [] : k.mm.nodePages.map(() => 0);
    this.rng = k.rng.fork("numa.demotion");
    this.def = { name: "numa.kswapd", step: (c, d) => this.kswapd(c, d) };
  }

  install(): void {
    const { k, sys } = this;
    for (const nid of sys.memory)
      if (sys.tiers.demotionTargets[nid].length > 0)
        this.threads.push({ nid, wanted: false, wait: new WaitQueue(`kswapd${nid}`) });
    if (this.threads.length === 0) return;
    k.state.root("numa.demotion", { hand: this.hand, rng: this.rng, threads: this.threads });
    k.hooks.wakeKswapd.tap(200, "numa.demotion", (z: Zone) => this.wake(z.nid));
    k.hooks.reclaim.tap(90, "numa.demotion", (r) => {
      const n = sys.settings.demotion && r.order === 0 ? this.demote(r.nid, CLUSTER, "direct") : 0;
      return n > 0 ? n : undefined;
    });
  }

  boot(): void {
    for (const d of this.threads) this.k.tasks.kthreadCreate(this.def, `kswapd${d.nid}`, d);
  }

  /** The node is short of memory. */
  wake(nid: number): void {
    const d = this.threads.find((x) => x.nid === nid);
    if (d === undefined || !this.sys.settings.demotion || d.wanted) return;
    d.wanted = true;
    this.k.sched.wakeUp(d.wait);
  }

  private kswapd(c: Ctx, d: KswapdData): number | ReturnType<Ctx["sleep"]> {
    if (!d.wanted) return c.sleep(d.wait, Number.POSITIVE_INFINITY, TASK_IDLE);
    const tiering = (this.sys.settings.balancing & 2) !== 0;
    const short = this.k.mm.zones.some((z) => z.nid === d.nid && z.free < (tiering ? z.promo : z.high));
    const n = short && this.sys.settings.demotion ? this.demote(d.nid, KSWAPD_BATCH, "kswapd") : 0;
    if (n === 0) d.wanted = false;
    return n * this.sys.costs.migrateNs;
  }

  /** Move up to `want` pages of a node that have not been used since the hand last passed to a slower one: how many went. */
  demote(nid: number, want: number, by: DemotionBy): number {
    const { mm } = this.k;
    const { frames } = mm;
    const targets = this.sys.tiers.demotionTargets[nid];
    if (targets.length === 0) return 0;
    const start = mm.nodePages.slice(0, nid).reduce((a, b) => a + b, 0);
    const pages = mm.nodePages[nid];
    let moved = 0;
    let failed = 0;
    // twice round at most: the first time takes the marks of use off
    for (let looked = 0; looked < pages * 2 && moved < want && failed < CLUSTER; ) {
      const pfn = start + this.hand[nid];
      const n = (frames.flags[pfn] & PG_TAIL) === 0 ? frames.pages(pfn) : 1;
      this.hand[nid] = (this.hand[nid] + n) % pages;
      looked += n;
      if ((frames.flags[pfn] & (PG_LRU | PG_UNEVICTABLE)) !== PG_LRU || pageReferenced(mm, pfn) > 0) continue;
      if (this.moveDown(pfn, targets)) moved += n;
      else failed++;
    }
    mm.count(mm.stat(`pgdemote_${by}`), moved, nid);
    if (moved > 0 || failed > 0) this.sys.migrated(moved, failed, false, "demotion");
    this.sys.spent.migrated += moved;
    this.sys.spent.migrateNs += moved * this.sys.costs.migrateNs;
    return moved;
  }

  /** To one of the nearest slower nodes; if that is full, to the others. */
  private moveDown(pfn: number, targets: readonly number[]): boolean {
    const first = targets.length === 1 ? 0 : this.rng.below(targets.length);
    for (let i = 0; i < targets.length; i++)
      if (migratePage(this.k.mm, null, pfn, targets[(first + i) % targets.length]) > 0) return true;
    return false;
  }
}

/**
 * memcg: the memory and pids controllers as a feature.
 *
 *     const kernel = createKernel().use(memcg({ swap: "192M" })).boot();
 *     sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
 *     sys.mkdir("/sys/fs/cgroup/g", 0o755);
 *     sys.writeFile("/sys/fs/cgroup/g/memory.max", "64M");
 */
import {
  type AllocRequest,
  type Cgroup,
  type Controller,
  type Core,
  coreInstance,
  type Feature,
  HOOK_WAIT,
  type MemcgOps,
  type SwapOps,
  type Task,
} from "@kernelkit/core";
import { MAX_RECLAIM_RETRIES } from "./charge.js";
import { installDentries } from "./kmem/dentries.js";
import { Kmem } from "./kmem/kmem.js";
import { chargeChildGroup, installPipes, installTaskObjects } from "./kmem/objects.js";
import { installKswapd, type Kswapds } from "./kswapd.js";
import { type EffectiveLimit, effectiveMemoryLimit } from "./limits/effectiveLimit.js";
import { LruLists } from "./lruList.js";
import { MemCgroup } from "./memCgroup.js";
import { MemcgSystem, type TaskMemory } from "./memcgSystem.js";
import { outOfMemory } from "./oom.js";
import { type MemcgOptions, type ResolvedOptions, resolveOptions } from "./options.js";
import { PageCounter } from "./pageCounter.js";
import {
  chargeRun,
  countFaults,
  lruAdd,
  lruDel,
  pageCharge,
  pageMigrate,
  pageRun,
  pageSplit,
  pageState,
  pageUncharge,
} from "./pages.js";
import { installPids } from "./pids.js";
import { addTrigger } from "./pressureFiles.js";
import { PSI_CLASSES } from "./psi.js";
import { reclaimSubtree } from "./reclaim.js";
import { shrinkPage } from "./shrinkList.js";
import { softLimitReclaim } from "./softLimit.js";
import { drainStock, Stock } from "./stock.js";
import { Swap } from "./swap/swap.js";
import { SwapArea } from "./swap/swapArea.js";
import { type MemcgSys, swapCalls } from "./swap/swapCalls.js";
import { installZswap, Zswap } from "./swap/zswap.js";
import { installEventfds, recount } from "./v1/eventControl.js";
import { LegacyEvents, Thresholds } from "./v1/legacyEvents.js";
import { moveCharges } from "./v1/moveCharge.js";
import { v1Files } from "./v1/v1Files.js";
import { v2Files } from "./v2Files.js";
import { wbStats } from "./wbStats.js";

export interface MemcgApi {
  /** State of the group at `path` of the v2 tree ("/g"); null: there is none, or memory is not enabled there. */
  group(path: string): MemCgroup | null;
  /** The memory limit that holds for a task, and why. */
  effectiveMemoryLimit(t: Task): EffectiveLimit;
  /** What the package works on. */
  readonly system: MemcgSystem;
}

function controller(s: MemcgSystem, o: ResolvedOptions): Controller {
  return {
    name: "memory",
    cssAlloc(k, css) {
      const id = s.takeId();
      const above = css.parent === null ? null : (css.parent.data as MemCgroup);
      // without use_hierarchy a group is charged alone
      const parent = above === null || above.useHierarchy ? above : s.root;
      const m = new MemCgroup(id, parent, css, k.mm.nodes, above);
      s.groups[id] = m;
      css.data = m;
      if (above === null) {
        s.root = m;
        m.useHierarchy = o.useHierarchy;
      } else chargeChildGroup(s, above, o.sizes, 1, css);
    },
    cssOffline(k, css) {
      const m = css.data as MemCgroup;
      for (const stock of s.stocks) if (stock.memcg === m) drainStock(stock);
      if (m.legacy === null) return;
      m.legacy.signalAll(k);
      m.legacy = null;
      recount(s);
    },
    cssFree(_k, css) {
      const m = css.data as MemCgroup;
      for (const stock of s.stocks) if (stock.memcg === m) drainStock(stock);
      if (css.parent !== null) chargeChildGroup(s, css.parent.data as MemCgroup, o.sizes, -1, css);
      m.fold();
      s.groups[m.id] = null;
      s.freeIds.push(m.id);
    },
    attach(_k, css, task, old) {
      const own = task.slots[s.slot] as TaskMemory | undefined;
      if (own !== undefined) own.memcg = null;
      if (s.era.moveCharge) moveCharges(s, task, old.data as MemCgroup, css.data as MemCgroup);
    },
    files: v2Files(s),
    legacyFiles: v1Files(s),
  };
}

/** Reclaim and out-of-memory of the whole machine: the root's subtree is all of it. */
function installGlobal(k: Core, s: MemcgSystem): Kswapds {
  const kswapd = installKswapd(k, s);
  k.hooks.reclaim.tap(150, "memcg", (r: AllocRequest) => {
    s.pendingIo = 0;
    const { begin, end } = s.trace.direct;
    if (begin.on) begin.emit();
    let freed = softLimitReclaim(s, { want: 1 << r.order, c: r.c, maySwap: true });
    // the first rounds may only find what was used a moment ago
    for (let tries = MAX_RECLAIM_RETRIES; freed === 0 && s.pendingIo === 0 && tries > 0; tries--)
      freed = reclaimSubtree(s, s.root, { want: 1 << r.order, c: r.c, maySwap: true });
    if (end.on) end.emit(freed);
    if (freed > 0) kswapd.progress();
    if (freed > 0 || s.pendingIo === 0 || r.c === null) return freed;
    r.c.sleep(null, k.time.nextTick(), 2);
    return HOOK_WAIT;
  });
  k.hooks.outOfMemory.tap(250, "memcg", (r) => outOfMemory(s, s.root, r.task));
  k.hooks.reclaimPages.tap(150, "memcg", (pages) => {
    for (const pfn of pages) shrinkPage(s, pfn, null);
  });
  return kswapd;
}

function installPages(k: Core, s: MemcgSystem): void {
  const { hooks } = k;
  hooks.pageCharge.tap(100, "memcg", (pfn, r) => pageCharge(s, pfn, r), undefined, true);
  hooks.pageUncharge.tap(100, "memcg", (pfn, order) => pageUncharge(s, pfn, order));
  hooks.pageSplit.tap(100, "memcg", (pfn, order) => pageSplit(s, pfn, order));
  hooks.pageMigrate.tap(100, "memcg", (from, to) => pageMigrate(s, from, to));
  hooks.pageState.tap(100, "memcg", (pfn, change) => pageState(s, pfn, change), true);
  hooks.lruAdd.tap(100, "memcg", (pfn, lru) => lruAdd(s, pfn, lru), true);
  hooks.lruDel.tap(100, "memcg", (pfn, lru) => lruDel(s, pfn, lru));
  hooks.chargeRun.tap(100, "memcg", (r, n) => chargeRun(s, r, n));
  hooks.pageRun.tap(100, "memcg", (run) => pageRun(s, run));
  hooks.pageFault.tap(100, "memcg", (_mm, major) => countFaults(s, 1, major === 1), true);
  hooks.faultRun.tap(100, "memcg", (_mm, n) => countFaults(s, n, false));
}

/** The group at a path of the v2 tree. */
function groupAt(k: Core, s: MemcgSystem, path: string): MemCgroup | null {
  let g: Cgroup = k.cgroup.v2.top;
  for (const name of path.split("/")) {
    if (name === "") continue;
    const next = g.children.get(name);
    if (next === undefined) return null;
    g = next;
  }
  return (g.css[s.index]?.data as MemCgroup | undefined) ?? null;
}

/** The feature. */
export function memcg(options: MemcgOptions = {}): Feature<"memcg", MemcgApi, MemcgSys, never, "swap" | "memcg"> {
  const o = resolveOptions(options);
  const swaps = new WeakMap<Core, Swap>();
  const swapOf = (k: Core): Swap => {
    const swap = swaps.get(k) ?? new Swap(k, o.swapReadNs, o.zswapBytes);
    swaps.set(k, swap);
    return swap;
  };
  return {
    name: "memcg",
    core: coreInstance,
    gives: {
      swap: (k): SwapOps => swapOf(k),
      memcg: (k): MemcgOps => ({
        cssOfTask: (t) => swapOf(k).s.ofTask(t).css,
        cssOfPage: (pfn) => swapOf(k).s.ofPage(pfn).css,
        wbStats: (css, out) => wbStats(css.data as MemCgroup, out),
      }),
    },
    install(k) {
      k.state.class(
        MemCgroup,
        LruLists,
        PageCounter,
        Stock,
        MemcgSystem,
        Kmem,
        Swap,
        SwapArea,
        Zswap,
        LegacyEvents,
        Thresholds,
      );
      k.state.class(...PSI_CLASSES);
      const swap = swapOf(k);
      const s = new MemcgSystem(k, swap, o.kmem);
      swap.s = s;
      s.era = o.era;
      s.bootRecursive = o.mountOptions.includes("memory_recursiveprot");
      s.slot = k.slots.task.add(
        "memcg",
        (): TaskMemory => ({ memcg: null, payer: null, objBytes: 0, stackPages: 0, overHigh: 0, inOom: null }),
      );
      s.mappingSlot = k.mm.mappingSlots.add("memcg", () => undefined);
      const def = controller(s, o);
      k.state.static("cgroup.memory", def);
      s.index = k.cgroup.register(def);
      installPids(k, o.pidsLocalEvents);
      if (o.splitsHugeZero) k.mm.thp.hugeZero = "split";
      k.state.root("memcg", s);
      installPages(k, s);
      installTaskObjects(s, o.sizes);
      installPipes(k, s, o.sizes);
      installDentries(k, s);
      installZswap(k, swap.zswap);
      installEventfds(k, s);
      const kswapd = installGlobal(k, s);
      k.proc.file("pressure/memory", {
        show: (c) => s.root.psi.text(c.now),
        store: (_c, _o, text, file) => addTrigger(s, s.root.psi, text, file),
      });
      return {
        api: {
          system: s,
          group: (path) => groupAt(k, s, path),
          effectiveMemoryLimit: (t) => effectiveMemoryLimit(k, s, t),
        },
        sys: swapCalls(swap),
        boot() {
          kswapd.boot();
          if (o.swapPages > 0) swap.add(new SwapArea("/dev/vdb", "partition", o.swapPages, -2, null));
        },
      };
    },
  };
}

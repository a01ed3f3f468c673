/**
 * memcg: the memory and pids controllers as a feature.
 *
 *     const kernel = createKernel().use(memcg()).boot();
 *     sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
 *     sys.mkdir("/sys/fs/cgroup/g", 0o755);
 *     sys.writeFile("/sys/fs/cgroup/g/memory.max", "64M");
 */
import { type Controller, type Core, ENOMEM, type Feature, type SysBase, type Task } from "@kernelkit/core";
import { MemCgroup, S_KERNEL_STACK, S_PERCPU, S_PGFAULT, S_PGMAJFAULT, S_SLAB } from "./memCgroup.js";
import { MemcgSystem, Stock, type TaskMemory } from "./memcgSystem.js";
import { PageCounter, pageCounterCharge } from "./pageCounter.js";
import { installPids } from "./pids.js";
import { v1Files } from "./v1Files.js";
import { v2Files } from "./v2Files.js";

export interface MemcgOptions {
  /** Options of the cgroup2 mount at boot, comma separated: memory_recursiveprot is the one that counts here. */
  cgroup2Options?: string;
  /** Kernel whose pids.events is meant: before 6.11 the forking group counts. */
  semantics?: string;
}

export interface MemcgApi {
  /** State of the group at `path` of the v2 tree ("/g"); null: there is none, or memory is not enabled there. */
  group(path: string): MemCgroup | null;
  /** What the package works on. */
  readonly system: MemcgSystem;
}

/** Kernel memory of a task: pages of its stack, bytes of its slab objects, and the pages those take. */
const STACK_PAGES = 4;
const SLAB_BYTES = 15528;
const SLAB_PAGES = 4;
const TASK_PAGES = STACK_PAGES + SLAB_PAGES;
/** A child group costs its parent per-CPU memory and slab, bytes. */
const GROUP_PERCPU = 3600;
const GROUP_SLAB = 4096;

function before(version: string | undefined, major: number, minor: number): boolean {
  const m = /^(\d+)\.(\d+)/.exec(version ?? "6.18");
  return m !== null && (Number(m[1]) < major || (Number(m[1]) === major && Number(m[2]) < minor));
}

/** Statistics that older kernels do not show. */
const NOT_BEFORE_6_12: readonly string[] = (
  "pgdemote_kswapd pgdemote_direct pgdemote_khugepaged pgdemote_proactive pswpin pswpout pgscan_khugepaged pgscan_proactive " +
  "pgsteal_khugepaged pgsteal_proactive swpin_zero swpout_zero zswpwb thp_swpout thp_swpout_fallback"
).split(" ");

function controller(s: MemcgSystem): Controller {
  return {
    name: "memory",
    cssAlloc(k, css) {
      let id = 0;
      while (s.groups[id]) id++;
      const parent = css.parent === null ? null : (css.parent.data as MemCgroup);
      const m = new MemCgroup(id, parent, css);
      s.groups[id] = m;
      css.data = m;
      if (parent === null) s.root = m;
      else if (!parent.isRoot) {
        pageCounterCharge(parent.memory, 2);
        parent.stat(S_PERCPU, GROUP_PERCPU * k.cpus.nr * 0.5);
        parent.stat(S_SLAB, GROUP_SLAB);
      }
    },
    cssOffline: () => s.drainAll(),
    cssFree(k, css) {
      const m = css.data as MemCgroup;
      s.drainAll();
      const { parent } = m;
      if (parent !== null && !parent.isRoot) {
        s.uncharge(parent, 2);
        parent.stat(S_PERCPU, -GROUP_PERCPU * k.cpus.nr * 0.5);
        parent.stat(S_SLAB, -GROUP_SLAB);
      }
      s.groups[m.id] = null;
    },
    files: v2Files(s),
    legacyFiles: v1Files(s),
  };
}

function kernelMemory(k: Core, s: MemcgSystem): void {
  const slot = k.slots.task.add("memcg", (): TaskMemory => ({ payer: null, overHigh: 0 }));
  s.slot = slot;
  const account = (m: MemCgroup, sign: number): void => {
    m.stat(S_KERNEL_STACK, sign * STACK_PAGES);
    m.stat(S_SLAB, sign * SLAB_BYTES);
  };
  k.hooks.fork.tap(
    105,
    "memcg",
    (ev) => {
      if (ev.stage !== "task") return 0;
      const m = s.ofTask(ev.parent);
      if (s.tryCharge(m, TASK_PAGES, null) !== 0) return ENOMEM;
      account(m, 1);
      return 0;
    },
    (ev) => {
      if (ev.stage !== "task") return;
      const m = s.ofTask(ev.parent);
      s.uncharge(m, TASK_PAGES);
      account(m, -1);
    },
  );
  k.hooks.forked.tap(105, "memcg", (parent, child) => {
    const m = s.ofTask(parent);
    (child.slots[slot] as TaskMemory).payer = m;
    if (!m.isRoot) k.cgroup.cssGet(m.css);
  });
  k.hooks.reaped.tap(105, "memcg", (t: Task) => {
    const own = t.slots[slot] as TaskMemory | undefined;
    const m = own?.payer ?? null;
    if (own === undefined || m === null) return;
    own.payer = null;
    account(m, -1);
    s.uncharge(m, TASK_PAGES);
    if (!m.isRoot) k.cgroup.cssPut(m.css);
  });
}

/** The feature. */
export function memcg(options: MemcgOptions = {}): Feature<"memcg", MemcgApi, SysBase> {
  return {
    name: "memcg",
    install(k: Core) {
      k.state.class(MemCgroup, PageCounter, Stock, MemcgSystem);
      const s = new MemcgSystem(k);
      const def = controller(s);
      k.state.static("cgroup.memory", def);
      s.index = k.cgroup.register(def);
      s.recursiveProtection = (options.cgroup2Options ?? "").split(",").includes("memory_recursiveprot");
      installPids(k, !before(options.semantics, 6, 11));
      if (before(options.semantics, 6, 12)) s.hidden = NOT_BEFORE_6_12;
      if (before(options.semantics, 6, 13)) k.mm.thp.hugeZero = "split";
      k.state.root("memcg", s);
      const { hooks } = k;
      hooks.pageCharge.tap(100, "memcg", (pfn, r) => s.pageCharge(pfn, r));
      hooks.pageUncharge.tap(100, "memcg", (pfn, order) => s.pageUncharge(pfn, order));
      hooks.pageSplit.tap(100, "memcg", (pfn, order) => s.pageSplit(pfn, order));
      hooks.pageMigrate.tap(100, "memcg", (from, to) => s.pageMigrate(from, to));
      hooks.pageState.tap(100, "memcg", (pfn, change) => s.pageState(pfn, change));
      hooks.lruAdd.tap(100, "memcg", (pfn, lru) => s.lruAdd(pfn, lru));
      hooks.lruDel.tap(100, "memcg", (pfn, lru) => s.lruDel(pfn, lru));
      hooks.pageFault.tap(100, "memcg", (_mm, major) => {
        if (k.current === null) return;
        const m = s.ofTask(k.current);
        m.stat(S_PGFAULT, 1);
        if (major === 1) m.stat(S_PGMAJFAULT, 1);
      });
      kernelMemory(k, s);
      return {
        api: {
          system: s,
          group(path) {
            let g = k.cgroup.v2.top;
            for (const name of path.split("/")) {
              if (name === "") continue;
              const next = g.children.get(name);
              if (next === undefined) return null;
              g = next;
            }
            return (g.css[s.index]?.data as MemCgroup | undefined) ?? null;
          },
        },
      };
    },
  };
}

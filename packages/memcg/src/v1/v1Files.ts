/** The memory.* files of cgroup v1. Kernel document admin-guide/cgroup-v1/memory. */
import { type CgroupFile, type Ctx, EBUSY, EINVAL, fail, WAIT } from "@kernelkit/core";
import { oomRecover } from "../charge.js";
import { command, limitFile, numberIn, reclaimTo, type StoreResult, setting, shown } from "../counterFiles.js";
import { MEMCG_OOM_KILL, type MemCgroup } from "../memCgroup.js";
import type { MemcgSystem } from "../memcgSystem.js";
import { bytesOf, memparsePages, roundUpPages } from "../memparse.js";
import { PAGE_COUNTER_MAX, type PageCounter } from "../pageCounter.js";
import { reclaimSubtree } from "../reclaim.js";
import { statIndex, statValue } from "../stats.js";
import { eventControlFile } from "./eventControl.js";
import { MOVE_MASK } from "./moveCharge.js";
import { legacyNumaStat, legacyStat } from "./v1Stat.js";

const bytes = (pages: number): string => `${bytesOf(pages)}\n`;
const S_KERNEL = statIndex("kernel");
/** What a kernel of the res_counter era (before 3.19) shows for no limit. */
const RES_COUNTER_MAX = "9223372036854775807\n";

/** Reclaim until the counter fits below `pages`; EBUSY if it does not. */
function resize(s: MemcgSystem, m: MemCgroup, counter: PageCounter, pages: number, c: Ctx): StoreResult {
  if (counter.usage > pages) {
    const fits = reclaimTo(s, m, counter, pages, c);
    if (fits === "sleep") return WAIT;
    if (!fits) return fail(EBUSY);
  }
  counter.max = pages;
  oomRecover(s, m);
  return undefined;
}

/** usage, max_usage, failcnt of a counter. */
function usageFiles(s: MemcgSystem, prefix: string, of: (m: MemCgroup) => PageCounter, usage = of): CgroupFile[] {
  return [
    shown(`${prefix}usage_in_bytes`, (m) => bytes(usage(m).usage), true),
    setting(
      `${prefix}max_usage_in_bytes`,
      (m) => bytes(of(m).watermark),
      (m) => {
        s.drainAll();
        of(m).watermark = of(m).usage;
      },
      true,
    ),
    setting(
      `${prefix}failcnt`,
      (m) => `${of(m).failcnt}\n`,
      (m) => {
        of(m).failcnt = 0;
      },
      true,
    ),
  ];
}

function limitOf(
  name: string,
  counter: (m: MemCgroup) => PageCounter,
  set: (m: MemCgroup, pages: number, c: Ctx) => StoreResult,
): CgroupFile {
  const checked = (m: MemCgroup, n: number, c: Ctx): StoreResult => (m.isRoot ? fail(EINVAL) : set(m, n, c));
  return limitFile(name, "-1", bytes, (m) => counter(m).max, checked, true);
}

function kmemFiles(s: MemcgSystem): CgroupFile[] {
  const { strategy } = s.kmem;
  const old = strategy === "3.8";
  const [usage, ...rest] = usageFiles(s, "kmem.", (m) => m.kmem);
  return [
    strategy === "unified" ? shown("kmem.usage_in_bytes", (m) => `${statValue(m, S_KERNEL)}\n`, true) : usage,
    ...rest,
    setting(
      "kmem.limit_in_bytes",
      (m) => (old && m.kmem.max === PAGE_COUNTER_MAX ? RES_COUNTER_MAX : bytes(m.kmem.max)),
      (m, text) => {
        const pages = old ? roundUpPages(text, "-1") : memparsePages(text, "-1");
        if (m.isRoot && strategy !== "unified") return fail(EINVAL);
        return s.kmem.setLimit(m, pages, pages === PAGE_COUNTER_MAX);
      },
      true,
    ),
    shown("kmem.slabinfo", () => "", true),
    ...usageFiles(s, "kmem.tcp.", (m) => m.tcpmem),
    limitOf(
      "kmem.tcp.limit_in_bytes",
      (m) => m.tcpmem,
      (m, n, c) => resize(s, m, m.tcpmem, n, c),
    ),
  ];
}

function oomControl(s: MemcgSystem): CgroupFile {
  return setting(
    "oom_control",
    (m) =>
      `oom_kill_disable ${m.oomKillDisable ? 1 : 0}\nunder_oom ${m.underOom > 0 ? 1 : 0}\noom_kill ${m.eventsLocal[MEMCG_OOM_KILL]}\n`,
    (m, text) => {
      const off = numberIn(text, 0, 1) === 1;
      if (m.isRoot) return fail(EINVAL);
      m.oomKillDisable = off;
      if (!off) oomRecover(s, m);
      return undefined;
    },
    true,
  );
}

/** use_hierarchy: 1 for good since 5.11; before, a choice of groups without children below one that has not chosen. */
function useHierarchy(s: MemcgSystem): CgroupFile {
  return setting(
    "use_hierarchy",
    (m) => `${m.useHierarchy ? 1 : 0}\n`,
    (m, text) => {
      const on = numberIn(text, s.era.hierarchyOnly ? 1 : 0, 1) === 1;
      if (on === m.useHierarchy) return undefined;
      const above = m.css.parent?.data as MemCgroup | undefined;
      if (above?.useHierarchy === true && !on) return fail(EINVAL);
      if (m.css.cgroup.children.size > 0) return fail(EBUSY);
      m.useHierarchy = on;
      return undefined;
    },
    true,
  );
}

export function v1Files(s: MemcgSystem): CgroupFile[] {
  return [
    ...usageFiles(s, "", (m) => m.memory),
    limitOf(
      "limit_in_bytes",
      (m) => m.memory,
      (m, n, c) => (n > m.memsw.max ? fail(EINVAL) : resize(s, m, m.memory, n, c)),
    ),
    ...usageFiles(s, "memsw.", (m) => m.memsw),
    limitOf(
      "memsw.limit_in_bytes",
      (m) => m.memsw,
      (m, n, c) => (n < m.memory.max ? fail(EINVAL) : resize(s, m, m.memsw, n, c)),
    ),
    limitFile(
      "soft_limit_in_bytes",
      "-1",
      bytes,
      (m) => m.softLimit,
      (m, n) => {
        m.softLimit = n;
      },
      true,
    ),
    ...kmemFiles(s),
    shown("stat", (m) => legacyStat(m), true),
    shown("numa_stat", (m) => legacyNumaStat(s, m), true),
    setting(
      "swappiness",
      (m) => `${m.swappiness}\n`,
      (m, t) => {
        m.swappiness = numberIn(t, 0, 200);
      },
      true,
    ),
    useHierarchy(s),
    setting(
      "move_charge_at_immigrate",
      (m) => `${m.moveCharge}\n`,
      (m, text) => {
        m.moveCharge = numberIn(text, 0, s.era.moveCharge ? MOVE_MASK : 0);
        return undefined;
      },
      true,
    ),
    command("force_empty", (m, _text, c) => {
      if (m.isRoot) return fail(EINVAL);
      s.drainAll();
      for (let tries = 5; m.memory.usage > 0 && tries > 0; tries--)
        if (reclaimSubtree(s, m, { want: m.memory.usage, c, maySwap: true }) === 0) break;
      return undefined;
    }),
    oomControl(s),
    { name: "pressure_level", mode: 0o444 },
    eventControlFile(s),
  ];
}

/** The kernel operations of memcg's cases: `name: (s, args, step) => result`. The vocabulary is in the README. */
import { EBUSY, Errno } from "@kernelkit/core";
import {
  calculateHighDelay,
  calculateProtection,
  computeBalloonFloor,
  type MemCgroup,
  type MemcgApi,
  PAGE_COUNTER_MAX,
  PageCounter,
  pageCounterCharge,
  pageCounterSetLow,
  pageCounterSetMax,
  pageCounterSetMin,
  pageCounterTryCharge,
  pageCounterUncharge,
  STAT_NAMES,
  statValue,
} from "@kernelkit/memcg";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";

const counters = (s: Session): Map<string, PageCounter> => s.state("counters", () => new Map<string, PageCounter>());

function group(s: Session, path: unknown): MemCgroup {
  const api = (s.kernel as unknown as { memcg: MemcgApi }).memcg;
  const m = api.group(String(path).replace(/^\/sys\/fs\/cgroup/, ""));
  if (m === null) throw new Error(`no memory cgroup ${String(path)}`);
  return m;
}

function counter(s: Session, name: unknown): PageCounter {
  const text = String(name);
  if (text.endsWith(":memory")) return group(s, text.slice(0, -7)).memory;
  const c = counters(s).get(text);
  if (c === undefined) throw new Error(`no counter ${text}`);
  return c;
}

export const memcgOps: KernelOps = {
  page_counter_init: (s, [name, parent]) => {
    counters(s).set(String(name), new PageCounter(parent === null ? null : counter(s, parent)));
    return { ret: 0 };
  },
  page_counter_try_charge: (s, [name, n]) => {
    const refused = pageCounterTryCharge(counter(s, name), Number(n));
    if (refused === null) return { ret: true };
    for (const [k, c] of counters(s)) if (c === refused) return { ret: false, fields: { fail: k } };
    return { ret: false };
  },
  page_counter_charge: (s, [name, n]) => {
    pageCounterCharge(counter(s, name), Number(n));
    return { ret: 0 };
  },
  page_counter_uncharge: (s, [name, n]) => {
    pageCounterUncharge(counter(s, name), Number(n));
    return { ret: 0 };
  },
  page_counter_set_max: (s, [name, n]) => {
    try {
      pageCounterSetMax(counter(s, name), Number(n));
    } catch (e) {
      if (e instanceof Errno && e.nr === EBUSY) return { errno: "EBUSY" };
      throw e;
    }
    return { ret: 0 };
  },
  page_counter_set_min: (s, [name, n]) => {
    pageCounterSetMin(counter(s, name), Number(n));
    return { ret: 0 };
  },
  page_counter_set_low: (s, [name, n]) => {
    pageCounterSetLow(counter(s, name), Number(n));
    return { ret: 0 };
  },
  page_counter_read_all: (s, [name]) => {
    const c = counter(s, name);
    return {
      fields: {
        usage: c.usage,
        watermark: c.watermark,
        failcnt: c.failcnt,
        max: c.max === PAGE_COUNTER_MAX ? -1 : c.max,
        min_usage: c.minUsage,
        low_usage: c.lowUsage,
        children_min_usage: c.childrenMinUsage,
        children_low_usage: c.childrenLowUsage,
      },
    };
  },
  mem_cgroup_calculate_protection: (s, [root, path]) => {
    const api = (s.kernel as unknown as { memcg: MemcgApi }).memcg;
    const c = group(s, path).memory;
    calculateProtection(group(s, root).memory, c, api.system.recursiveProtection);
    return { fields: { emin: c.emin, elow: c.elow } };
  },
  calculate_high_delay: (_s, [a]) => {
    const o = a as { usage: number; high: number; nr_pages: number; HZ: number };
    return { ret: calculateHighDelay(o.usage, o.high, o.nr_pages, o.HZ) };
  },
  memcg_sum_check: (s, [path, keys]) => {
    const m = group(s, path);
    const sum = (keys as string[]).reduce((a, k) => a + statValue(m, STAT_NAMES.indexOf(k)), 0);
    return { ret: m.memory.usage * 4096 - sum };
  },
  compute_balloon_floor: (_s, [pages]) => ({ ret: computeBalloonFloor(Number(pages)) }),
};

/**
 * The cpu and cpuacct controllers: bandwidth by quota and period, as CFS bandwidth control has it, and the files of both versions.
 * Tasks of a group that has used up its quota stop at their next return to user mode and go on with the next period.
 * cgroup-v2 "CPU", scheduler/sched-bwc, cgroup-v1/cpuacct. Weights are kept and shown; the scheduler follows nice alone.
 */
import {
  type Cgroup,
  type CgroupFile,
  type Controller,
  type Core,
  type Css,
  EINVAL,
  ERANGE,
  type Feature,
  fail,
  type SysBase,
  TASK_DEAD,
  TASK_FROZEN,
  TASK_ZOMBIE,
  type Task,
  taskCpuNs,
} from "@kernelkit/core";

const NO_QUOTA: number = Number.POSITIVE_INFINITY;
const MIN_US = 1000;
const MAX_PERIOD_US = 1_000_000;
/** Usage is looked at least this often while a quota is being used, ns. */
const SLICE_NS = 1_000_000;

export class CpuGroup {
  quotaUs: number = NO_QUOTA;
  periodUs = 100_000;
  burstUs = 0;
  weight = 100;
  idle = 0;
  nrPeriods = 0;
  nrThrottled = 0;
  throttledNs = 0;
  nrBursts = 0;
  burstNs = 0;
  /** The period that runs: when it ends (0: none), usage when it began less what was used too much before. */
  periodEndNs = 0;
  baseNs = 0;
  /** Quota left over from earlier periods, up to the burst. */
  savedNs = 0;
  /** ns since boot at which it was throttled; -1: it is not. */
  throttledAt = -1;

  constructor(readonly css: Css) {}
}

const of = (css: Css | null): CpuGroup => (css as Css).data as CpuGroup;

/** CPU time used in a group's subtree, ns. */
function usage(k: Core, g: Cgroup): { user: number; system: number; total: number } {
  const { user, system } = g.cpuTime();
  let running = 0;
  for (const d of g.subtree()) for (const t of d.tasks) running += taskCpuNs(k, t) - t.utimeNs - t.stimeNs;
  return { user: user + running, system, total: user + system + running };
}

class Bandwidth {
  /** Groups with a quota. */
  limited = 0;
  private readonly check: number;
  index = -1;

  constructor(private readonly k: Core) {
    this.check = k.timers.defineHr("cfs_bandwidth", (css) => this.look(of(css as Css)));
  }

  /** A task runs: the periods of the groups with a quota above it begin. */
  ran(t: Task): void {
    if (this.limited === 0) return;
    for (let css: Css | null = this.k.cgroup.css(t, this.index); css !== null; css = css.parent) {
      const g = of(css);
      if (g.quotaUs === NO_QUOTA || g.periodEndNs !== 0) continue;
      g.baseNs = usage(this.k, css.cgroup).total;
      g.periodEndNs = this.k.now + g.periodUs * 1000;
      this.next(g, 0);
    }
  }

  private allowed(g: CpuGroup): number {
    return g.quotaUs * 1000 + g.savedNs;
  }

  private next(g: CpuGroup, used: number): void {
    const soonest = (this.allowed(g) - used) / this.k.cpus.nrOnline;
    const at = g.throttledAt >= 0 ? g.periodEndNs : this.k.now + Math.max(SLICE_NS, Math.floor(soonest));
    this.k.timers.startHr(this.check, Math.min(at, g.periodEndNs), g.css, 0);
  }

  /** The timer of a group's period, or in it. */
  private look(g: CpuGroup): void {
    const { k } = this;
    if (g.periodEndNs === 0) return;
    const total = usage(k, g.css.cgroup).total;
    const used = total - g.baseNs;
    if (g.quotaUs === NO_QUOTA || k.now >= g.periodEndNs) {
      this.endPeriod(g, total, used);
      return;
    }
    if (used >= this.allowed(g) && g.throttledAt < 0) {
      g.throttledAt = k.now;
      g.nrThrottled++;
      this.apply(g.css.cgroup);
    }
    this.next(g, used);
  }

  private endPeriod(g: CpuGroup, total: number, used: number): void {
    const { k } = this;
    const quotaNs = g.quotaUs === NO_QUOTA ? 0 : g.quotaUs * 1000;
    g.nrPeriods++;
    if (used > quotaNs && g.savedNs > 0) {
      g.nrBursts++;
      g.burstNs += Math.min(used - quotaNs, g.savedNs);
    }
    const left = this.allowed(g) - used;
    g.savedNs = Math.max(0, Math.min(g.burstUs * 1000, left));
    if (g.throttledAt >= 0) {
      g.throttledNs += k.now - g.throttledAt;
      g.throttledAt = -1;
      this.apply(g.css.cgroup);
    }
    if (used === 0 || g.quotaUs === NO_QUOTA) {
      g.periodEndNs = 0;
      return;
    }
    // what was used beyond the quota is taken from the next period
    g.baseNs = total - Math.max(0, -left);
    g.periodEndNs = k.now + g.periodUs * 1000;
    this.next(g, Math.max(0, -left));
  }

  private throttled(t: Task): boolean {
    for (let css: Css | null = this.k.cgroup.css(t, this.index); css !== null; css = css.parent)
      if (of(css).throttledAt >= 0) return true;
    return false;
  }

  /** Stop the tasks of a subtree, or let those go on that nothing stops. */
  private apply(g: Cgroup): void {
    for (const d of g.subtree()) for (const t of d.tasks) this.settle(t);
  }

  settle(t: Task): void {
    if (t.isKthread || t.exiting || t.state === TASK_ZOMBIE || t.state === TASK_DEAD) return;
    const frozen = t.cgroups[0]?.frozenEffective ?? false;
    const stop = frozen || this.throttled(t);
    if (stop === t.frozenBy > 0) return;
    t.frozenBy = stop ? 1 : 0;
    if (stop) this.k.signals.kick(t);
    else if (t.state === TASK_FROZEN) {
      t.userWork = true;
      this.k.sched.wakeState(t);
    }
  }

  /** A limit was changed. */
  changed(g: CpuGroup, quotaUs: number): void {
    if (g.css.parent === null) fail(EINVAL);
    this.limited += (quotaUs === NO_QUOTA ? 0 : 1) - (g.quotaUs === NO_QUOTA ? 0 : 1);
    g.quotaUs = quotaUs;
    for (const d of g.css.cgroup.subtree()) for (const t of d.tasks) this.ran(t);
  }
}

const whole = (text: string): number => (/^\d+$/.test(text) ? Number(text) : fail(EINVAL));

function quota(us: number): number {
  if (us < MIN_US) fail(EINVAL);
  return us;
}
function period(us: number): number {
  if (us < MIN_US || us > MAX_PERIOD_US) fail(EINVAL);
  return us;
}

/** Weights of the nice values -20 .. 19, as cpu.weight.nice converts: 10000/1024 of the scheduler's, rounded. */
const NICE_WEIGHTS = [
  88761, 71755, 56483, 46273, 36291, 29154, 23254, 18705, 14949, 11916, 9548, 7620, 6100, 4904, 3906, 3121, 2501, 1991,
  1586, 1277, 1024, 820, 655, 526, 423, 335, 272, 215, 172, 137, 110, 87, 70, 56, 45, 36, 29, 23, 18, 15,
];

function v2(b: Bandwidth): CgroupFile[] {
  return [
    {
      name: "weight",
      mode: 0o644,
      notOnRoot: true,
      show: (_c, _g, css) => `${of(css).idle !== 0 ? 0 : of(css).weight}\n`,
      store(_c, _g, css, text) {
        const n = whole(text.trim());
        if (n < 1 || n > 10000) fail(ERANGE);
        of(css).weight = n;
      },
    },
    {
      name: "weight.nice",
      mode: 0o644,
      notOnRoot: true,
      show(_c, _g, css) {
        const want = (of(css).weight * 1024) / 100;
        const gap = NICE_WEIGHTS.map((w) => Math.abs(w - want));
        return `${gap.indexOf(Math.min(...gap)) - 20}\n`;
      },
      store(_c, _g, css, text) {
        const m = /^-?\d+$/.exec(text.trim());
        const nice = m === null ? fail(EINVAL) : Number(m[0]);
        if (nice < -20 || nice > 19) fail(ERANGE);
        of(css).weight = Math.round((NICE_WEIGHTS[nice + 20] * 100) / 1024);
      },
    },
    {
      name: "idle",
      mode: 0o644,
      notOnRoot: true,
      show: (_c, _g, css) => `${of(css).idle}\n`,
      store(_c, _g, css, text) {
        const n = whole(text.trim());
        if (n > 1) fail(EINVAL);
        of(css).idle = n;
      },
    },
    {
      name: "max",
      mode: 0o644,
      notOnRoot: true,
      show: (_c, _g, css) => `${of(css).quotaUs === NO_QUOTA ? "max" : of(css).quotaUs} ${of(css).periodUs}\n`,
      store(_c, _g, css, text) {
        const g = of(css);
        const [q, p] = text.trim().split(/\s+/);
        const us = q === "max" ? NO_QUOTA : quota(whole(q ?? ""));
        g.periodUs = period(p === undefined ? g.periodUs : whole(p));
        b.changed(g, us);
      },
    },
    {
      name: "max.burst",
      mode: 0o644,
      notOnRoot: true,
      show: (_c, _g, css) => `${of(css).burstUs}\n`,
      store(_c, _g, css, text) {
        const n = whole(text.trim());
        if (n > of(css).quotaUs) fail(EINVAL);
        of(css).burstUs = n;
      },
    },
  ];
}

function v1(b: Bandwidth): CgroupFile[] {
  return [
    {
      name: "shares",
      mode: 0o644,
      show: (_c, _g, css) => `${Math.max(2, Math.round((of(css).weight * 1024) / 100))}\n`,
      store(_c, _g, css, text) {
        of(css).weight = Math.min(262144, Math.max(2, whole(text.trim()))) / 10.24;
      },
    },
    {
      name: "cfs_quota_us",
      mode: 0o644,
      show: (_c, _g, css) => `${of(css).quotaUs === NO_QUOTA ? -1 : of(css).quotaUs}\n`,
      store(_c, _g, css, text) {
        const s = text.trim();
        b.changed(of(css), s.startsWith("-") ? NO_QUOTA : quota(whole(s)));
      },
    },
    {
      name: "cfs_period_us",
      mode: 0o644,
      show: (_c, _g, css) => `${of(css).periodUs}\n`,
      store(_c, _g, css, text) {
        of(css).periodUs = period(whole(text.trim()));
      },
    },
    {
      name: "stat",
      mode: 0o444,
      show(_c, _g, css) {
        const g = of(css);
        return `nr_periods ${g.nrPeriods}\nnr_throttled ${g.nrThrottled}\nthrottled_time ${g.throttledNs}\n`;
      },
    },
  ];
}

const TICK_NS = 1e7;
const acctFiles: CgroupFile[] = [
  { name: "usage", mode: 0o444, show: (c, g) => `${Math.floor(usage(c.k, g).total)}\n` },
  {
    name: "stat",
    mode: 0o444,
    show(c, g) {
      const u = usage(c.k, g);
      return `user ${Math.floor(u.user / TICK_NS)}\nsystem ${Math.floor(u.system / TICK_NS)}\n`;
    },
  },
  { name: "usage_user", mode: 0o444, show: (c, g) => `${Math.floor(usage(c.k, g).user)}\n` },
  { name: "usage_sys", mode: 0o444, show: (c, g) => `${Math.floor(usage(c.k, g).system)}\n` },
];

/** What cpu.stat says of bandwidth where the controller is on. */
function statLines(g: CpuGroup): string {
  const usec = (ns: number): number => Math.floor(ns / 1000);
  return (
    `nr_periods ${g.nrPeriods}\nnr_throttled ${g.nrThrottled}\nthrottled_usec ${usec(g.throttledNs)}\n` +
    `nr_bursts ${g.nrBursts}\nburst_usec ${usec(g.burstNs)}\n`
  );
}

/** The feature. */
export function cpuController(): Feature<"cpuController", object, SysBase> {
  return {
    name: "cpuController",
    install(k: Core) {
      k.state.class(CpuGroup, Bandwidth);
      const b = new Bandwidth(k);
      k.state.root("cpuController", b);
      const def: Controller = {
        name: "cpu",
        threaded: true,
        cssAlloc(_k, css) {
          css.data = new CpuGroup(css);
        },
        cssOffline(_k, css) {
          if (of(css).quotaUs !== NO_QUOTA) b.limited--;
        },
        attach(_k, _css, task) {
          b.ran(task);
          b.settle(task);
        },
        files: v2(b),
        legacyFiles: v1(b),
      };
      k.state.static("cgroup.cpu", def);
      b.index = k.cgroup.register(def);
      const acct: Controller = { name: "cpuacct", only: "v1", cssAlloc() {}, legacyFiles: acctFiles };
      k.state.static("cgroup.cpuacct", acct);
      k.cgroup.register(acct);
      k.cgroup.cpuStat = (g) => {
        const css = g.css[b.index];
        return css && g.parent !== null ? statLines(of(css)) : "";
      };
      k.hooks.schedIn.tap(120, "cpuController", (t) => b.ran(t));
      k.hooks.forked.tap(120, "cpuController", (_parent, child) => {
        if (b.limited > 0) b.settle(child);
      });
      return { api: {} };
    },
  };
}

/** The operations of powerclamp's cases that need no kernel: arithmetic of the driver, PELT, RAPL, governors. */
import {
  accumulatePeltSegments,
  adjustCompensation,
  CalibrationTable,
  checkPackBuddy,
  clampBalancing,
  cpuidleCoolingRuntime,
  cstateTables,
  type DriverVersion,
  decayLoad,
  driverDesigns,
  estimatePidGains,
  findDeepestState,
  getCompensation,
  getRunTime,
  idleBudget,
  LOAD_AVG_MAX,
  NO_TARGET,
  type PidState,
  peltUpdate,
  pidController,
  pkgResidency,
  RatioSampler,
  raplDelta,
  raplEnergyUj,
  raplMaxEnergyRangeUj,
  raplUnits,
  runnableAvgYnInv,
  SchedAvg,
  stepWiseTarget,
  timerFiresAt,
} from "@kernelkit/powerclamp";
import type { Result } from "../result.js";
import type { KernelOps } from "../steps/kernelSteps.js";

type Numbers = Readonly<Record<string, number>>;
/** The one object that an operation takes. */
const only = <T>(args: readonly unknown[]): T => args[0] as T;
const num = (v: unknown): number => Number(v);

const errnoNames: Readonly<Record<number, string>> = { 22: "EINVAL", 34: "ERANGE" };

function tableOf(driver: DriverVersion, rows: Readonly<Record<string, readonly number[]>>): CalibrationTable {
  const table = new CalibrationTable(driverDesigns[driver].maxTargetRatio);
  for (const [pct, [confidence, steady]] of Object.entries(rows)) table.set(num(pct), confidence, steady);
  return table;
}

/** A scheduling entity as the fields of the cases. */
function peltFields(sa: SchedAvg): Record<string, number> {
  return {
    last_update_time: sa.lastUpdateTime,
    period_contrib: sa.periodContrib,
    load_sum: sa.loadSum,
    runnable_sum: sa.runnableSum,
    util_sum: sa.utilSum,
    load_avg: sa.loadAvg,
    runnable_avg: sa.runnableAvg,
    util_avg: sa.utilAvg,
  };
}

function peltOf(start: Numbers): SchedAvg {
  const sa = new SchedAvg(start.weight ?? 1024);
  sa.lastUpdateTime = start.last_update_time ?? 0;
  sa.periodContrib = start.period_contrib ?? 0;
  sa.loadSum = start.load_sum ?? 0;
  sa.runnableSum = start.runnable_sum ?? 0;
  sa.utilSum = start.util_sum ?? 0;
  return sa;
}

const TICK_NS = 4_000_000;

/** A task that sleeps and then runs, brought up to date at each tick. */
function peltTask(idleMs: number, runMs: number): SchedAvg {
  const sa = new SchedAvg();
  let now = idleMs * 1e6;
  peltUpdate(sa, now, 0, 0, 0);
  const end = now + runMs * 1e6;
  while (now < end) {
    now = Math.min(now + TICK_NS, end);
    peltUpdate(sa, now, 1, 1, 1);
  }
  return sa;
}

const fields = (f: Record<string, unknown>): Result => ({ ret: 0, fields: f });
const target = (v: unknown): number => (v === "none" ? NO_TARGET : num(v));

export const powerclampPureOps: KernelOps = {
  clamp_balancing_func: (_s, args) => {
    const a = only<Numbers>(args);
    const b = clampBalancing(a.hz, a.duration, a.target, a.comp, a.jiffies);
    return fields({
      duration_jiffies: b.durationJiffies,
      guard: b.guard,
      interval: b.interval,
      sleeptime: b.sleepJiffies,
    });
  },
  timer_fires_at: (_s, [jiffies, delay]) => ({ ret: timerFiresAt(num(jiffies), num(delay)) }),
  get_run_time: (_s, args) => {
    const a = only<Numbers>(args);
    return { ret: getRunTime(a.duration_us, a.target, a.comp) };
  },
  get_compensation: (_s, args) => {
    const a = only<{
      driver: DriverVersion;
      ratio: number;
      rows: Record<string, number[]>;
      reduce_irq?: boolean;
    }>(args);
    return { ret: getCompensation(tableOf(a.driver, a.rows ?? {}), a.ratio, a.reduce_irq === true) };
  },
  adjust_compensation: (_s, args) => {
    const a = only<
      { driver: DriverVersion; pct: number; row: number[]; set_target: number; current: number } & Numbers
    >(args);
    const table = tableOf(a.driver, { [a.pct]: a.row });
    const spoiled = driverDesigns[a.driver].countsWakeups && (a.wakeups ?? 0) > (a.win ?? 0) * (a.online ?? 0);
    adjustCompensation(table, a.pct, a.set_target, a.current, spoiled);
    return fields({ row: [table.confidence[a.pct], table.steady[a.pct]] });
  },
  powerclamp_adjust_controls: (_s, args) => {
    const a = only<{ set_target: number; guard: number; samples: [number, number][] }>(args);
    const sampler = new RatioSampler();
    for (const [msr, tsc] of a.samples) sampler.sample(num(msr), num(tsc));
    return fields({ current_ratio: sampler.ratio, skip: a.set_target + a.guard <= sampler.ratio });
  },
  cpuidle_cooling_runtime: (_s, [idle, state]) => ({ ret: cpuidleCoolingRuntime(num(idle), num(state)) }),
  idle_budget: (_s, args) => {
    const a = only<Numbers>(args);
    const us = idleBudget(a.p_run_mw, a.p_target_mw, a.idle_us);
    return us < 0 ? { ret: -1, errno: errnoNames[-us] } : fields({ run_us: us });
  },
  cpuidle_find_deepest_state: (_s, args) => {
    const a = only<{ table: keyof typeof cstateTables; latency_us: number }>(args);
    const states = cstateTables[a.table];
    const i = findDeepestState(states, a.latency_us);
    return { ret: i < 0 ? "POLL" : states[i].name };
  },
  pkg_residency: (_s, args) => {
    const { cpus } = only<{ cpus: Numbers[] }>(args);
    return {
      ret: pkgResidency(cpus.map((c) => ({ idleUs: c.idle_us, periodUs: c.period_us, phaseUs: c.phase_us ?? 0 }))),
    };
  },
  runnable_avg_yN_inv: () => ({
    value: Array.from(runnableAvgYnInv, (v) => `0x${v.toString(16).padStart(8, "0")}`),
  }),
  load_avg_max: () => ({ ret: LOAD_AVG_MAX }),
  decay_load: (_s, [v, n]) => ({ ret: decayLoad(num(v), num(n)) }),
  accumulate_pelt_segments: (_s, [p, d1, d3]) => ({ ret: accumulatePeltSegments(num(p), num(d1), num(d3)) }),
  pelt_run: (_s, args) => {
    const a = only<{ start: Numbers; steps: [number, number, number, number][] }>(args);
    const sa = peltOf(a.start);
    let now = sa.lastUpdateTime;
    for (const [units, load, runnable, running] of a.steps) {
      now += units * 1024;
      peltUpdate(sa, now, load, runnable, running);
    }
    return fields(peltFields(sa));
  },
  pelt_update_at: (_s, args) => {
    const a = only<Numbers>(args);
    const sa = peltOf({ ...a, last_update_time: a.last_update_time });
    peltUpdate(sa, a.now, a.load, a.runnable ?? a.load, a.running ?? a.load);
    return fields(peltFields(sa));
  },
  pelt_task: (_s, args) => {
    const a = only<Numbers>(args);
    return fields(peltFields(peltTask(a.idle_ms, a.run_ms)));
  },
  check_pack_buddy: (_s, args) => {
    const a = only<Numbers>(args);
    return {
      ret: checkPackBuddy({
        taskSum: a.task_sum,
        taskPeriod: a.task_period,
        buddySum: a.buddy_sum,
        buddyPeriod: a.buddy_period,
        buddyNrRunning: a.buddy_nr_running,
      }),
    };
  },
  rapl_units: (_s, [msr]) => fields({ ...raplUnits(num(msr)) }),
  rapl_energy_uj: (_s, [raw, n]) => ({ ret: raplEnergyUj(num(raw), num(n)) }),
  rapl_max_energy_range_uj: (_s, [n]) => ({ ret: raplMaxEnergyRangeUj(num(n)) }),
  rapl_delta: (_s, [before, now]) => ({ ret: raplDelta(num(before), num(now)) }),
  step_wise: (_s, args) => {
    const a = only<{
      version: "6.1" | "6.18";
      lower: number;
      upper: number;
      cur_state: number;
      initialized: boolean;
      throttle: boolean;
      trend: "raising" | "dropping" | "stable";
      target: number | "none";
    }>(args);
    const t = stepWiseTarget({ ...a, curState: a.cur_state, target: target(a.target) });
    return { ret: t === NO_TARGET ? "none" : t };
  },
  power_allocator_pid: (_s, args) => {
    const a = only<Numbers & { temps: number[] }>(args);
    const gains = {
      sustainablePower: a.sustainable_power,
      kPo: a.k_po,
      kPu: a.k_pu,
      kI: a.k_i,
      kD: a.k_d,
      integralCutoff: a.integral_cutoff,
    };
    const state: PidState = { errIntegral: 0, prevErr: 0 };
    const budgets = a.temps.map(
      (t) => pidController(gains, state, t, a.control_temp, a.passive_delay_ms, a.max_power).output,
    );
    return { value: budgets };
  },
  power_allocator_estimate: (_s, args) => {
    const a = only<Numbers>(args);
    const g = estimatePidGains(a.sustainable_power, a.switch_on, a.control_temp);
    return fields({ k_po: g.kPo, k_pu: g.kPu, k_i: g.kI });
  },
};

/** What the driver and its surroundings keep true, whatever several tasks, interrupts and hotplug do to them. */
import fc from "fast-check";
import { expect, it, vi } from "vitest";
import type { DriverVersion } from "./clamp/driverDesign.js";
import { CORES, PKG } from "./power/packagePower.js";
import { boot, busy, type TestMachine } from "./testing/machine.js";

const RUNS = Number(process.env.KERNELKIT_PROPERTY_RUNS ?? 200);
vi.setConfig({ testTimeout: Math.max(300_000, 3000 * RUNS) });
const OPS = 100;
const CPUS = 4;

const PARAMS = "/sys/module/intel_powerclamp/parameters";
/** Errors that a write to one of the files may end with. */
const ALLOWED = ["EINVAL", "ERANGE", "EAGAIN", "EOVERFLOW", "ENOENT", "EBUSY", "EIO"];

const number = fc.oneof(
  fc.integer({ min: 0, max: 60 }).map(String),
  fc.integer().map(String),
  fc.constantFrom("", "\n", "0x10", "+5", " 7", "1.5", "-0", "1e2", "99999999999999999999999", "abc", "5\n", "5\n\n"),
  fc.string({ maxLength: 6 }),
);

type Op =
  | { readonly op: "advance"; readonly us: number }
  | { readonly op: "write"; readonly path: string; readonly text: string }
  | { readonly op: "stop" | "spawn" | "irqs" | "rmmod" | "modprobe" | "reset" }
  | { readonly op: "online"; readonly cpu: number; readonly on: boolean }
  | { readonly op: "rate"; readonly permille: number };

const op: fc.Arbitrary<Op> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ op: fc.constant("advance" as const), us: fc.integer({ min: 0, max: 60_000 }) }) },
  {
    weight: 6,
    arbitrary: fc.record({ op: fc.constant("write" as const), path: fc.constant("cur_state"), text: number }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      op: fc.constant("write" as const),
      path: fc.constantFrom("duration", "window_size", "cpumask", "max_idle"),
      text: number,
    }),
  },
  { weight: 2, arbitrary: fc.record({ op: fc.constantFrom("stop" as const, "irqs" as const, "reset" as const) }) },
  { weight: 1, arbitrary: fc.record({ op: fc.constantFrom("rmmod" as const, "modprobe" as const, "spawn" as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      op: fc.constant("online" as const),
      cpu: fc.integer({ min: 0, max: CPUS - 1 }),
      on: fc.boolean(),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ op: fc.constant("rate" as const), permille: fc.integer({ min: -1, max: 600 }) }),
  },
);

interface Seen {
  joules: number;
  resetNs: number;
  confidence: Uint8Array | null;
}

function apply(m: TestMachine, o: Op, seen: Seen): void {
  const { kernel, api } = m;
  const dev = api.coolingDevice === null ? null : m.cdev("intel_powerclamp");
  switch (o.op) {
    case "advance":
      kernel.run(`${o.us}us`);
      break;
    case "write": {
      if (dev === null) break;
      const path = o.path === "cur_state" ? `${dev}/cur_state` : `${PARAMS}/${o.path}`;
      const code = m.errno(() => m.write(path, o.text));
      if (code !== "") expect(ALLOWED).toContain(code);
      break;
    }
    case "stop":
      if (dev === null) break;
      m.write(`${dev}/cur_state`, "0");
      expect(api.playIdle.active.every((a) => a === 0)).toBe(true);
      break;
    case "reset":
      if (dev === null) break;
      m.write(`${dev}/stats/reset`, "1");
      seen.resetNs = kernel.now;
      break;
    case "spawn":
      kernel.spawn(busy, {});
      break;
    case "irqs":
      for (let cpu = 0; cpu < CPUS; cpu++) if (kernel.cpus.online[cpu] === 1) kernel.core.irq.raise(cpu, () => {});
      break;
    case "rmmod":
      api.rmmod();
      expect(api.playIdle.active.every((a) => a === 0)).toBe(true);
      break;
    case "modprobe":
      if (api.modprobe() === 0) seen.resetNs = kernel.now;
      seen.confidence = null;
      break;
    case "online":
      m.errno(() => m.write(`/sys/devices/system/cpu/cpu${o.cpu}/online`, o.on ? "1" : "0"));
      break;
    case "rate":
      if (o.permille < 0) api.counters.followMachine();
      else api.counters.setRate(o.permille);
  }
}

function check(m: TestMachine, driver: DriverVersion, seen: Seen): void {
  const { kernel, api } = m;
  const { machine, playIdle, state } = api;
  const now = kernel.now;
  if (state !== null) {
    const max = state.table.rows;
    expect(state.setTargetRatio).toBeGreaterThanOrEqual(0);
    expect(state.setTargetRatio).toBeLessThanOrEqual(state.maxIdle === 0 && driver === "6.3" ? 100 : max - 1);
    for (let pct = 0; pct < max; pct++) {
      const c: number = state.table.confidence[pct];
      const ok = c <= 3 && state.table.steady[pct] <= 1 + Math.trunc(pct / 10) && c >= (seen.confidence?.[pct] ?? 0);
      if (!ok) expect.fail(`row ${pct}: confidence ${c}, steady ${state.table.steady[pct]}`);
    }
    seen.confidence = state.table.confidence.slice();
    for (const w of state.workers) if (w !== null && w.phase === 1) expect(w.wakeNs).toBeGreaterThan(0);
    if (!state.clamping && state.workers.every((w) => w === null) && state.device === null)
      expect(playIdle.active.every((a) => a === 0)).toBe(true);
    const stats = api.coolingDevice?.stats;
    if (stats !== null && stats !== undefined) {
      let sum = now - stats.lastTimeNs;
      for (const t of stats.timeInState) sum += t;
      expect(sum).toBe(now - seen.resetNs);
    }
  }
  for (let cpu = 0; cpu < CPUS; cpu++) {
    let idle = 0;
    for (let s = 0; s < machine.states.length; s++) idle += machine.cpuResidencyNs(cpu, s, now);
    expect(idle).toBeLessThanOrEqual(now);
    expect(machine.residencyNs(machine.cpuPkg[cpu], now)).toBeLessThanOrEqual(idle);
    if (playIdle.active[cpu] === 1) expect(now).toBeLessThanOrEqual(playIdle.untilNs[cpu]);
    if (kernel.cpus.online[cpu] === 0) continue;
    // what the CPU does and what the power machine believes are one
    expect(machine.state[cpu] >= 0).toBe(kernel.cpus.idleState[cpu] > 0);
  }
  const j = machine.joules(0, PKG, now);
  expect(j).toBeGreaterThanOrEqual(seen.joules);
  expect(j).toBeGreaterThanOrEqual(machine.joules(0, CORES, now));
  seen.joules = j;
}

for (const driver of ["3.9", "6.1", "6.3"] as const) {
  it(`${driver} keeps its invariants after every operation of a random sequence`, () => {
    fc.assert(
      fc.property(fc.array(op, { minLength: OPS, maxLength: OPS }), (ops) => {
        const m = boot({ driver, packages: 1 }, { machine: { cpus: CPUS }, cmdline: "cpu0_hotplug" });
        m.api.modprobe();
        const seen: Seen = { joules: 0, resetNs: 0, confidence: null };
        for (const o of ops) {
          apply(m, o, seen);
          check(m, driver, seen);
        }
      }),
      { numRuns: Math.ceil(RUNS / 3) },
    );
  });
}

/** What a write could have changed, without the tasks and queues it hangs together with. */
function projection(m: TestMachine): unknown {
  const { state, coolingDevice, playIdle } = m.api;
  if (state === null) return null;
  const { table, cpumask, durationUs, windowSize, maxIdle, setTargetRatio, clamping, shouldSkip, controlCpu } = state;
  return structuredClone({
    table: { ...table },
    numbers: { cpumask, durationUs, windowSize, maxIdle, setTargetRatio, clamping, shouldSkip, controlCpu },
    workers: state.workers.map((w) => w !== null && { ...w, task: w.task?.serial }),
    device: state.device !== null && [state.device.runDurationUs, state.device.idleDurationUs],
    stats: { ...coolingDevice?.stats },
    injections: playIdle.count,
    now: m.kernel.now,
  });
}

it("a failed write leaves the state as it was", () => {
  fc.assert(
    fc.property(
      fc.constantFrom<DriverVersion>("3.9", "6.1", "6.3"),
      fc.constantFrom("cur_state", "duration", "window_size", "cpumask", "max_idle"),
      fc.integer({ min: 0, max: 49 }),
      number,
      (driver, file, target, text) => {
        const m = boot({ driver });
        m.api.modprobe();
        const dev = m.cdev("intel_powerclamp");
        m.write(`${dev}/cur_state`, String(target));
        m.kernel.run("100ms");
        const path = file === "cur_state" ? `${dev}/cur_state` : `${PARAMS}/${file}`;
        const before = projection(m);
        const range = m.log.length;
        const code = m.errno(() => m.write(path, text));
        if (code === "") return;
        expect(ALLOWED).toContain(code);
        // 3.9 and 6.1 refuse a parameter out of range and clamp it all the same
        if (m.log.length > range) return;
        expect(projection(m)).toEqual(before);
      },
    ),
    { numRuns: RUNS },
  );
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { cstateTables } from "../cpuidle/cstateTables.js";
import { expDecay } from "./expDecay.js";
import { CORES, PKG } from "./packagePower.js";
import { PowerMachine } from "./powerMachine.js";
import { PowerModel } from "./powerModel.js";
import { raplDelta, raplEnergyUj, raplMaxEnergyRangeUj, raplUnitRegister, raplUnits } from "./rapl.js";
import { RaplCounters } from "./raplCounters.js";
import { ThermalRc } from "./thermalRc.js";
import { turbostatReport, turbostatSample, turbostatText } from "./turbostat.js";

const MS = 1e6;
const S = 1e9;
const C6 = 3;

function machine(cpus: number, packages = 1): PowerMachine {
  return new PowerMachine({ cpus, packages, states: cstateTables.snb, model: new PowerModel(), thermal: {} });
}

describe("RAPL registers", () => {
  it("takes the unit register apart and builds it", () => {
    expect(raplUnits(0xa0e03)).toEqual({ power: 3, energy: 14, time: 10 });
    expect(raplUnitRegister({ power: 3, energy: 14, time: 10 })).toBe(0xa0e03);
    expect(() => raplUnitRegister({ power: 16, energy: 14, time: 10 })).toThrow(/power unit must be/);
  });

  it("truncates energy as powercap does", () => {
    expect([raplEnergyUj(1, 14), raplEnergyUj(1000, 14)]).toEqual([61, 61035]);
    expect([raplMaxEnergyRangeUj(14), raplMaxEnergyRangeUj(16)]).toEqual([262143328850, 65532610987]);
    for (let n = 0; n < 32; n++)
      expect(raplMaxEnergyRangeUj(n)).toBe(Number((0xffffffffn * (1000000000n >> BigInt(n))) / 1000n));
  });

  it("gives the right difference over one wrap", () => {
    expect(raplDelta(4294967000, 704)).toBe(1000);
    fc.assert(
      fc.property(fc.nat(0xffffffff), fc.nat(0xffffffff), (a, d) => {
        expect(raplDelta(a, (a + d) % 2 ** 32)).toBe(d);
      }),
    );
  });
});

describe("expDecay", () => {
  it("is e^-x to eleven digits and more", () => {
    for (const x of [0, 1e-9, 0.01, 0.125, 0.126, 1, 3, 10, 50, 600])
      expect(Math.abs(expDecay(x) / Math.exp(-x) - 1)).toBeLessThan(1e-11);
    expect(expDecay(1e9)).toBe(0);
  });
});

describe("ThermalRc", () => {
  it("approaches ambient + P*R exactly as one RC element does", () => {
    const rc = new ThermalRc({ ambient: 20, stages: [{ kelvinPerWatt: 0.5, tauS: 10 }] });
    rc.step(40, 10);
    expect(rc.die()).toBeCloseTo(20 + 20 * (1 - Math.exp(-1)), 9);
    rc.step(40, 1000);
    expect(rc.die()).toBeCloseTo(40, 9);
  });

  it("gives the same temperature in one step as in many", () => {
    const one = new ThermalRc();
    const many = new ThermalRc();
    one.step(30, 5);
    for (let i = 0; i < 500; i++) many.step(30, 0.01);
    expect(many.die()).toBeCloseTo(one.die(), 9);
    expect(one.die(30, 2)).toBeGreaterThan(one.die());
  });

  it("refuses impossible networks by name", () => {
    expect(() => new ThermalRc({ stages: [] })).toThrow(/thermal\.stages/);
    expect(() => new ThermalRc({ stages: [{ kelvinPerWatt: 1, tauS: 0 }] })).toThrow(/stages\[0\]\.tauS/);
    expect(() => new ThermalRc({ ambient: Number.NaN })).toThrow(/thermal\.ambient/);
  });
});

describe("PowerMachine", () => {
  it("lets the package into a C-state only when the last CPU is in", () => {
    const m = machine(2);
    m.set(0, C6, 0);
    expect(m.residencyNs(0, 10 * MS)).toBe(0);
    m.set(1, C6, 10 * MS);
    // from the end of the last CPU's entry (104 us) on
    expect(m.residencyNs(0, 20 * MS, 6)).toBe(10 * MS - 104_000);
    m.set(0, -1, 20 * MS);
    expect(m.residencyNs(0, 30 * MS)).toBe(10 * MS - 104_000);
  });

  it("is only as deep as its shallowest CPU", () => {
    const m = machine(2);
    m.set(0, C6, 0);
    m.set(1, 2, 0);
    expect(m.residencyNs(0, S, 3)).toBeGreaterThan(0.99 * S);
    expect(m.residencyNs(0, S, 6)).toBe(0);
    const c1 = machine(2);
    c1.set(0, C6, 0);
    c1.set(1, 0, 0);
    expect(c1.residencyNs(0, S)).toBe(0);
  });

  it("keeps packages apart", () => {
    const m = machine(4, 2);
    m.set(0, C6, 0);
    m.set(1, C6, 0);
    expect(m.residencyNs(0, S)).toBeGreaterThan(0);
    expect(m.residencyNs(1, S)).toBe(0);
    expect(m.watts(0, S)).toBeLessThan(m.watts(1, S) / 3);
  });

  it("draws less at a lower P-state, and falls faster than the frequency while voltage falls", () => {
    const m = machine(1);
    const cores = (): number => {
      m.watts(0, 0);
      return m.at(0, 1e6).joules[CORES];
    };
    const full = cores();
    m.setPstate(0, 7, 0);
    expect(cores() / full).toBeLessThan((0.9 * 1200) / 2600);
    expect(() => m.setPstate(0, 10, 0)).toThrow(/P-state must be an integer in 0\.\.9, not 10/);
  });

  it("gets warm, and leaks more when it is", () => {
    const m = machine(4);
    const cold = m.watts(0, 0);
    m.set(0, C6, 300 * S);
    m.set(0, -1, 300 * S);
    expect(m.dieCelsius(0, 300 * S)).toBeGreaterThan(45);
    expect(m.skinCelsius(0, 300 * S)).toBeLessThan(m.dieCelsius(0, 300 * S));
    expect(m.watts(0, 300 * S)).toBeGreaterThan(cold);
  });

  it("looking changes nothing", () => {
    const [a, b] = [machine(2), machine(2)];
    for (let i = 1; i <= 50; i++) {
      const t = i * 7 * MS;
      for (const m of [a, b]) m.set(i % 2, i % 3 === 0 ? -1 : C6, t);
      a.dieCelsius(0, t + MS);
      a.joules(0, PKG, t + 5 * MS);
      a.watts(0, t + 2 * MS);
      a.residencyNs(0, t + MS);
    }
    expect(a.joules(0, PKG, S)).toBe(b.joules(0, PKG, S));
    expect(a.dieCelsius(0, S)).toBe(b.dieCelsius(0, S));
  });

  it("holds, after every change: C-states + C0 = wall time, package <= every CPU, energy monotone", () => {
    const op = fc.record({
      cpu: fc.nat(3),
      state: fc.integer({ min: -1, max: 4 }),
      dt: fc.oneof(fc.nat(50_000), fc.nat(30 * MS)),
    });
    fc.assert(
      fc.property(fc.array(op, { minLength: 1, maxLength: 100 }), (ops) => {
        const m = machine(4, 2);
        const rapl = new RaplCounters(m);
        let now = 0;
        let pkgJ = 0;
        let coreJ = 0;
        let counter = 0;
        for (const o of ops) {
          now += o.dt;
          m.set(o.cpu, o.state, now);
          for (let pkg = 0; pkg < 2; pkg++) {
            const inPkg = m.residencyNs(pkg, now);
            for (let cpu = pkg * 2; cpu < pkg * 2 + 2; cpu++) {
              let idle = 0;
              for (let s = 0; s < 5; s++) idle += m.cpuResidencyNs(cpu, s, now);
              expect(idle).toBeLessThanOrEqual(now);
              expect(inPkg).toBeLessThanOrEqual(idle);
            }
          }
          const j = m.joules(0, PKG, now);
          expect(j).toBeGreaterThanOrEqual(pkgJ);
          expect(m.joules(0, CORES, now)).toBeGreaterThanOrEqual(coreJ);
          expect(j).toBeGreaterThanOrEqual(m.joules(0, CORES, now));
          const raw = rapl.raw(0, PKG, now);
          expect(raplDelta(counter, raw)).toBeLessThan(2 ** 31);
          pkgJ = j;
          coreJ = m.joules(0, CORES, now);
          counter = raw;
        }
      }),
      { numRuns: 200 },
    );
  });

  it("makes near-linear power over the idle ratio when injections are long, and bends it when they are 1 ms", () => {
    const watts = (ratio: number, idleMs: number): number => {
      const m = machine(4);
      const period = (idleMs * MS) / ratio;
      let t = 0;
      while (t < 5 * S) {
        if (ratio > 0) for (let c = 0; c < 4; c++) m.set(c, C6, t);
        if (ratio > 0) for (let c = 0; c < 4; c++) m.set(c, -1, t + idleMs * MS);
        t += ratio > 0 ? period : 5 * S;
      }
      return m.joules(0, PKG, t) / (t / S);
    };
    const at = [0, 0.125, 0.25, 0.375, 0.5].map((r) => watts(r, 24));
    const slope = (at[4] - at[0]) / 0.5;
    for (let i = 0; i < 5; i++) expect(Math.abs(at[i] - (at[0] + slope * i * 0.125))).toBeLessThan(0.01 * at[0]);
    // the same half of the time idle, in 1 ms pieces: entry and exit eat a part of it
    expect(watts(0.5, 1)).toBeGreaterThan(1.02 * at[4]);
  });
});

describe("RaplCounters", () => {
  it("is updated about every millisecond", () => {
    const rapl = new RaplCounters(machine(2));
    const at = (ns: number): number => rapl.raw(0, PKG, ns);
    expect(at(5.2 * MS)).toBe(at(5.9 * MS));
    expect(at(6 * MS)).toBeGreaterThan(at(5.9 * MS));
  });

  it("wraps at 2^32: at unit 16 and 100 W after 655 s", () => {
    const rapl = new RaplCounters(machine(1), { power: 3, energy: 16, time: 10 });
    expect(rapl.wrapSeconds(100)).toBeCloseTo(655.36, 2);
    const before = rapl.raw(0, PKG, 1000 * S);
    const later = rapl.raw(0, PKG, 1001 * S);
    expect(raplDelta(before, later) / 65536).toBeGreaterThan(10);
    // 16-odd watts fill 65536 J somewhere within two hours
    let wraps = 0;
    let last = 0;
    for (let t = 0; t < 7200; t += 60) {
      const r = rapl.raw(0, PKG, t * S);
      if (r < last) wraps++;
      last = r;
    }
    expect(wraps).toBeGreaterThanOrEqual(1);
  });
});

describe("turbostat", () => {
  it("reports residencies that add up and the watts of the model", () => {
    const m = machine(2);
    const rapl = new RaplCounters(m);
    const a = turbostatSample(m, rapl, 0, 2e9);
    for (let i = 0; i < 100; i++) {
      const t = i * 10 * MS;
      m.set(0, C6, t);
      m.set(1, C6, t);
      m.set(1, -1, t + 4 * MS);
      m.set(0, -1, t + 5 * MS);
    }
    const b = turbostatSample(m, rapl, S, 2e9);
    const r = turbostatReport(a, b, rapl.units);
    expect(r.packages[0].pkgWatt).toBeCloseTo(m.joules(0, PKG, S), 2);
    expect(r.packages[0].pkgStates[6]).toBeCloseTo(40 - 1.04, 1);
    for (const c of r.cpus) {
      const idle = Object.values(c.cstates).reduce((s, x) => s + x, 0);
      expect(c.busy + idle).toBeCloseTo(100, 6);
    }
    expect(r.suspect).toBe(false);
    expect(turbostatText(r).split("\n")[0]).toContain("PkgWatt");
    expect(() => turbostatReport(b, a, rapl.units)).toThrow(/must be later/);
  });

  it("marks watts of an interval longer than the counter lasts, as the tool of 3.8 did", () => {
    const m = machine(1);
    const rapl = new RaplCounters(m, { power: 3, energy: 16, time: 10 });
    const r = turbostatReport(turbostatSample(m, rapl, 0, 2e9), turbostatSample(m, rapl, 700 * S, 2e9), rapl.units);
    expect(r.suspect).toBe(true);
    expect(turbostatText(r)).toContain("**");
  });
});

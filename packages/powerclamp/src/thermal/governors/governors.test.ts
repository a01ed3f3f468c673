import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CoolingDevice, type CoolingOps } from "../coolingDevice.js";
import { NO_TARGET, ThermalInstance } from "../thermalInstance.js";
import { ThermalZone, ZoneParams } from "../thermalZone.js";
import { Trip, type TripType } from "../trip.js";
import { bangBang } from "./bangBang.js";
import { divvyUpPower } from "./divvyUpPower.js";
import { fairShare } from "./fairShare.js";
import type { GovernorHost, ThermalGovernor, ThermalVersion } from "./governor.js";
import { powerAllocator } from "./powerAllocator.js";
import { estimatePidGains, pidController } from "./powerAllocatorPid.js";
import { type StepWiseInput, stepWise, stepWiseTarget } from "./stepWise.js";

interface Fan {
  state: number;
  max: number;
}
const fanOps: CoolingOps = {
  getMaxState: (c) => (c.devdata as Fan).max,
  getCurState: (c) => (c.devdata as Fan).state,
  setCurState: (c, s) => {
    (c.devdata as Fan).state = s;
    return 0;
  },
};
/** An actor of 1000 mW per state below the maximum. */
const actorOps: CoolingOps = {
  ...fanOps,
  power: {
    getRequestedPower: (c) => 1000 * ((c.devdata as Fan).max - (c.devdata as Fan).state),
    state2power: (c, s) => 1000 * ((c.devdata as Fan).max - s),
    power2state: (c, mw) => (c.devdata as Fan).max - Math.floor(mw / 1000),
  },
};

interface Rig {
  readonly zone: ThermalZone;
  readonly host: GovernorHost;
  readonly warnings: string[];
  state(i: number): number;
  temp(t: number, g: ThermalGovernor): void;
}

function rig(
  version: ThermalVersion,
  trips: [TripType, number, number][],
  bind: { trip: number; max: number; lower?: number; upper?: number; weight?: number; ops?: CoolingOps }[],
  params: ZoneParams | null = null,
): Rig {
  const list = trips.map(([type, temp, hyst]) => new Trip(type, temp, hyst, false, false));
  const zone = new ThermalZone(0, "z", list, { getTemp: () => 0 }, params, "step_wise", 100, 0, null);
  bind.forEach((b, i) => {
    const cdev = new CoolingDevice(i, `fan${i}`, b.max, b.ops ?? fanOps, null, { state: 0, max: b.max } satisfies Fan);
    const x = new ThermalInstance(i, cdev, b.trip, b.lower ?? 0, b.upper ?? b.max, b.weight ?? 0);
    zone.instances.push(x);
    cdev.instances.push(x);
  });
  const warnings: string[] = [];
  const host: GovernorHost = {
    version,
    nowNs: 0,
    updateDevice(cdev) {
      if (!cdev.updated) cdev.setState(cdev.wantedState, 0);
      cdev.updated = true;
    },
    warn: (t) => warnings.push(t),
    tracePid: () => {},
  };
  return {
    zone,
    host,
    warnings,
    state: (i) => (zone.instances[i].cdev.devdata as Fan).state,
    temp(t, g) {
      zone.lastTemperature = zone.temperature;
      zone.temperature = t;
      for (const trip of zone.trips) trip.cross(t);
      g.manage(zone, host);
    },
  };
}

const base: StepWiseInput = {
  version: "6.18",
  lower: 0,
  upper: 5,
  curState: 3,
  initialized: true,
  throttle: true,
  trend: "raising",
  target: 3,
};

describe("step_wise", () => {
  it("rises by one while hotter, stays while flat, and falls by one below the trip down to none", () => {
    expect(stepWiseTarget(base)).toBe(4);
    expect(stepWiseTarget({ ...base, curState: 5 })).toBe(5);
    expect(stepWiseTarget({ ...base, trend: "stable" })).toBe(3);
    expect(stepWiseTarget({ ...base, throttle: false, trend: "dropping" })).toBe(2);
    expect(stepWiseTarget({ ...base, throttle: false, trend: "dropping", curState: 0 })).toBe(NO_TARGET);
    expect(stepWiseTarget({ ...base, throttle: false, trend: "stable" })).toBe(3);
  });

  it("lets the state fall above the trip in 6.18, never below lower + 1; 6.1 keeps it", () => {
    const dropping: StepWiseInput = { ...base, trend: "dropping" };
    expect(stepWiseTarget(dropping)).toBe(2);
    expect(stepWiseTarget({ ...dropping, curState: 1 })).toBe(1);
    expect(stepWiseTarget({ ...dropping, lower: 2 })).toBe(3);
    expect(stepWiseTarget({ ...dropping, version: "6.1" })).toBe(3);
  });

  it("starts at the limits the first time, and asks nothing while cool", () => {
    expect(stepWiseTarget({ ...base, initialized: false, curState: 0, lower: 2, trend: "stable" })).toBe(2);
    expect(stepWiseTarget({ ...base, initialized: false, throttle: false })).toBe(NO_TARGET);
  });

  it("takes powerclamp's -1 for the largest unsigned long: one more is 0, one less is the upper limit", () => {
    const off: StepWiseInput = { ...base, version: "6.1", curState: -1, target: NO_TARGET };
    expect(stepWiseTarget(off)).toBe(0);
    expect(stepWiseTarget({ ...off, throttle: false, trend: "dropping" })).toBe(5);
  });

  it("is always within the limits or none", () => {
    fc.assert(
      fc.property(
        fc.record({
          version: fc.constantFrom<ThermalVersion>("6.1", "6.18"),
          limits: fc.tuple(fc.nat(10), fc.nat(10)),
          curState: fc.integer({ min: -1, max: 12 }),
          initialized: fc.boolean(),
          throttle: fc.boolean(),
          trend: fc.constantFrom("raising" as const, "dropping" as const, "stable" as const),
        }),
        ({ limits, ...rest }) => {
          const [lower, upper] = [Math.min(...limits), Math.max(...limits)];
          const t = stepWiseTarget({ ...rest, lower, upper, target: NO_TARGET });
          expect(t === NO_TARGET || (t >= lower && t <= upper)).toBe(true);
        },
      ),
    );
  });

  it("keeps a reached trip until the temperature is below its hysteresis (6.18)", () => {
    const r = rig("6.18", [["passive", 60000, 2000]], [{ trip: 0, max: 5 }]);
    const states = [60000, 61000, 59000, 58000, 57999, 57000].map((t) => {
      r.temp(t, stepWise);
      return r.state(0);
    });
    expect(states).toEqual([1, 2, 1, 1, 0, 0]);
  });

  it("has no hysteresis in 6.1", () => {
    const r = rig("6.1", [["passive", 60000, 2000]], [{ trip: 0, max: 5 }]);
    const states = [60000, 61000, 59999, 59000].map((t) => {
      r.temp(t, stepWise);
      return r.state(0);
    });
    expect(states).toEqual([1, 2, 1, 0]);
  });
});

describe("bang_bang", () => {
  it("is on at the trip and off below the hysteresis", () => {
    const r = rig("6.18", [["active", 60000, 5000]], [{ trip: 0, max: 1 }]);
    const states = [59999, 60000, 57000, 55000, 54999, 59000].map((t) => {
      r.temp(t, bangBang);
      return r.state(0);
    });
    expect(states).toEqual([0, 1, 1, 1, 0, 0]);
  });

  it("switches off at trip - hysteresis in 6.1", () => {
    const r = rig("6.1", [["active", 60000, 5000]], [{ trip: 0, max: 1 }]);
    r.temp(60000, bangBang);
    r.temp(55000, bangBang);
    expect(r.state(0)).toBe(0);
  });
});

describe("fair_share", () => {
  it("shares by weight and by the number of trips passed", () => {
    const trips: [TripType, number, number][] = [
      ["passive", 60000, 0],
      ["passive", 70000, 0],
    ];
    const r = rig("6.18", trips, [
      { trip: 0, max: 10, weight: 3 },
      { trip: 0, max: 10, weight: 1 },
    ]);
    r.temp(65000, fairShare);
    expect([r.state(0), r.state(1)]).toEqual([3, 1]);
    r.temp(75000, fairShare);
    expect([r.state(0), r.state(1)]).toEqual([7, 2]);
    r.temp(50000, fairShare);
    expect([r.state(0), r.state(1)]).toEqual([0, 0]);
  });

  it("treats all alike where nobody has a weight", () => {
    const r = rig(
      "6.18",
      [["passive", 60000, 0]],
      [
        { trip: 0, max: 10 },
        { trip: 0, max: 10 },
      ],
    );
    r.temp(65000, fairShare);
    expect([r.state(0), r.state(1)]).toEqual([5, 5]);
  });
});

describe("power_allocator", () => {
  const gains = { sustainablePower: 2500, kPo: 128, kPu: 256, kI: 10, kD: 0, integralCutoff: 0 };

  it("computes budgets in the kernel's fixed point", () => {
    const s = { errIntegral: 0, prevErr: 0 };
    const out = [60000, 70000, 80000, 81000, 82000, 79000].map(
      (t) => pidController(gains, s, t, 80000, 100, 10000).output,
    );
    expect(out).toEqual([7500, 5000, 2500, 2365, 2220, 2720]);
  });

  it("always gives a budget within 0 and the maximum, and bounds its integral", () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: -20000, max: 150000 }), { maxLength: 100 }),
        fc.nat(20000),
        (temps, max) => {
          const s = { errIntegral: 0, prevErr: 0 };
          for (const t of temps) {
            const { output } = pidController({ ...gains, kD: 20 }, s, t, 80000, 100, max);
            expect(output).toBeGreaterThanOrEqual(0);
            expect(output).toBeLessThanOrEqual(max);
          }
          expect(Math.abs(Math.floor((gains.kI * s.errIntegral) / 1024))).toBeLessThanOrEqual(max * 1024);
        },
      ),
    );
  });

  it("estimates k_po, twice that for k_pu, and a tenth of that, at least 1, for k_i", () => {
    expect(estimatePidGains(2500, 60000, 80000)).toEqual({ kPo: 128, kPu: 256, kI: 25 });
    expect(estimatePidGains(50, 60000, 80000)).toEqual({ kPo: 2, kPu: 5, kI: 1 });
  });

  it("shares a budget by request and re-shares what exceeds a maximum by room", () => {
    expect(
      divvyUpPower(
        [
          { requested: 3000, max: 9000 },
          { requested: 1000, max: 9000 },
        ],
        2000,
      ),
    ).toEqual([1500, 500]);
    // the first is capped at 500: its surplus of 1000 goes to the other
    expect(
      divvyUpPower(
        [
          { requested: 3000, max: 500 },
          { requested: 1000, max: 9000 },
        ],
        2000,
      ),
    ).toEqual([500, 1500]);
    expect(divvyUpPower([{ requested: 0, max: 500 }], 2000)).toEqual([0]);
  });

  it("never grants an actor more than its maximum", () => {
    const actor = fc.record({ requested: fc.nat(5000), max: fc.nat(5000) });
    fc.assert(
      fc.property(fc.array(actor, { maxLength: 6 }), fc.nat(30000), (actors, budget) => {
        const granted = divvyUpPower(actors, budget);
        granted.forEach((g, i) => {
          expect(g).toBeGreaterThanOrEqual(0);
          expect(g).toBeLessThanOrEqual(actors[i].max);
        });
        expect(granted.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(budget + actors.length);
      }),
    );
  });

  it("refuses a zone with a device that is no power actor, and says which", () => {
    const r = rig("6.18", [["passive", 60000, 0]], [{ trip: 0, max: 5 }]);
    expect(powerAllocator.bindToZone?.(r.zone, r.host)).toBe(22);
    expect(r.warnings[0]).toMatch(/fan0 is not a power actor/);
  });

  it("allows the maximum below the switch-on trip and throttles towards the control temperature above it", () => {
    const params = Object.assign(new ZoneParams(), { sustainablePower: 5000 });
    const trips: [TripType, number, number][] = [
      ["passive", 60000, 0],
      ["passive", 80000, 0],
    ];
    const r = rig("6.18", trips, [{ trip: 1, max: 10, ops: actorOps }], params);
    expect(powerAllocator.bindToZone?.(r.zone, r.host)).toBe(0);
    r.temp(50000, powerAllocator);
    expect(r.state(0)).toBe(0);
    r.temp(80000, powerAllocator);
    expect(r.state(0)).toBe(5);
    r.temp(95000, powerAllocator);
    expect(r.state(0)).toBeGreaterThan(5);
    r.temp(50000, powerAllocator);
    expect(r.state(0)).toBe(0);
  });
});

import { describe, expect, it } from "vitest";
import { boot } from "../testing/machine.js";
import type { CoolingOps } from "./coolingDevice.js";

interface Fan {
  state: number;
  readonly max: number;
}
const fanOps: CoolingOps = {
  getMaxState: (c) => (c.devdata as Fan).max,
  getCurState: (c) => (c.devdata as Fan).state,
  setCurState: (c, v) => {
    (c.devdata as Fan).state = v;
    return 0;
  },
};
const sensor = { getTemp: (z: { devdata: unknown }): number | null => (z.devdata as { temp: number | null }).temp };

function rig(options: Parameters<typeof boot>[0] = {}) {
  const m = boot(options);
  const fan = m.api.thermalCoolingDeviceRegister("fan", fanOps, { state: 0, max: 5 } satisfies Fan);
  const data: { temp: number | null } = { temp: 40000 };
  const zone = m.api.thermalZoneDeviceRegister({
    type: "soc",
    ops: sensor,
    devdata: data,
    trips: [
      { type: "passive", temp: 60000, hyst: 2000, writableTemp: true, writableHyst: true },
      { type: "critical", temp: 100000 },
    ],
  });
  m.api.thermalZoneBindCoolingDevice(zone, 0, fan);
  m.api.thermalZoneDeviceEnable(zone);
  const dir = `/sys/class/thermal/thermal_zone${zone.id}`;
  const temp = (t: number | null): void => {
    data.temp = t;
    m.api.thermalZoneDeviceUpdate(zone);
  };
  return { ...m, fan, zone, dir, temp, fanDir: m.cdev("fan") };
}

describe("cooling device files", () => {
  it("read a state as sscanf does: blanks before it, anything after it, 0x10 is 0, no plus", () => {
    const { write, read, errno, fanDir } = rig();
    const cur = `${fanDir}/cur_state`;
    for (const [text, state] of [
      ["3", 3],
      [" \t4", 4],
      ["2x", 2],
      ["1.9", 1],
      ["0x10", 0],
      ["005\n", 5],
      ["18446744073709551618", 2],
    ] as const) {
      expect(write(cur, text)).toBe(text.length);
      expect(read(cur)).toBe(`${state}\n`);
    }
    for (const text of ["+1", "abc", "-1", "6", "-", " ", "9999999999999999999999"])
      expect(errno(() => write(cur, text))).toBe("EINVAL");
    expect(write(cur, "")).toBe(0);
    expect(read(cur)).toBe("2\n");
  });

  it("fail with the driver's error, and do not count the attempt", () => {
    const { write, read, errno, fanDir, fan } = rig();
    fan.failNext = 5;
    expect(errno(() => write(`${fanDir}/cur_state`, "3"))).toBe("EIO");
    expect(read(`${fanDir}/stats/total_trans`)).toBe("0\n");
  });

  it("cannot be written by others than root, nor can what has no store", () => {
    const { kernel, sys, errno, fanDir } = rig();
    const child = kernel.tasks.find(sys.fork());
    if (child === null) throw new Error("no child");
    const user = kernel.sys(child);
    user.setresuid(1000, 1000, 1000);
    expect(errno(() => user.open(`${fanDir}/cur_state`, 1))).toBe("EACCES");
    expect(errno(() => sys.open(`${fanDir}/max_state`, 1))).toBe("EACCES");
    expect(errno(() => sys.open(`${fanDir}/stats/reset`, 0))).toBe("EACCES");
  });
});

describe("zone files", () => {
  it("link the bound devices, with trip and weight", () => {
    const { sys, read, write, dir, errno, fan } = rig();
    expect(sys.readlink(`${dir}/cdev0`)).toBe(`../cooling_device${fan.id}`);
    expect(read(`${dir}/cdev0/type`)).toBe("fan\n");
    expect(read(`${dir}/cdev0_trip_point`)).toBe("0\n");
    write(`${dir}/cdev0_weight`, "-3");
    expect(read(`${dir}/cdev0_weight`)).toBe("-3\n");
    expect(errno(() => write(`${dir}/cdev0_weight`, "3 x"))).toBe("EINVAL");
  });

  it("show and change trips that may be changed, and what is throttled follows at once", () => {
    const { read, write, errno, dir, temp, fanDir } = rig();
    temp(55000);
    expect(read(`${fanDir}/cur_state`)).toBe("0\n");
    write(`${dir}/trip_point_0_temp`, "50000");
    temp(55500);
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
    expect(errno(() => write(`${dir}/trip_point_0_temp`, "-300000"))).toBe("EINVAL");
    expect(errno(() => write(`${dir}/trip_point_0_hyst`, "-1"))).toBe("EINVAL");
    expect(errno(() => write(`${dir}/trip_point_1_temp`, "1"))).toBe("EACCES");
    expect(read(`${dir}/trip_point_1_type`)).toBe("critical\n");
  });

  it("name policies in any case with blanks around, and keep the old one when the new is unknown or refuses", () => {
    const { read, write, errno, dir } = rig();
    write(`${dir}/policy`, " User_Space \n");
    expect(read(`${dir}/policy`)).toBe("user_space\n");
    for (const bad of ["nothing", "power_allocator", "step_wise_and_more"])
      expect(errno(() => write(`${dir}/policy`, bad))).toBe("EINVAL");
    expect(read(`${dir}/policy`)).toBe("user_space\n");
    expect(read(`${dir}/available_policies`)).toBe("power_allocator user_space step_wise bang_bang fair_share \n");
  });

  it("have tunables only where the zone brings some: EIO both ways elsewhere", () => {
    const { api, read, write, errno, dir } = rig();
    expect(errno(() => read(`${dir}/k_pu`))).toBe("EIO");
    expect(errno(() => write(`${dir}/k_pu`, "1"))).toBe("EIO");
    const z = api.thermalZoneDeviceRegister({ type: "ipa", ops: sensor, devdata: { temp: 1 }, params: { kPu: 7 } });
    const other = `/sys/class/thermal/thermal_zone${z.id}`;
    expect(read(`${other}/k_pu`)).toBe("7\n");
    write(`${other}/k_pu`, "-12");
    expect(read(`${other}/k_pu`)).toBe("-12\n");
    expect(errno(() => write(`${other}/sustainable_power`, "-1"))).toBe("EINVAL");
  });

  it("answer EAGAIN while the sensor says nothing, and the governor waits", () => {
    const { read, errno, dir, temp, zone } = rig();
    temp(null);
    expect(errno(() => read(`${dir}/temp`))).toBe("EAGAIN");
    expect(zone.temperature).toBe(40000);
  });

  it("take a temperature in place of the sensor's with thermal emulation, until 0 is written", () => {
    const { read, write, errno, dir, fanDir } = rig({ emulation: true });
    write(`${dir}/emul_temp`, "61000");
    expect(read(`${dir}/temp`)).toBe("61000\n");
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
    write(`${dir}/emul_temp`, "0");
    expect(read(`${dir}/temp`)).toBe("40000\n");
    const plain = rig();
    expect(errno(() => plain.write(`${plain.dir}/emul_temp`, "1"))).toBe("ENOENT");
  });

  it("stop governing while the zone is disabled", () => {
    const { write, read, dir, temp, fanDir } = rig();
    write(`${dir}/mode`, "disabled");
    temp(70000);
    expect(read(`${fanDir}/cur_state`)).toBe("0\n");
    write(`${dir}/mode`, "enabled");
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
  });

  it("go with the zone, which lets go of its devices", () => {
    const { api, read, errno, dir, temp, zone, fanDir } = rig();
    temp(61000);
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
    api.thermalZoneDeviceUnregister(zone);
    expect(errno(() => read(`${dir}/temp`))).toBe("ENOENT");
    expect(read(`${fanDir}/cur_state`)).toBe("0\n");
  });
});

describe("zones", () => {
  it("are polled by themselves, faster while a passive trip cools", () => {
    const m = boot();
    const fan = m.api.thermalCoolingDeviceRegister("fan", fanOps, { state: 0, max: 50 } satisfies Fan);
    let reads = 0;
    let t = 50000;
    const zone = m.api.thermalZoneDeviceRegister({
      type: "polled",
      ops: {
        getTemp() {
          reads++;
          return t;
        },
      },
      trips: [{ type: "passive", temp: 60000 }],
      pollingDelayMs: 1000,
      passiveDelayMs: 100,
    });
    m.api.thermalZoneBindCoolingDevice(zone, 0, fan);
    m.api.thermalZoneDeviceEnable(zone);
    m.kernel.run("5500ms");
    expect(reads).toBe(6);
    t = 61000;
    m.kernel.run("2s");
    expect(reads).toBeGreaterThan(20);
  });

  it("set a device to the highest state that any zone asks for", () => {
    const { api, temp, read, fan, fanDir } = rig();
    const second = { temp: 10000 };
    const zone = api.thermalZoneDeviceRegister({
      type: "second",
      ops: sensor,
      devdata: second,
      trips: [{ type: "passive", temp: 20000 }],
    });
    api.thermalZoneBindCoolingDevice(zone, 0, fan, 4, 5);
    api.thermalZoneDeviceEnable(zone);
    temp(61000);
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
    second.temp = 21000;
    api.thermalZoneDeviceUpdate(zone);
    expect(read(`${fanDir}/cur_state`)).toBe("4\n");
    second.temp = 1000;
    api.thermalZoneDeviceUpdate(zone);
    expect(read(`${fanDir}/cur_state`)).toBe("1\n");
  });

  it("refuse bindings that make no sense", () => {
    const { api, zone, fan } = rig();
    const bind = (trip: number, low: number, high: number): unknown =>
      api.thermalZoneBindCoolingDevice(zone, trip, fan, low, high);
    expect(bind(2, 0, 5)).toBeNull();
    expect(bind(1, 3, 2)).toBeNull();
    expect(bind(1, 0, 6)).toBeNull();
    expect(bind(0, 0, 5)).toBeNull(); // it is bound there already
    expect(bind(1, 0, 5)).not.toBeNull();
  });

  it("log when a critical trip is reached", () => {
    const { temp, log } = rig();
    temp(101000);
    temp(102000);
    expect(log.filter((l) => l.includes("soc: critical temperature reached"))).toHaveLength(1);
  });

  it("refuse a temperature that is no number, by name", () => {
    const { temp } = rig();
    expect(() => temp(Number.NaN)).toThrow(/thermal zone 'soc': a temperature must be finite millidegrees, not NaN/);
  });

  it("show the die and the outside of the modelled machine", () => {
    const { read, kernel } = boot();
    const types = [0, 1].map((i) => read(`/sys/class/thermal/thermal_zone${i}/type`));
    expect(types).toEqual(["x86_pkg_temp\n", "skin\n"]);
    kernel.run("60s");
    const t = Number(read("/sys/class/thermal/thermal_zone0/temp"));
    expect(t % 1000).toBe(0);
    expect(t).toBeGreaterThanOrEqual(25000);
  });
});

describe("tracepoints", () => {
  it("print as Linux prints them", () => {
    const { kernel, temp } = rig();
    kernel.trace.enable("thermal:*");
    temp(61000);
    const text = kernel.trace.text();
    expect(text).toContain("thermal_temperature: thermal_zone=soc id=2 temp_prev=40000 temp=61000");
    expect(text).toContain("cdev_update: type=fan target=1");
    expect(text).toContain("thermal_zone_trip: thermal_zone=soc id=2 trip=0 trip_type=PASSIVE");
  });
});

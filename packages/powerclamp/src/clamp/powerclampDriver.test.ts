import { describe, expect, it } from "vitest";
import { boot, busy } from "../testing/machine.js";
import type { DriverVersion } from "./driverDesign.js";

const CUR = "/cur_state";
const PARAMS = "/sys/module/intel_powerclamp/parameters";

/** A machine whose package counters say "busy", with the driver loaded. */
function loaded(
  driver: DriverVersion,
  more: Parameters<typeof boot>[0] = {},
  kernelOptions: Parameters<typeof boot>[1] = {},
) {
  const m = boot({ driver, ...more }, kernelOptions);
  expect(m.api.modprobe()).toBe(0);
  m.api.counters.setRate(1);
  const dev = m.cdev("intel_powerclamp");
  const threads = (): string[] =>
    m.kernel.tasks
      .all()
      .map((t) => t.comm)
      .filter((c) => c.startsWith("kidle") || c.startsWith("idle_inject"))
      .sort();
  return { ...m, dev, threads };
}

describe("a write to cur_state", () => {
  it("that starts 6.1 returns when the workers are there, at the same instant on an idle machine", () => {
    const m = loaded("6.1");
    expect(m.write(m.dev + CUR, "25")).toBe(2);
    expect(m.kernel.now).toBe(0);
    expect(m.threads()).toEqual(["kidle_inj/0", "kidle_inj/1"]);
  });

  it("that stops waits for the injections that are going on", () => {
    for (const driver of ["3.9", "6.1", "6.3"] as const) {
      const m = loaded(driver);
      m.write(m.dev + CUR, "49");
      m.kernel.runUntil(() => m.api.playIdle.active[0] === 1);
      const started = m.kernel.now;
      m.kernel.run("5ms");
      m.write(m.dev + CUR, "0");
      expect(m.kernel.now - started).toBe(24e6);
      expect(m.api.playIdle.active.every((a) => a === 0)).toBe(true);
      const count = m.api.playIdle.count.slice();
      m.kernel.run("1s");
      expect(m.api.playIdle.count).toEqual(count);
    }
  });

  it("makes a second writer wait for the first", () => {
    const m = loaded("6.1");
    m.write(m.dev + CUR, "49");
    m.kernel.runUntil(() => m.api.playIdle.active[0] === 1);
    const pid = m.sys.fork();
    const other = m.kernel.tasks.find(pid);
    if (other === null) throw new Error("no child");
    const open = (t: typeof other): number => m.kernel.sys(t).open(m.dev + CUR, 1);
    const [fd, fd2] = [open(m.kernel.init), open(other)];
    const stop = m.kernel.call(m.kernel.init).write(fd, new TextEncoder().encode("0"));
    const start = m.kernel.call(other).write(fd2, new TextEncoder().encode("10"));
    m.kernel.run("1ms");
    expect([stop.done, start.done]).toEqual([false, false]);
    m.kernel.run("30ms");
    expect([stop.value, start.value]).toEqual([1, 2]);
    expect(m.api.state?.setTargetRatio).toBe(10);
    expect(m.log.filter((l) => l.endsWith("Start idle injection to reduce power"))).toHaveLength(2);
  });

  it("changes the target from the next cycle on, without a new start", () => {
    const m = loaded("6.1");
    const starts: number[] = [];
    m.api.playIdle.started.tap(1, "test", (cpu) => {
      if (cpu === 0) starts.push(m.kernel.time.ticks);
    });
    m.write(m.dev + CUR, "25");
    m.kernel.run("1s");
    m.write(m.dev + CUR, "40");
    m.kernel.run("500ms");
    const gaps = starts.slice(1).map((s, i) => s - starts[i]);
    expect(gaps.slice(0, 8).every((g) => g === 24)).toBe(true);
    expect(gaps.slice(-3)).toEqual([15, 15, 15]);
  });
});

describe("injection", () => {
  it("starts in the same jiffy on all CPUs and repeats at the interval (6.1, 3.9), or by one timer (6.3)", () => {
    for (const driver of ["3.9", "6.1", "6.3"] as const) {
      const m = loaded(driver, {}, { machine: { cpus: 8 } });
      for (let i = 0; i < 8; i++) m.kernel.spawn(busy, {});
      const starts: number[][] = Array.from({ length: 8 }, () => []);
      m.write(m.dev + CUR, "33");
      m.kernel.run("1s");
      m.api.playIdle.started.tap(1, "test", (cpu) => starts[cpu].push(m.kernel.now));
      m.kernel.run("2s");
      for (const s of starts) expect(s).toEqual(starts[0]);
      const gaps = new Set(starts[0].slice(1).map((s, i) => s - starts[0][i]));
      expect([...gaps]).toEqual([driver === "6.3" ? 72_727_000 : 72_000_000]);
    }
  });

  it("holds back tasks that wake meanwhile, and runs the injector before them at its end", () => {
    const m = loaded("6.1", {}, { machine: { cpus: 1 } });
    m.write(m.dev + CUR, "49");
    m.kernel.runUntil(() => m.api.playIdle.active[0] === 1);
    const end = m.api.playIdle.untilNs[0];
    const t = m.kernel.spawn(busy, {});
    m.kernel.run("1ms");
    expect(t.utimeNs).toBe(0);
    m.kernel.core.runTo(end + 1e6);
    m.kernel.core.sched.account(0);
    expect(t.utimeNs).toBe(1e6);
    expect(m.api.playIdle.lastElapsedNs[0]).toBe(24e6);
  });

  it("counts as system time of the injector and as idle time of the CPU", () => {
    const m = loaded("6.1");
    for (let i = 0; i < 2; i++) m.kernel.spawn(busy, {});
    m.write(m.dev + CUR, "25");
    m.kernel.run("4s");
    const worker = m.kernel.tasks.all().find((t) => t.comm === "kidle_inj/0");
    expect(worker?.stimeNs).toBe(m.api.playIdle.injectedNs[0]);
    const idle = m.kernel.cpus.timeAt(0, 3, m.kernel.now);
    expect(Math.abs(idle / m.kernel.now - 0.25)).toBeLessThan(0.01);
  });

  it("lasts the right time whatever HZ is", () => {
    for (const hz of [24, 100, 250, 300, 1000, 10_000]) {
      const m = loaded("6.1", {}, { machine: { hz } });
      m.write(m.dev + CUR, "25");
      m.kernel.run("60s");
      const expected = Math.floor((Math.ceil((Number(m.read(`${PARAMS}/duration`)) * hz) / 1000) * 1e6) / hz) * 1000;
      expect(m.api.playIdle.lastElapsedNs[0]).toBe(expected);
      expect(m.api.playIdle.count[0]).toBeGreaterThan(10);
    }
  });
});

describe("hotplug", () => {
  it("ends the worker of a CPU that goes, in the middle of an injection too, and gives it one when it comes back", () => {
    const m = loaded("6.1", {}, { machine: { cpus: 4 } });
    for (let i = 0; i < 4; i++) m.kernel.spawn(busy, {});
    m.write(m.dev + CUR, "49");
    m.kernel.runUntil(() => m.api.playIdle.active[2] === 1);
    m.write("/sys/devices/system/cpu/cpu2/online", "0");
    expect(m.threads()).toEqual(["kidle_inj/0", "kidle_inj/1", "kidle_inj/3"]);
    m.kernel.run("1s");
    m.write("/sys/devices/system/cpu/cpu2/online", "1");
    expect(m.threads()).toHaveLength(4);
    const before = m.api.playIdle.count[2];
    m.kernel.run("1s");
    expect(m.api.playIdle.count[2]).toBeGreaterThan(before + 15);
  });

  it("moves control to the next CPU and back to CPU 0", () => {
    const m = loaded("6.1", {}, { cmdline: "cpu0_hotplug" });
    m.write(m.dev + CUR, "25");
    const calib = (): string => m.read("/sys/kernel/debug/intel_powerclamp/powerclamp_calib").split("\n")[0];
    m.write("/sys/devices/system/cpu/cpu0/online", "0");
    expect(calib()).toBe("controlling cpu: 1");
    m.write("/sys/devices/system/cpu/cpu0/online", "1");
    expect(calib()).toBe("controlling cpu: 0");
  });

  it("lets a CPU of 6.3 join at the next period", () => {
    const m = loaded("6.3");
    m.write("/sys/devices/system/cpu/cpu1/online", "0");
    m.write(m.dev + CUR, "25");
    m.kernel.run("1s");
    expect(m.api.playIdle.count[1]).toBe(0);
    m.write("/sys/devices/system/cpu/cpu1/online", "1");
    m.kernel.run("1s");
    expect(m.api.playIdle.count[1]).toBeGreaterThan(8);
    expect(m.threads()).toEqual(["idle_inject/0", "idle_inject/1"]);
  });
});

describe("the module", () => {
  it("does not load without MWAIT or package C-states", () => {
    const m = boot({ mwait: false });
    expect(m.api.modprobe()).toBe(-19);
    expect(m.log.at(-1)).toBe("intel_powerclamp: CPU does not support MWAIT");
    const n = boot({ packageCstates: false });
    expect(n.api.modprobe()).toBe(-19);
    expect(n.log.at(-1)).toBe("intel_powerclamp: No package C-state available");
  });

  it("takes parameters at load, from the command line too; a bad one fails the load and leaves nothing", () => {
    const m = boot({ driver: "6.1" }, { cmdline: "intel_powerclamp.duration=9" });
    expect(m.api.modprobe("window_size=3")).toBe(0);
    expect([m.read(`${PARAMS}/duration`), m.read(`${PARAMS}/window_size`)]).toEqual(["9\n", "2\n"]);
    const n = boot({ driver: "6.1" });
    expect(n.api.modprobe("duration=8 window_size=11")).toBe(-22);
    expect(n.api.state).toBeNull();
    expect(n.api.modprobe()).toBe(0);
    expect(n.read(`${PARAMS}/duration`)).toBe("24\n");
  });

  it("starts afresh when it is loaded again, while a stop alone keeps what was learned", () => {
    const m = loaded("6.1");
    m.api.counters.setRate(245);
    m.write(m.dev + CUR, "25");
    m.kernel.run("3s");
    m.write(m.dev + CUR, "0");
    expect(m.api.state?.table.confidence[25]).toBe(3);
    expect(m.api.rmmod()).toBe(0);
    expect(m.api.rmmod()).toBe(-2);
    expect(m.errno(() => m.read(`${m.dev}/type`))).toBe("ENOENT");
    expect(m.api.modprobe()).toBe(0);
    expect(m.api.modprobe()).toBe(-17);
    expect(m.api.state?.table.confidence[25]).toBe(0);
  });

  it("cannot start where another device has a CPU (6.3): EAGAIN, and the state is 0 again", () => {
    const m = loaded("6.3");
    m.api.idleInjectRegister(Uint32Array.of(2));
    expect(m.errno(() => m.write(m.dev + CUR, "25"))).toBe("EAGAIN");
    expect(m.read(m.dev + CUR)).toBe("0\n");
    expect(m.read(`${m.dev}/stats/total_trans`)).toBe("0\n");
  });

  it("takes max_idle 0 for no cap at all, unless that oddity is repaired", () => {
    const m = loaded("6.3");
    expect(m.write(`${PARAMS}/max_idle`, "0")).toBe(1);
    m.write(m.dev + CUR, "90");
    expect(m.read(m.dev + CUR)).toBe("90\n");
    const n = loaded("6.3", { quirks: { maxIdleZero: false } });
    expect(n.errno(() => n.write(`${PARAMS}/max_idle`, "0"))).toBe("EINVAL");
  });
});

describe("compensation", () => {
  it("can be left out: the same table is never used", () => {
    for (const [compensation, period] of [
      ["none", 24],
      ["steady", 22],
    ] as const) {
      const m = loaded("6.1", { compensation });
      for (const pct of [24, 25, 26]) m.api.state?.table.set(pct, 3, 2);
      m.write(m.dev + CUR, "25");
      const starts: number[] = [];
      m.api.playIdle.started.tap(1, "test", (cpu) => {
        if (cpu === 0) starts.push(m.kernel.time.ticks);
      });
      m.kernel.run("1s");
      expect(starts[5] - starts[4]).toBe(period);
    }
  });

  it("by adding up the shortfall brings the counters to the target", () => {
    const m = loaded("6.1", { compensation: "integral" }, { machine: { cpus: 2 } });
    m.api.counters.followMachine();
    for (let i = 0; i < 2; i++) m.kernel.spawn(busy, {});
    m.write(m.dev + CUR, "30");
    m.kernel.run("20s");
    expect(Math.abs(Number(m.read(m.dev + CUR)) - 30)).toBeLessThanOrEqual(1);
  });
});

describe("out of step", () => {
  it("CPUs idle as much, and the package not at all", () => {
    const residency = (injection: "sync" | "unsync"): number => {
      const m = loaded("6.1", { injection, compensation: "none" }, { machine: { cpus: 4 } });
      for (let i = 0; i < 4; i++) m.kernel.spawn(busy, {});
      m.kernel.run("10ms");
      m.write(m.dev + CUR, "20");
      m.kernel.run("10s");
      expect(m.api.playIdle.injectedNs[3] / m.kernel.now).toBeGreaterThan(0.19);
      return m.api.machine.residencyNs(0, m.kernel.now) / m.kernel.now;
    };
    expect(residency("sync")).toBeGreaterThan(0.18);
    expect(residency("unsync")).toBeLessThan(0.01);
  });
});

/**
 * Programs nobody here wrote, unchanged, over trees that the kernel exported: what they print is what the kernel says. A program that
 * is not installed, and namespaces that are not allowed, are said on the terminal.
 */
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { cpus } from "node:os";
import { setTimeout as delay } from "node:timers/promises";
import { parseInterrupts } from "@kernelkit/genirq";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BIG, has, loudly, NO_NAMESPACES, over, plant, SMALL, type TestMachine, type Tree } from "./fixture.js";

/** A test of a program over a tree; said loudly where it cannot be had. */
function client(name: string, program: string, fn: () => void | Promise<void>, namespaces = true): void {
  const why = !has(program)
    ? `${program} is not installed`
    : namespaces && NO_NAMESPACES !== null
      ? NO_NAMESPACES
      : null;
  if (why !== null) loudly(`${name}: ${why}`);
  it.skipIf(why !== null)(name, fn);
}

const MACHINES: readonly (readonly [string, TestMachine])[] = [
  ["4 CPUs, 2 nodes, 8 GiB", BIG],
  ["2 CPUs, 1 GiB", SMALL],
];

for (const [machineName, first] of MACHINES)
  describe.each(["docker-v2", "docker-v1", "systemd-service"])(`%s on ${machineName}`, (name) => {
    // one machine has used much of its memory, the others little: that takes its time
    const machine =
      first === BIG && name !== "docker-v2" ? { ...BIG, free: 7 * 2 ** 30, available: 7.125 * 2 ** 30 } : first;
    let t: Tree;
    beforeAll(() => {
      t = plant(name, machine);
    });
    afterAll(() => t?.end());
    const run = (mode: Parameters<typeof over>[1], ...command: string[]): string => {
      const r = over(t, mode, ...command);
      expect(r.stderr).not.toMatch(/kernelkit:/);
      return r.stdout;
    };

    client("free: memory, used, free", "free", () => {
      const { memory, available, free } = machine;
      expect(run("as-pid", "free", "-b")).toMatch(new RegExp(`^Mem: +${memory} +${memory - available} +${free} `, "m"));
    });

    client("vmstat and uptime: counters since boot", "vmstat", () => {
      const text = run("as-pid", "vmstat", "-s");
      expect(text).toMatch(new RegExp(`^ +${machine.memory / 1024} K total memory$`, "m"));
      expect(text).toMatch(/^ +1764547200 boot time$/m);
    });

    client("java: the container's limits", "java", () => {
      const r = over(t, "as-pid", "java", "-XshowSettings:system", "-version");
      const text = r.stdout + r.stderr;
      expect(text).toContain(`Provider: cgroupv${name === "docker-v1" ? 1 : 2}`);
      expect(text).toContain("Memory Limit: 512.00M");
      expect(text).toContain("CPU Quota: 150000us");
      expect(text).toContain("CPU Period: 100000us");
      expect(text).toContain("Maximum Processes Limit: 100");
      expect(text).toContain("Memory & Swap Limit: 640.00M");
    });

    client("numactl --hardware: nodes, CPUs, distances", "numactl", () => {
      const text = run("as-pid", "numactl", "--hardware");
      if (machine.nodes === 2) {
        expect(text).toContain("available: 2 nodes (0-1)\n");
        expect(text).toContain("node 1 cpus: 2 3\n");
        expect(text).toContain("  0:  10  21 \n");
      } else expect(text).toContain("available: 1 nodes (0)\nnode 0 cpus: 0 1\n");
    });

    client(
      "lscpu and nproc --all: CPUs and model",
      "lscpu",
      () => {
        // lscpu takes the tree as its root: no namespace is needed
        const text = spawnSync("lscpu", ["-s", t.dir], {
          encoding: "utf8",
          env: { ...process.env, LC_ALL: "C" },
        }).stdout;
        expect(text).toMatch(/^On-line CPU\(s\) list: +(?:0-3|0,1)$/m);
        expect(text).toMatch(new RegExp(`^CPU\\(s\\): +${machine.cpus}$`, "m"));
        expect(text).toMatch(/^Model name: +Intel\(R\) Xeon\(R\) Processor @ 2\.00GHz$/m);
        if (NO_NAMESPACES === null) expect(run("as-pid", "nproc", "--all")).toBe(`${machine.cpus}\n`);
      },
      false,
    );

    client("ps: exactly the simulated tasks", "ps", () => {
      const text = run("full", "ps", "-eo", "pid,ppid,rss,comm");
      const sys = t.kernel.sys(t.task);
      const pids = sys
        .readdir("/proc")
        .filter((n) => /^\d+$/.test(n))
        .map(Number)
        .sort((a, b) => a - b);
      const rows = text.trim().split("\n").slice(1);
      expect(rows.map((r) => Number(r.trim().split(/\s+/)[0])).sort((a, b) => a - b)).toEqual(pids);
      expect(rows.map((r) => r.trim().replace(/\s+/g, " "))).toContain("42 1 204800 worker");
    });

    client("mpstat -I ALL: interrupt counters", "mpstat", () => {
      const text = run("as-pid", "mpstat", "-I", "ALL");
      expect(text).toMatch(/^\d\d:\d\d:\d\d.* +all +\d+\.\d\d$/m);
      expect(text).toMatch(/LOC\/s/);
    });

    client("lsirq: the counters of the kernel's lines", "lsirq", () => {
      const rows = parseInterrupts(t.kernel.sys(t.task).readText("/proc/interrupts")).rows;
      const total = rows.find((r) => r.actions.includes("nic"))?.counts.reduce((a, b) => a + b, 0);
      expect(total).toBe(t.raised);
      expect(run("as-pid", "lsirq", "-n", "-o", "TOTAL,NAME")).toMatch(new RegExp(`^ *${t.raised} .*nic`, "m"));
    });

    client("node: constrained and total memory", "node", () => {
      const text = run(
        "as-pid",
        process.execPath,
        "-p",
        "[process.constrainedMemory(), require('os').totalmem()].join()",
      );
      expect(text).toBe(`536870912,${machine.memory}\n`);
    });

    client("psutil: available memory", "/usr/bin/python3", () => {
      const py = (code: string): string => run("as-pid", "/usr/bin/python3", "-c", code);
      if (spawnSync("/usr/bin/python3", ["-c", "import psutil"]).status !== 0) {
        loudly("psutil: python3-psutil is not installed");
        return;
      }
      expect(py("import psutil; print(psutil.virtual_memory().available)")).toBe(`${machine.available}\n`);
      expect(py("import psutil; print(psutil.Process(42).ppid(), psutil.boot_time())")).toMatch(/^1 1764547200\.0\n$/);
    });

    client(
      "prometheus-node-exporter: a hundred values, without a namespace",
      "prometheus-node-exporter",
      async () => {
        const metrics = await scrape(t.dir);
        const exact = (n: number): string =>
          String(n === 8 * 2 ** 30 ? "8.589934592e+09" : n.toExponential().replace(/e\+(\d)$/, "e+0$1"));
        expect(metrics).toContain(`node_memory_MemTotal_bytes ${exact(machine.memory)}\n`);
        const sys = t.kernel.sys(t.task);
        for (const zone of [0, 1]) {
          const temp = Number(sys.readText(`/sys/class/thermal/thermal_zone${zone}/temp`)) / 1000;
          const type = sys.readText(`/sys/class/thermal/thermal_zone${zone}/type`).trim();
          expect(metrics).toContain(`node_thermal_zone_temp{type="${type}",zone="${zone}"} ${temp}\n`);
        }
        expect(metrics).toMatch(/^node_cooling_device_max_state\{name="0",type="intel_powerclamp"\} \d+$/m);
        const joules = Number(sys.readText("/sys/class/powercap/intel-rapl:0/energy_uj")) / 1e6;
        const shown = /^node_rapl_package_joules_total\{.*\} (\S+)$/m.exec(metrics)?.[1];
        expect(Number(shown)).toBeCloseTo(joules, 6);
        expect(metrics).toMatch(/^node_interrupts_total\{cpu="0",.*type="LOC"\}|^node_intr_total \d/m);
      },
      false,
    );
  });

/** One look at the exporter's page over a tree. */
async function scrape(dir: string): Promise<string> {
  const port = 20000 + Math.floor((process.pid * 7 + Number(process.hrtime.bigint() % 1000n)) % 20000);
  const args = [
    `--path.procfs=${dir}/proc`,
    `--path.sysfs=${dir}/sys`,
    `--path.rootfs=${dir}`,
    `--web.listen-address=127.0.0.1:${port}`,
  ];
  const child: ChildProcess = spawn("prometheus-node-exporter", args, { stdio: "ignore" });
  try {
    for (let i = 0; i < 100; i++) {
      await delay(100);
      try {
        return await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
      } catch {
        // not up yet
      }
    }
    throw new Error("prometheus-node-exporter did not answer");
  } finally {
    child.kill();
  }
}

describe("a thermal machine's files", () => {
  client("powercap-info reads the power zones", "powercap-info", () => {
    const t = plant("bare-v2", SMALL, { rss: 2 ** 20 });
    try {
      const r = over(t, "full", "powercap-info", "-p", "intel-rapl");
      expect(r.stdout).toMatch(/Zone 0\n\s+name: package-0/);
      expect(r.stdout).toMatch(
        new RegExp(`energy_uj: ${t.kernel.sys(t.task).readText("/sys/class/powercap/intel-rapl:0/energy_uj").trim()}`),
      );
    } finally {
      t.end();
    }
  });
});

describe("more readers of /proc and /sys, over one tree", () => {
  let t: Tree;
  beforeAll(() => {
    t = plant("docker-v2", { ...SMALL, cpus: 4, nodes: 2 });
  });
  afterAll(() => t?.end());
  const shown = (...command: string[]): string => {
    const r = over(t, "full", "env", "TERM=dumb", "LC_ALL=C", ...command);
    expect(r.stderr).not.toMatch(/kernelkit:/);
    return r.stdout;
  };

  client("top: tasks, memory, the worker", "top", () => {
    const text = shown("top", "-b", "-n1", "-w", "120");
    expect(text).toMatch(/^Tasks: +2 total/m);
    expect(text).toMatch(/^MiB Mem : +1024\.0 total/m);
    expect(text).toMatch(/^ +42 root .* 204800 .*worker/m);
  });

  client("pmap and pgrep: a task's memory and name", "pmap", () => {
    expect(shown("pmap", "-x", "42")).toMatch(/^42: .*worker[\s\S]*\[ stack \]/);
    expect(shown("pgrep", "-a", "worker")).toMatch(/^42 /);
  });

  client(
    "lsmem: blocks of memory and their nodes, without a namespace",
    "lsmem",
    () => {
      const r = spawnSync("lsmem", ["-s", t.dir, "-b", "-a", "-o", "SIZE,STATE,NODE,ZONES"], { encoding: "utf8" });
      expect(r.stdout).toMatch(/^134217728 online +0 .*$/m);
      expect(r.stdout).toMatch(/^134217728 online +1 .*$/m);
      expect(r.stdout).toMatch(/^Total online memory: +1073741824$/m);
    },
    false,
  );

  client(
    "findmnt: every mount of the container",
    "findmnt",
    () => {
      const r = spawnSync("findmnt", ["-F", `${t.dir}/proc/42/mountinfo`, "-n", "-l", "-o", "TARGET,FSTYPE"], {
        encoding: "utf8",
      });
      expect(r.stdout).toMatch(/^\/sys\/fs\/cgroup +cgroup2$/m);
      const lines = t.kernel.sys(t.task).readText("/proc/self/mountinfo").trim().split("\n");
      expect(r.stdout.trim().split("\n")).toHaveLength(lines.length);
    },
    false,
  );

  client("sysctl: numbers of /proc/sys", "sysctl", () => {
    const sys = t.kernel.sys(t.task);
    expect(shown("sysctl", "-n", "vm.swappiness", "kernel.pid_max")).toBe(
      `${sys.readText("/proc/sys/vm/swappiness")}${sys.readText("/proc/sys/kernel/pid_max")}`,
    );
  });

  client("pidstat and iostat: what the processors and tasks did", "pidstat", () => {
    expect(shown("iostat", "-c")).toMatch(/\(4 CPU\)[\s\S]*\d+\.\d\d +100\.00|avg-cpu/);
    expect(shown("pidstat", "-p", "42", "-r")).toMatch(/ 42 .* 204800 .*worker/);
  });
});

describe("other modes and layouts", () => {
  client("over: single files, for a runtime that needs its own /proc", "node", () => {
    const t = plant("kubernetes-v2-host-cgroupns", SMALL);
    try {
      const r = over(
        t,
        "over",
        process.execPath,
        "-p",
        "[process.constrainedMemory(), require('os').totalmem()].join()",
      );
      expect(r.stdout).toBe(`536870912,${SMALL.memory}\n`);
      // the quota of 1.5 is one CPU for this libuv, if there are as many real ones
      expect(cpus().length).toBeGreaterThan(0);
    } finally {
      t.end();
    }
  });

  client(
    "dmesg -F reads the kernel's log",
    "dmesg",
    () => {
      const t = plant("bare-v2", SMALL, { rss: 2 ** 20 });
      try {
        const bytes = t.kernel.sys(t.kernel.init).syslog(3, new Uint8Array(65536), 65536) as Uint8Array;
        writeFileSync(`${t.dir}/log`, bytes);
        const r = spawnSync("dmesg", ["-x", "-F", `${t.dir}/log`], { encoding: "utf8" });
        expect(r.stdout).toMatch(/^kern {2}:notice: \[ {4}0\.000000\] Linux version 6\.18/m);
      } finally {
        t.end();
      }
    },
    false,
  );
});

/**
 * Everything at once on the assembled kernel: a container with user, pid, mnt, net and cgroup namespaces, a memory limit and a log of its
 * own, and in it a writer on a slow disk; an interrupt storm, idle injection, memory that is scanned and moved between nodes, enforced
 * appraisal. Runs agree, and a run that was saved as JSON and continued in a new kernel agrees with the one that was not.
 */
import * as k from "@kernelkit/core";
import { dummyIrqChip, handleEdgeIrq, IRQ_HANDLED } from "@kernelkit/genirq";
import { describe, expect, it } from "vitest";
import { type AssembledKernel, type AssembledSys, type BootOptions, bootKernel } from "./kernel.js";
import { checkAll } from "./testing/checkAll.js";

const OPTIONS: BootOptions = {
  machine: { cpus: 4, nodes: 2, memory: "512M" },
  cmdline: "ima_policy=tcb ima_appraise=enforce numa_balancing=enable",
  printk: { logNamespaces: "userns" },
  seed: 7,
};

type Sys = k.Program<AssembledSys>;

/** Writes files over and over. */
const writer = k.program("writer", function* (sys: Sys, s: { round: number }) {
  for (; ; s.round++) {
    yield* sys.restPoint(s);
    const fd = yield* sys.open(`/mnt/log${s.round % 3}`, k.O_RDWR | k.O_CREAT, 0o644);
    for (let i = 0; i < 16; i++) yield* sys.pwrite64(fd, new Uint8Array(16384).fill(s.round), i * 16384);
    if (s.round % 8 === 7) yield* sys.fsync(fd);
    yield* sys.close(fd);
    yield* sys.nanosleep(50_000_000);
  }
});

/** Memory used from wherever the scheduler puts the task. */
const reader = k.program("reader", function* (sys: Sys, s: { at: number; id: number }) {
  if (s.at === 0) {
    s.at = Number(yield* sys.mmap(0, 128 * 4096, 3, 0x22, -1, 0));
    yield* sys.touch(s.at, 128, true);
  }
  for (;;) {
    yield* sys.restPoint(s);
    yield* sys.compute(3_000_000);
    yield* sys.touch(s.at, 128, false);
    yield* sys.nanosleep(2_000_000 + 500_000 * s.id);
  }
});

const nic = () => IRQ_HANDLED;
const GROUP = "/sys/fs/cgroup/box";

/** A line of an interrupt controller, asked for by a driver. */
function driver(kernel: AssembledKernel): number {
  const irq = kernel.genirq.irqAllocDesc();
  kernel.genirq.irqSetChipAndHandlerName(irq, dummyIrqChip, handleEdgeIrq, "edge");
  kernel.core.state.static("test.nic", nic);
  kernel.genirq.requestIrq(irq, nic, 0, "nic");
  return irq;
}

/** The container's pid 1. */
function container(kernel: AssembledKernel): k.Task {
  const sys = kernel.sys(kernel.init);
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids +cpu");
  sys.mkdir(GROUP, 0o755);
  sys.writeFile(`${GROUP}/memory.max`, "32M");
  sys.writeFile(`${GROUP}/pids.max`, "20");
  const outer = kernel.tasks.find(sys.fork()) as k.Task;
  sys.writeFile(`${GROUP}/cgroup.procs`, String(outer.nr));
  kernel
    .sys(outer)
    .unshare(k.CLONE_NEWUSER | k.CLONE_NEWPID | k.CLONE_NEWNS | k.CLONE_NEWNET | k.CLONE_NEWCGROUP | k.CLONE_NEWUTS);
  sys.writeFile(`/proc/${outer.nr}/uid_map`, "0 0 65536");
  sys.writeFile(`/proc/${outer.nr}/gid_map`, "0 0 65536");
  const init = kernel.core.tasks.findTask(outer, kernel.sys(outer).fork()) as k.Task;
  kernel.sys(init).sethostname("box");
  kernel.sys(init).mount("proc", "/proc", "proc", 14, null);
  return init;
}

interface Scene {
  readonly kernel: AssembledKernel;
  readonly irq: number;
  readonly box: k.Task;
}

function start(): Scene {
  const kernel = bootKernel(OPTIONS);
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps: 2 * 2 ** 20 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", "2097152");
  sys.writeFile("/proc/sys/vm/dirty_bytes", "4194304");
  sys.writeFile("/proc/sys/kernel/numa_balancing", "1");
  sys.writeFile("/mnt/trusted", "as it was delivered");
  sys.chown("/mnt/trusted", 1001, 1001);
  kernel.powerclamp.modprobe();
  const devices = sys.readdir("/sys/class/thermal").filter((n) => n.startsWith("cooling_device"));
  const clamp = devices.find((n) => sys.readText(`/sys/class/thermal/${n}/type`).trim() === "intel_powerclamp");
  sys.writeFile(`/sys/class/thermal/${clamp}/cur_state`, "20");
  const irq = driver(kernel);
  const box = container(kernel);
  kernel.integrity.loadPolicy("measure func=FILE_CHECK mask=MAY_READ uid=0", "appraise func=FILE_CHECK fowner=1001");
  kernel.spawn(writer, { round: 0 }, box);
  for (let id = 0; id < 3; id++) kernel.spawn(reader, { at: 0, id });
  return { kernel, irq, box };
}

/** Seconds of virtual time with a storm of interrupts in them. */
function storm({ kernel, irq }: Scene, seconds: number): void {
  for (let i = 0; i < seconds * 20; i++) {
    for (let n = 0; n < 10; n++) kernel.genirq.raise(irq, i % 4);
    kernel.run("50ms");
  }
}

const number = (text: string, name: string): number => Number(new RegExp(`^${name}:? +(\\d+)`, "m").exec(text)?.[1]);

describe("all packages in one kernel", () => {
  const scene = start();
  storm(scene, 60);
  const { kernel, box } = scene;
  const sys = kernel.sys(kernel.init);
  const inside = kernel.sys(box);

  it("have run for a minute", () => {
    expect(kernel.now).toBe(60e9);
  });

  it("namespaces: the container has names and numbers of its own", () => {
    expect(inside.uname().nodename).toBe("box");
    expect(sys.uname().nodename).not.toBe("box");
    expect(inside.getpid()).toBe(1);
    expect(inside.readdir("/proc").filter((n) => /^\d+$/.test(n))).toEqual(["1", "2"]);
    expect(inside.readText("/proc/self/cgroup")).toBe("0::/\n");
    for (const type of ["user", "pid", "mnt", "net", "cgroup"])
      expect(inside.readlink(`/proc/self/ns/${type}`)).not.toBe(sys.readlink(`/proc/self/ns/${type}`));
  });

  it("memcg: the group stayed within its limit, and its counters are those of its pages", () => {
    expect(number(sys.readText(`${GROUP}/cgroup.events`), "populated")).toBe(1);
    const current = Number(sys.readText(`${GROUP}/memory.current`));
    expect(current).toBeGreaterThan(0);
    expect(Number(sys.readText(`${GROUP}/memory.peak`))).toBeLessThanOrEqual(32 * 2 ** 20);
    const stat = sys.readText(`${GROUP}/memory.stat`);
    expect(number(stat, "anon") + number(stat, "file")).toBeLessThanOrEqual(current);
    expect(number(sys.readText(`${GROUP}/pids.current`).replace(/^/, "n "), "n")).toBe(3);
  });

  it("writeback: the slow disk got what it could, and no more is dirty than allowed", () => {
    const vmstat = sys.readText("/proc/vmstat");
    expect(number(vmstat, "nr_written")).toBeGreaterThan(300);
    expect(number(vmstat, "nr_written")).toBeLessThanOrEqual((60 * 2 * 2 ** 20) / 4096);
    expect((number(vmstat, "nr_dirty") + number(vmstat, "nr_writeback")) * 4096).toBeLessThanOrEqual(4194304 + 2 ** 20);
    expect(number(vmstat, "nr_dirtied")).toBeGreaterThanOrEqual(number(vmstat, "nr_written"));
  });

  it("genirq: every interrupt of the storm was counted once", () => {
    const row = sys
      .readText("/proc/interrupts")
      .split("\n")
      .find((l) => l.endsWith(" nic")) as string;
    const counts = row.trim().split(/\s+/).slice(1, 5).map(Number);
    expect(counts).toEqual([3000, 3000, 3000, 3000]);
  });

  it("powerclamp: a fifth of the time was spent idle by order, and no more", () => {
    const injected = kernel.tasks.all().filter((t) => t.comm.startsWith("idle_inject/"));
    expect(injected).toHaveLength(4);
    for (const t of injected) {
      const share = k.taskCpuNs(kernel.core, t) / 60e9;
      expect(share).toBeGreaterThan(0.1);
      expect(share).toBeLessThan(0.35);
    }
  });

  it("numa: memory was scanned, and every page is on a node", () => {
    expect(number(sys.readText("/proc/vmstat"), "numa_pte_updates")).toBeGreaterThan(0);
    const nodes = [0, 1].map((n) => sys.readText(`/sys/devices/system/node/node${n}/meminfo`));
    const total = nodes.reduce((s, t) => s + Number(/MemTotal: +(\d+)/.exec(t)?.[1]), 0);
    expect(total).toBe(number(sys.readText("/proc/meminfo"), "MemTotal"));
    const free = nodes.reduce((s, t) => s + Number(/MemFree: +(\d+)/.exec(t)?.[1]), 0);
    expect(free).toBe(number(sys.readText("/proc/meminfo"), "MemFree"));
  });

  it("integrity: what has no label is refused, in the container too, and the list replays to the registers", () => {
    expect(() => sys.open("/mnt/trusted", k.O_RDONLY)).toThrow("EACCES");
    expect(() => inside.open("/mnt/trusted", k.O_RDONLY)).toThrow("EACCES");
    expect(Number(sys.readText("/sys/kernel/security/ima/runtime_measurements_count"))).toBeGreaterThan(0);
  });

  it("printk: the container's log is its own", () => {
    inside.writeFile("/dev/kmsg", "<4>said inside\n");
    const log = (s: typeof sys): string =>
      new TextDecoder().decode(s.syslog(3, new Uint8Array(65536), 65536) as Uint8Array);
    expect(log(inside)).toContain("said inside");
    expect(log(sys)).not.toContain("said inside");
    expect(log(sys)).toContain("Linux version");
    expect(log(inside)).not.toContain("Linux version");
  });

  it("hold the invariants of every package", () => {
    checkAll(kernel, "/mnt", [kernel.init, box]);
  });
});

describe("a minute of all packages", () => {
  const whole = start();
  storm(whole, 60);
  const digest = whole.kernel.digest();
  const other = start();
  storm(other, 30);
  const saved = JSON.stringify(other.kernel.checkpoint());

  it("is the same every time, and taking a checkpoint on the way changes nothing", () => {
    storm(other, 30);
    expect(other.kernel.now).toBe(60e9);
    expect(other.kernel.digest()).toBe(digest);
  });

  it("continues from JSON in a new kernel as if nothing had happened", () => {
    const again = bootKernel(OPTIONS);
    again.core.state.static("test.nic", nic);
    for (const p of [writer, reader]) again.core.programs.add(p as never);

    (again as unknown as { restore(c: unknown): void }).restore(JSON.parse(saved));
    storm({ ...other, kernel: again }, 30);
    expect(again.now).toBe(60e9);
    expect(again.digest()).toBe(digest);
    const box = again.tasks.all().find((t) => t.nr === whole.box.nr) as k.Task;
    again.sys(box).writeFile("/dev/kmsg", "<4>said inside\n");
    checkAll(again, "/mnt", [again.init, box]);
  });
});

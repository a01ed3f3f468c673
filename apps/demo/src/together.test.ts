/**
 * Everything at once on the assembled kernel: a group with a memory limit and a writer on a slow disk, an interrupt storm, idle
 * injection, memory that is scanned and moved between nodes, enforced appraisal. Runs agree, and a run that was saved as JSON and
 * continued in a new kernel agrees with the one that was not.
 */
import { type CoreSys, O_CREAT, O_RDWR, type Program, program } from "@kernelkit/core";
import { dummyIrqChip, handleEdgeIrq, IRQ_HANDLED } from "@kernelkit/genirq";
import type { NumaSys } from "@kernelkit/numa";
import { describe, expect, it } from "vitest";
import { type AssembledKernel, type BootOptions, bootKernel } from "./kernel.js";

const OPTIONS: BootOptions = {
  machine: { cpus: 4, nodes: 2, memory: "512M" },
  cmdline: "ima_policy=tcb ima_appraise=log",
  seed: 7,
};

type Sys = Program<CoreSys & NumaSys>;

/** Writes a file over and over, in a group of its own. */
const writer = program("writer", function* (sys: Sys, s: { round: number }) {
  if (s.round === 0) yield* sys.writeFile("/sys/fs/cgroup/box/cgroup.procs", "0");
  for (; ; s.round++) {
    yield* sys.restPoint(s);
    const fd = yield* sys.open(`/mnt/log${s.round % 3}`, O_RDWR | O_CREAT, 0o644);
    for (let i = 0; i < 16; i++) yield* sys.pwrite64(fd, new Uint8Array(16384).fill(s.round), i * 16384);
    if (s.round % 8 === 7) yield* sys.fsync(fd);
    yield* sys.close(fd);
    yield* sys.nanosleep(50_000_000);
  }
});

/** Memory bound to one node, used from wherever the scheduler puts the task. */
const reader = program("reader", function* (sys: Sys, s: { at: number; id: number }) {
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

function drivers(kernel: AssembledKernel): number {
  const irq = kernel.genirq.irqAllocDesc();
  kernel.genirq.irqSetChipAndHandlerName(irq, dummyIrqChip, handleEdgeIrq, "edge");
  kernel.core.state.static("test.nic", nic);
  kernel.genirq.requestIrq(irq, nic, 0, "nic");
  return irq;
}

function start(): { kernel: AssembledKernel; irq: number } {
  const kernel = bootKernel(OPTIONS);
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps: 2 * 2 ** 20 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", "2097152");
  sys.writeFile("/proc/sys/vm/dirty_bytes", "4194304");
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory +pids");
  sys.mkdir("/sys/fs/cgroup/box", 0o755);
  sys.writeFile("/sys/fs/cgroup/box/memory.max", "32M");
  kernel.powerclamp.modprobe();
  const devices = sys.readdir("/sys/class/thermal").filter((n) => n.startsWith("cooling_device"));
  const clamp = devices.find((n) => sys.readText(`/sys/class/thermal/${n}/type`).trim() === "intel_powerclamp");
  sys.writeFile(`/sys/class/thermal/${clamp}/cur_state`, "20");
  const irq = drivers(kernel);
  kernel.spawn(writer, { round: 0 });
  for (let id = 0; id < 3; id++) kernel.spawn(reader, { at: 0, id });
  return { kernel, irq };
}

/** Seconds of virtual time with a storm of interrupts in them. */
function storm(kernel: AssembledKernel, irq: number, seconds: number): void {
  for (let i = 0; i < seconds * 20; i++) {
    for (let n = 0; n < 10; n++) kernel.genirq.raise(irq, i % 4);
    kernel.run("50ms");
  }
}

describe("all packages in one kernel", () => {
  it("do their work side by side for a minute, and every run is the same", () => {
    const { kernel, irq } = start();
    storm(kernel, irq, 60);
    const sys = kernel.sys(kernel.init);
    expect(sys.readText("/sys/fs/cgroup/box/cgroup.events")).toContain("populated 1");
    expect(Number(sys.readText("/sys/fs/cgroup/box/memory.current"))).toBeGreaterThan(0);
    expect(Number(sys.readText("/sys/fs/cgroup/box/memory.peak"))).toBeLessThanOrEqual(32 * 2 ** 20);
    expect(sys.readText("/proc/interrupts")).toMatch(/ nic\n/);
    expect(kernel.now).toBe(60e9);
    expect(Number(/nr_written (\d+)/.exec(sys.readText("/proc/vmstat"))?.[1])).toBeGreaterThan(1000);
    expect(Number(sys.readText("/sys/kernel/security/ima/runtime_measurements_count"))).toBeGreaterThan(0);
    const second = start();
    storm(second.kernel, second.irq, 60);
    expect(second.kernel.digest).toBe(kernel.digest);
  });

  it("continue from JSON in a new kernel as if nothing had happened", () => {
    const whole = start();
    storm(whole.kernel, whole.irq, 5);
    const saved = JSON.stringify(whole.kernel.checkpoint());
    storm(whole.kernel, whole.irq, 5);
    const kernel = bootKernel(OPTIONS);
    kernel.core.state.static("test.nic", nic);
    for (const p of [writer, reader]) kernel.core.programs.add(p as never);
    (kernel as unknown as { restore(c: unknown): void }).restore(JSON.parse(saved));
    storm(kernel, whole.irq, 5);
    expect(kernel.digest).toBe(whole.kernel.digest);
  });
});

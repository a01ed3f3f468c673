import { type CoreSys, createKernel, O_CREAT, O_RDWR, type Program, program } from "@kernelkit/core";
import { expect, test } from "vitest";
import { type DeviceModel, writeback } from "./index.js";

/** Writes, syncs, cuts and preallocates, and is throttled in between. */
const worker = program("worker", function* (sys: Program<CoreSys>, s: { round: number }) {
  for (; ; s.round++) {
    yield* sys.restPoint(s);
    const fd = yield* sys.open("/mnt/log", O_RDWR | O_CREAT, 0o644);
    for (let i = 0; i < 24; i++) yield* sys.pwrite64(fd, new Uint8Array(65536).fill(s.round + i), i * 65536);
    if (s.round % 3 === 1) yield* sys.fsync(fd);
    if (s.round % 3 === 2) yield* sys.ftruncate(fd, 300_000);
    yield* sys.fallocate(fd, 1, 2 ** 21, 65536);
    yield* sys.close(fd);
    yield* sys.nanosleep(20_000_000);
  }
});

const MODELS: Readonly<Record<string, DeviceModel>> = {
  "a disk with a cache": { writeBps: 4 * 2 ** 20, writeCacheBytes: 2 ** 19, seekNs: 1e6, queueDepth: 4 },
  "a mirror": { raid1: ["a", "b"], stable: "optional" },
  "a parity array": { raid5: ["a", "b", "c"], stableWrites: true },
};

for (const [name, model] of Object.entries(MODELS))
  test(`a kernel saved while ${name} is at work goes on in another as if nothing had happened`, () => {
    const build = () => createKernel({ machine: { memory: "128M" }, seed: 3 }).use(writeback());
    const kernel = build().boot();
    const sys = kernel.sys(kernel.init);
    for (const leg of ["a", "b", "c"]) kernel.writeback.addDevice(leg, { writeBps: 3 * 2 ** 20 });
    kernel.writeback.addDevice("sda", model);
    sys.mount("/dev/sda", "/mnt", "ext4", 0);
    sys.writeFile("/proc/sys/vm/dirty_bytes", "2097152");
    sys.writeFile("/proc/sys/vm/dirty_background_bytes", "1048576");
    kernel.spawn(worker, { round: 0 });
    const saved: string[] = [];
    for (const ms of [3, 250, 400]) {
      kernel.run(`${ms}ms`);
      saved.push(JSON.stringify(kernel.checkpoint()));
    }
    const ends = [3, 253, 653].map((t) => 1500 - t);
    kernel.run(`${ends[2]}ms`);
    const end = kernel.digest();
    const vmstat = sys.readText("/proc/vmstat");
    saved.forEach((text, i) => {
      const again = build().restore(JSON.parse(text), [worker]);
      again.run(`${ends[i]}ms`);
      expect(again.digest()).toBe(end);
      expect(again.sys(again.init).readText("/proc/vmstat")).toBe(vmstat);
    });
  });

/** The node files that do something, huge pages that move, and traces. */
import { createKernel, KernelError } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { numa } from "../numa.js";
import { parseBinary, parseCsv, parseLackey, parsePerfScript, replayAccessTrace } from "../workloads/traceReplay.js";

const AT = 0x200000000;
const HUGE = 2 ** 21;
const build = (memory: readonly string[], cmdline = "transparent_hugepage=never", slowNodes: readonly number[] = []) =>
  createKernel({ machine: { cpus: 2, nodes: 2, nodeMemory: memory, cpuNode: [0, 0] }, cmdline })
    .use(numa({ slowNodes }))
    .boot();
const code = (f: () => unknown): string => {
  try {
    f();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
};

describe("node files", () => {
  it("compact makes free blocks of 2 MiB out of holes, and loses no page", () => {
    const k = build(["32M", "32M"]);
    const sys = k.sys(k.init);
    // one page of a file that stays between seven of one that goes
    sys.mkdir("/m", 0o755);
    sys.mount("tmpfs", "/m", "tmpfs", 0, "");
    const stays = sys.open("/m/stays", 0o102, 0o600);
    const goes = sys.open("/m/goes", 0o102, 0o600);
    const page = "x".repeat(4096);
    for (let i = 0; i < 400; i++) {
      sys.pwrite64(stays, page, i * 4096);
      for (let n = 0; n < 7; n++) sys.pwrite64(goes, page, (i * 7 + n) * 4096);
    }
    sys.ftruncate(goes, 0);
    const blocks = (): number =>
      k.core.mm.zones.reduce((a, z) => a + (z.nid === 0 ? z.nrFree[9] + 2 * z.nrFree[10] : 0), 0);
    const before = blocks();
    sys.writeFile("/sys/devices/system/node/node0/compact", "1");
    expect(blocks()).toBeGreaterThan(before + 3);
    for (const i of [0, 200, 399]) expect(sys.pread64(stays, 4096, i * 4096).every((b) => b === 120)).toBe(true);
  });

  it("reclaim demotes where there is slower memory, and is EAGAIN where nothing can go", () => {
    const k = build(["32M", "32M"], undefined, [1]);
    const sys = k.sys(k.init);
    sys.mmap(AT, 1024 * 4096, 3, 0x32, -1, 0);
    sys.touch(AT, 1024, true);
    const reclaim = (text: string) => code(() => sys.writeFile("/sys/devices/system/node/node0/reclaim", text));
    expect(reclaim("1M")).toBe("EAGAIN");
    expect(reclaim("1M swappiness=300")).toBe("EINVAL");
    expect(reclaim("lots")).toBe("EINVAL");
    sys.writeFile("/sys/kernel/mm/numa/demotion_enabled", "1");
    expect(reclaim("1M")).toBe("");
    expect(k.core.mm.read(k.core.mm.stat("pgdemote_proactive"))).toBe(256);
    expect(sys.readText("/sys/devices/virtual/memory_tiering/memory_tier22/nodelist")).toBe("1\n");
  });
});

describe("huge pages", () => {
  it("move whole, and are counted", () => {
    const k = build(["64M", "64M"], "transparent_hugepage=always");
    const sys = k.sys(k.init);
    const stat = (name: string): number => k.core.mm.read(k.core.mm.stat(name));
    sys.mmap(AT, HUGE, 3, 0x32, -1, 0);
    sys.touch(AT, 512, true);
    expect(sys.move_pages(0, [AT], [1], 2).status).toEqual([1]);
    expect([stat("thp_migration_success"), stat("thp_migration_split")]).toEqual([1, 0]);
  });
});

describe("traces", () => {
  it("are read from CSV, lackey, perf script and records, and give the same ranges", () => {
    const csv = parseCsv("time,task,page,rw\n0,1,0x10,w\n5,1,17,w\n9,2,16,r\n");
    expect([...csv.page]).toEqual([16, 17, 16]);
    const w = replayAccessTrace(csv, { perAccess: 8 });
    expect(w.processes[0].threads.map((t) => t.phases[0].ranges)).toEqual([
      [{ page: 0, pages: 2, perPage: 8, write: true }],
      [{ page: 0, pages: 1, perPage: 8, write: false }],
    ]);
    const lackey = parseLackey("==1== x\nI  04000000,3\n L 04001000,8\n S 04002008,4\n M 04002010,4\n");
    expect([[...lackey.page], [...lackey.write]]).toEqual([
      [0x4001, 0x4002, 0x4002],
      [0, 1, 1],
    ]);
    const perf = parsePerfScript("  77 12.500000: 7f0000001000\n 78 12.6: cpu/mem-stores/P: 7f0000002000\n");
    expect([[...perf.task], [...perf.write]]).toEqual([
      [77, 78],
      [0, 1],
    ]);
    const bytes = new Uint8Array(new Uint32Array([3, 1, 9, 1]).buffer);
    expect([...parseBinary(bytes).page]).toEqual([9]);
    expect(() => parseBinary(bytes.subarray(1))).toThrow(RangeError);
    expect(() => parseCsv("0,1,2,x")).toThrow(/line 1 is not a record/);
    expect(() => replayAccessTrace(parseCsv(""))).toThrow(/no records/);
  });
});

/** Reclaim, refaults, throttling, pressure and v1's events on whole kernels. */
import { createKernel, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "./checkMemcg.js";
import { memcg } from "./memcg.js";
import type { MemcgOptions } from "./options.js";
import { PsiGroup } from "./psi.js";
import { Thresholds } from "./v1/legacyEvents.js";

const MIB = 1 << 20;
const AT = 0x200000000;
const G = "/sys/fs/cgroup/g";

function machine(options: MemcgOptions = {}, memory = "64M") {
  const kernel = createKernel({ machine: { cpus: 1, memory } })
    .use(memcg(options))
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.vfs.addDisk({ name: "vda", type: "ext4" });
  sys.mkdir("/d", 0o755);
  sys.mount("/dev/vda", "/d", "ext4", 0, "");
  sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
  sys.mkdir(G, 0o755);
  const task = kernel.tasks.find(sys.fork()) as Task;
  sys.writeFile(`${G}/cgroup.procs`, String(task.nr));
  const stat = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)`, "m").exec(sys.readText(`${G}/memory.stat`))?.[1]);
  return { kernel, sys, task, child: kernel.sys(task), stat };
}

describe("reclaim", () => {
  it("drops cache at the limit instead of killing, and knows pages again that come back", () => {
    const { kernel, sys, child, task, stat } = machine();
    sys.writeFile(`${G}/memory.max`, "4M");
    child.writeFile("/d/a", new Uint8Array(6 * MIB));
    const first = stat("workingset_refault_file");
    child.readFile("/d/a");
    child.readFile("/d/a");
    expect(first).toBe(0);
    expect(stat("workingset_refault_file")).toBeGreaterThan(500);
    expect(stat("pgsteal")).toBeGreaterThan(1000);
    expect(task.exiting).toBe(false);
    checkMemcg(kernel.memcg.system);
  });

  it("keeps what was used twice over a stream that is used once", () => {
    const { sys, child, stat } = machine();
    sys.writeFile(`${G}/memory.max`, "6M");
    child.writeFile("/d/hot", new Uint8Array(2 * MIB));
    child.readFile("/d/hot");
    child.readFile("/d/hot");
    expect(stat("active_file")).toBe(2 * MIB);
    child.writeFile("/d/stream", new Uint8Array(15 * MIB));
    expect(stat("active_file")).toBeGreaterThan(MIB);
  });

  it("of the whole machine puts private memory on swap before anybody is killed", () => {
    const { kernel, child, task } = machine({ swap: "32M" }, "16M");
    child.mmap(AT, 24 * MIB, 3, 0x32);
    child.madvise(AT, 24 * MIB, 15);
    child.touch(AT, (24 * MIB) / 4096, true);
    expect(task.exiting).toBe(false);
    expect(kernel.mm.read(kernel.mm.stat("pswpout"))).toBeGreaterThan(1000);
    checkMemcg(kernel.memcg.system);
  });

  it("without swap, the machine's killer takes the largest process and says so", () => {
    const { kernel, child, task } = machine({}, "16M");
    const lines: string[] = [];
    kernel.core.hooks.log.tap(900, "test", (l) => void lines.push(l.text));
    kernel.sys(kernel.init).writeFile("/proc/sys/vm/overcommit_memory", "1");
    child.mmap(AT, 24 * MIB, 3, 0x32);
    void kernel.call(task).touch(AT, (24 * MIB) / 4096, true);
    kernel.run("1s");
    expect(task.exiting).toBe(true);
    expect(lines.some((l) => /^Out of memory: Killed process \d+/.test(l))).toBe(true);
    expect(lines.some((l) => l.includes("CONSTRAINT_NONE"))).toBe(true);
  });

  it("can be followed in the trace, with Linux's events and formats", () => {
    const { sys, child } = machine();
    const on = (e: string): void => void sys.writeFile(`/sys/kernel/tracing/events/${e}/enable`, "1");
    for (const e of ["vmscan/mm_vmscan_memcg_reclaim_begin", "vmscan/mm_vmscan_memcg_reclaim_end", "oom/mark_victim"])
      on(e);
    on("vmscan/mm_vmscan_lru_shrink_inactive");
    child.writeFile("/d/a", new Uint8Array(MIB));
    sys.writeFile(`${G}/memory.reclaim`, "256K");
    // kernel memory alone is more than that
    sys.writeFile(`${G}/memory.max`, "0");
    const text = sys.readText("/sys/kernel/tracing/trace");
    expect(text).toMatch(/mm_vmscan_memcg_reclaim_begin: order=0 gfp_flags=GFP_HIGHUSER_MOVABLE/);
    expect(text).toMatch(
      /mm_vmscan_lru_shrink_inactive: nid=0 nr_scanned=\d+ nr_reclaimed=\d+ .* priority=\d+ flags=RECLAIM_WB_FILE/,
    );
    expect(Number(/reclaim_end: nr_reclaimed=(\d+)/.exec(text)?.[1])).toBeGreaterThanOrEqual(64);
    expect(text).toMatch(
      /mark_victim: pid=\d+ comm=init total-vm=\d+kB anon-rss=\d+kB file-rss:\d+kB shmem-rss:0kB uid=0/,
    );
  });

  it("changes of statistics can be followed too, with Linux's numbers of the counters", () => {
    const kernel = createKernel({ machine: { memory: "32M" } })
      .use(memcg())
      .boot();
    const sys = kernel.sys(kernel.init);
    sys.writeFile("/sys/fs/cgroup/cgroup.subtree_control", "+memory");
    sys.mkdir("/sys/fs/cgroup/g", 0o755);
    const t = kernel.tasks.find(sys.fork());
    sys.writeFile("/sys/fs/cgroup/g/cgroup.procs", String(t?.nr));
    const events = "/sys/kernel/tracing/events/memcg";
    expect(sys.readText(`${events}/memcg_flush_stats/format`)).toContain(
      "\tfield:u64 id;\toffset:8;\tsize:8;\tsigned:0;\n\tfield:s64 stats_updates;\toffset:16;\tsize:8;\tsigned:1;\n" +
        "\tfield:bool force;\toffset:24;\tsize:1;\tsigned:0;\n\tfield:bool needs_flush;\toffset:25;\tsize:1;\tsigned:0;\n",
    );
    sys.writeFile(`${events}/enable`, "1");
    if (t !== null) {
      kernel.sys(t).mmap(0x200000000, 8192, 3, 0x32);
      kernel.sys(t).touch(0x200000000, 2, true);
    }
    sys.readText("/sys/fs/cgroup/g/memory.stat");
    const text = sys.readText("/sys/kernel/tracing/trace");
    // nr_inactive_anon is the first counter of nodes
    expect(text).toMatch(/mod_memcg_lruvec_state: memcg_id=1 item=0 val=[12]\n/);
    expect(text).toMatch(/count_memcg_events: memcg_id=1 item=\d+ val=[12]\n/);
    expect(text).toMatch(/memcg_flush_stats: memcg_id=1 stats_updates=0 force=0 needs_flush=0\n/);
  });

  it("MADV_PAGEOUT puts a process's own pages on swap at once", () => {
    const { kernel, sys, child } = machine({ swap: "8M" });
    child.mmap(AT, MIB, 3, 0x32);
    child.touch(AT, 256, true);
    child.madvise(AT, MIB, 21);
    expect(Number(sys.readText(`${G}/memory.swap.current`))).toBe(MIB);
    checkMemcg(kernel.memcg.system);
  });
});

describe("memory.high and memory.pressure", () => {
  it("a delayed task is a stall: some and full of its group and of the machine", () => {
    const { kernel, sys, task, child } = machine();
    sys.writeFile(`${G}/memory.high`, "2M");
    child.mmap(AT, 8 * MIB, 3, 0x32);
    child.madvise(AT, 8 * MIB, 15);
    void kernel.call(task).touch(AT, 1500, true);
    kernel.run("20s");
    const total = (text: string): number => Number(/^some .*total=(\d+)/m.exec(text)?.[1]);
    const text = sys.readText(`${G}/memory.pressure`);
    expect(total(text)).toBeGreaterThan(1e6);
    expect(Number(/^some avg10=([\d.]+)/.exec(text)?.[1])).toBeGreaterThan(10);
    expect(total(sys.readText("/proc/pressure/memory"))).toBe(total(text));
  });

  it("averages fade with their windows, overlapping stalls count once, and a trigger fires once a window", () => {
    const g = new PsiGroup();
    g.addTrigger("some 100000 1000000", 1, true, false);
    expect(g.stall(1e9, 1.05e9, true)).toBe(false);
    expect(g.stall(1.02e9, 1.2e9, false)).toBe(true);
    expect(g.stall(1.2e9, 1.5e9, false)).toBe(false);
    expect(g.text(2e9)).toMatch(/^some avg10=4\.53 avg60=0\.82 avg300=0\.17 total=500000\nfull .*total=50000\n$/);
    expect(Number(/avg10=([\d.]+)/.exec(g.text(60e9))?.[1])).toBeLessThan(0.05);
    for (const bad of [
      "some 0 1000000",
      "some 2000000 1000000",
      "half 1 1000000",
      " some 1 1000000",
      "some 1 10000001",
    ])
      expect(() => g.addTrigger(bad, 2, true, false), bad).toThrow();
    expect(() => g.addTrigger("full 1000 1000000", 1, true, false)).toThrow();
    // without privilege: whole periods; old kernels: half a second at least
    expect(() => g.addTrigger("some 1 1000000", 3, false, false)).toThrow();
    expect(() => g.addTrigger("some 1 2000000", 3, false, false)).not.toThrow();
    expect(() => g.addTrigger("some 1 499999", 4, true, true)).toThrow();
    expect(() => g.addTrigger("some 1 499999", 4, true, false)).not.toThrow();
  });
});

describe("v1 thresholds", () => {
  it("tell each crossing once, in both directions, and not what is below usage when they are made", () => {
    const { kernel } = machine();
    const told: string[] = [];
    const event = (name: string) => ({ signal: () => void told.push(name) }) as never;
    const t = new Thresholds();
    t.add(10, event("ten"), 15);
    t.add(20, event("twenty"), 15);
    t.check(kernel.core, 15);
    expect(told).toEqual([]);
    t.check(kernel.core, 25);
    t.check(kernel.core, 26);
    t.check(kernel.core, 5);
    expect(told).toEqual(["twenty", "twenty", "ten"]);
  });
});

import { createKernel } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "./checkMemcg.js";
import { memcg } from "./memcg.js";

const MIB = 1 << 20;

const build = () => createKernel({ machine: { cpus: 2, memory: "24M" } }).use(memcg());

/** A machine of 24 MiB with a disk at /d, in v1 with memory at /sys/fs/cgroup/memory. */
function machine(version: 1 | 2 = 2) {
  const kernel = build().boot();
  const sys = kernel.sys(kernel.init);
  let root = "/sys/fs/cgroup";
  if (version === 1) {
    sys.umount2(root, 0);
    sys.mount("tmpfs", root, "tmpfs", 0, "");
    root += "/memory";
    sys.mkdir(root, 0o755);
    sys.mount("cgroup", root, "cgroup", 0, "memory");
  } else sys.writeFile(`${root}/cgroup.subtree_control`, "+memory");
  kernel.vfs.addDisk({ name: "vda", type: "ext4" });
  sys.mkdir("/d", 0o755);
  sys.mount("/dev/vda", "/d", "ext4", 0, "");
  const vmstat = (name: string): number =>
    Number(new RegExp(`^${name} (\\d+)$`, "m").exec(sys.readText("/proc/vmstat"))?.[1]);
  const task = (group?: string) => {
    const t = kernel.tasks.find(sys.fork());
    if (t === null) throw new Error("no child");
    if (group !== undefined) sys.writeFile(`${root}/${group}/cgroup.procs`, String(t.nr));
    return t;
  };
  /** A task fills the cache with so many MiB of a file, one at a time and with time for others between. */
  const fill = (name: string, mib: number, t = task()): void => {
    const call = kernel.call(t);
    for (let i = 0; i < mib; i++) {
      call.writeFile(`/d/${name}${i}`, new Uint8Array(MIB));
      kernel.run("50ms");
    }
  };
  return { kernel, sys, root, vmstat, task, fill };
}

describe("kswapd", () => {
  it("is a thread per node that frees memory in the background, up to the high watermark, and then sleeps", () => {
    const { kernel, sys, vmstat, fill } = machine();
    kernel.run("1ms");
    const thread = kernel.tasks.all().find((t) => t.comm === "kswapd0");
    expect(sys.readText(`/proc/${thread?.nr}/status`)).toMatch(/^State:\tI/m);
    fill("f", 40);
    kernel.run("1s");
    expect(vmstat("pgscan_kswapd")).toBeGreaterThan(1000);
    expect(vmstat("pgsteal_kswapd")).toBeGreaterThan(1000);
    expect(vmstat("pgsteal_kswapd")).toBeLessThanOrEqual(vmstat("pgscan_kswapd"));
    expect(vmstat("pageoutrun")).toBeGreaterThan(0);
    // those who allocate find free pages
    expect(vmstat("allocstall_dma32") + vmstat("allocstall_dma")).toBeLessThan(5);
    expect(kernel.mm.zones.some((z) => z.free >= z.high)).toBe(true);
    expect(sys.readText(`/proc/${thread?.nr}/status`)).toMatch(/^State:\tI/m);
    expect(thread?.se.sumExecNs).toBeGreaterThan(0);
    checkMemcg(kernel.memcg.system);
  });

  it("takes nothing while there is enough, and gives up where nothing can be freed", () => {
    const { kernel, vmstat, fill, task } = machine();
    fill("f", 4);
    expect(vmstat("pgscan_kswapd")).toBe(0);
    // private memory without swap cannot go anywhere
    const t = task();
    kernel.sys(t).mmap(0x200000000, 20 * MIB, 3, 0x32);
    kernel.call(t).touch(0x200000000, 5120, true);
    kernel.run("5s");
    const scanned = vmstat("pgscan_kswapd");
    kernel.run("5s");
    expect(vmstat("pgscan_kswapd")).toBe(scanned);
  });

  it("is told of in the trace when it is woken and when it sleeps", () => {
    const { sys, fill } = machine();
    const events = "/sys/kernel/tracing/events/vmscan";
    expect(sys.readText(`${events}/mm_vmscan_wakeup_kswapd/format`)).toContain(
      "\tfield:int nid;\toffset:8;\tsize:4;\tsigned:1;\n\tfield:int zid;\toffset:12;\tsize:4;\tsigned:1;\n" +
        "\tfield:int order;\toffset:16;\tsize:4;\tsigned:1;\n\tfield:unsigned long gfp_flags;\toffset:24;",
    );
    for (const e of ["wakeup_kswapd", "kswapd_wake", "kswapd_sleep"])
      sys.writeFile(`${events}/mm_vmscan_${e}/enable`, "1");
    fill("f", 30);
    const text = sys.readText("/sys/kernel/tracing/trace");
    expect(text).toMatch(/mm_vmscan_wakeup_kswapd: nid=0 order=0 gfp_flags=/);
    expect(text).toMatch(/mm_vmscan_kswapd_wake: nid=0 order=0\n/);
    expect(text).toMatch(/mm_vmscan_kswapd_sleep: nid=0\n/);
  });

  it("sleeps and wakes over a checkpoint", () => {
    const { kernel, vmstat, fill } = machine();
    fill("f", 30);
    const before = vmstat("pgsteal_kswapd");
    const again = build().restore(JSON.parse(JSON.stringify(kernel.checkpoint())));
    const more = (k: typeof kernel): string => {
      for (let i = 0; i < 10; i++) {
        k.call(k.init).writeFile(`/d/g${i}`, new Uint8Array(MIB));
        k.run("50ms");
      }
      return k.digest();
    };
    expect(more(again)).toBe(more(kernel));
    expect(vmstat("pgsteal_kswapd")).toBeGreaterThan(before);
  });
});

describe("a soft limit (v1)", () => {
  it("is no limit while memory is free, and the first to pay when it is not", () => {
    const { kernel, sys, root, fill, task } = machine(1);
    const usage = (g: string): number => Number(sys.readText(`${root}/${g}/memory.usage_in_bytes`)) / MIB;
    for (const g of ["soft", "free"]) sys.mkdir(`${root}/${g}`, 0o755);
    sys.writeFile(`${root}/soft/memory.soft_limit_in_bytes`, "1M");
    fill("s", 8, task("soft"));
    expect(usage("soft")).toBeGreaterThan(7);
    fill("f", 40, task("free"));
    kernel.run("1s");
    expect(usage("soft")).toBeLessThan(4);
    expect(usage("free")).toBeGreaterThan(8);
    checkMemcg(kernel.memcg.system);
  });

  it("takes from the group that is furthest above it", () => {
    const { kernel, sys, root, fill, task } = machine(1);
    const usage = (g: string): number => Number(sys.readText(`${root}/${g}/memory.usage_in_bytes`)) / MIB;
    for (const g of ["a", "b", "hog"]) sys.mkdir(`${root}/${g}`, 0o755);
    sys.writeFile(`${root}/a/memory.soft_limit_in_bytes`, "1M");
    sys.writeFile(`${root}/b/memory.soft_limit_in_bytes`, "4M");
    fill("a", 6, task("a"));
    fill("b", 6, task("b"));
    const events = "/sys/kernel/tracing/events/vmscan/mm_vmscan_memcg_softlimit_reclaim";
    for (const e of ["begin", "end"]) sys.writeFile(`${events}_${e}/enable`, "1");
    fill("h", 20, task("hog"));
    kernel.run("1s");
    expect(usage("a")).toBeLessThan(usage("b"));
    expect(sys.readText("/sys/kernel/tracing/trace")).toMatch(
      /mm_vmscan_memcg_softlimit_reclaim_end: nr_reclaimed=[1-9]/,
    );
  });
});

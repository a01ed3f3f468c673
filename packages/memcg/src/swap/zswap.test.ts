import { createKernel, type KernelError, type Task } from "@kernelkit/core";
import { describe, expect, it } from "vitest";
import { checkMemcg } from "../checkMemcg.js";
import { memcg } from "../memcg.js";
import { compressedBytes } from "./compressedBytes.js";

const ROOT = "/sys/fs/cgroup";
const G = `${ROOT}/g`;
const AT = 0x200000000;
const MIB = 1 << 20;

function machine(cmdline = "zswap.enabled=1", swap = "16M") {
  const build = () => createKernel({ machine: { cpus: 1, memory: "32M" }, cmdline }).use(memcg({ swap }));
  const kernel = build().boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile(`${ROOT}/cgroup.subtree_control`, "+memory");
  sys.mkdir(G, 0o755);
  const task = kernel.tasks.find(sys.fork()) as Task;
  sys.writeFile(`${G}/cgroup.procs`, String(task.nr));
  const child = kernel.sys(task);
  child.mmap(AT, 8 * MIB, 3, 0x32);
  child.madvise(AT, 8 * MIB, 15);
  const number = (file: string): number => Number(sys.readText(`${G}/${file}`));
  const stat = (key: string): number =>
    Number(new RegExp(`^${key} (\\d+)$`, "m").exec(sys.readText(`${G}/memory.stat`))?.[1]);
  return { build, kernel, sys, child, number, stat };
}
const reclaim = (sys: { writeFile(p: string, t: string): unknown }, size: string): string => {
  try {
    sys.writeFile(`${G}/memory.reclaim`, size);
    return "";
  } catch (e) {
    return (e as KernelError).code;
  }
};

describe("zswap", () => {
  it("keeps pages compressed in memory that their group pays for, with their slots on swap", () => {
    const { kernel, sys, child, number, stat } = machine();
    child.touch(AT, 1024, true);
    const before = number("memory.current");
    sys.writeFile(`${G}/memory.reclaim`, "2M");
    const pages = number("memory.swap.current") / 4096;
    expect(pages).toBeGreaterThanOrEqual(512);
    expect(stat("zswapped")).toBe(pages * 4096);
    expect(stat("zswap")).toBe(pages * 1365);
    expect(number("memory.zswap.current")).toBe(pages * 1365);
    expect(stat("zswpout")).toBe(pages);
    expect(stat("pswpout")).toBe(0);
    expect(stat("kernel")).toBeGreaterThan(stat("zswap"));
    expect(number("memory.current")).toBeLessThan(before - (pages * 4096) / 2);
    expect(sys.readText("/proc/meminfo")).toMatch(new RegExp(`^Zswapped: +${pages * 4} kB$`, "m"));
    checkMemcg(kernel.memcg.system);
    // and back, without a read from swap
    child.touch(AT, 1024, true);
    expect([stat("zswpin"), stat("pswpin"), number("memory.zswap.current"), number("memory.swap.current")]).toEqual([
      pages,
      0,
      0,
      0,
    ]);
    checkMemcg(kernel.memcg.system);
  });

  it("keeps what pages hold; pages of zeros are kept nowhere, and what does not compress goes to swap", () => {
    const { sys, child, stat } = machine();
    child.store(
      AT + 64 * 4096,
      new Uint8Array(4096).map((_, i) => (i * 167 + (i >> 3) * 91) & 255),
    );
    for (let i = 0; i < 64; i++) child.store(AT + i * 4096, `page ${i}`);
    sys.writeFile(`${G}/memory.reclaim`, "256K");
    expect(stat("zswpout")).toBeGreaterThanOrEqual(60);
    expect(stat("zswap")).toBeLessThan(66 * 100 + 1365 * 4);
    expect(stat("pswpout")).toBe(1);
    for (let i = 0; i < 64; i++)
      expect(new TextDecoder().decode(child.load(AT + i * 4096, 6))).toBe(`page ${i}`.slice(0, 6));
  });

  it("is off unless it is asked for, and its parameters are checked", () => {
    const { sys, child, stat } = machine("");
    const P = "/sys/module/zswap/parameters";
    expect(sys.readText(`${P}/enabled`)).toBe("N\n");
    expect(sys.readText(`${P}/max_pool_percent`)).toBe("20\n");
    child.touch(AT, 512, true);
    sys.writeFile(`${G}/memory.reclaim`, "1M");
    expect([stat("zswpout"), stat("pswpout") >= 256]).toEqual([0, true]);
    for (const [file, text] of [
      ["enabled", "maybe"],
      ["max_pool_percent", "x"],
      ["compressor", "gzip"],
    ])
      expect(() => sys.writeFile(`${P}/${file}`, text), file).toThrow("EINVAL");
    sys.writeFile(`${P}/enabled`, "1\n");
    expect(sys.readText(`${P}/enabled`)).toBe("Y\n");
    child.touch(AT, 512, true);
    sys.writeFile(`${G}/memory.reclaim`, "1M");
    expect(stat("zswpout")).toBeGreaterThan(200);
  });

  it("memory.zswap.max: 0 keeps a group out, a limit sends its oldest pages on to the swap area", () => {
    const { sys, child, number, stat, kernel } = machine();
    sys.writeFile(`${G}/memory.zswap.max`, "0");
    child.touch(AT, 1024, true);
    sys.writeFile(`${G}/memory.reclaim`, "1M");
    expect([stat("zswpout"), stat("pswpout") >= 256]).toEqual([0, true]);
    sys.writeFile(`${G}/memory.zswap.max`, "64K");
    expect(sys.readText(`${G}/memory.zswap.max`)).toBe("65536\n");
    sys.writeFile(`${G}/memory.reclaim`, "2M");
    expect(number("memory.zswap.current")).toBeGreaterThan(32 * 1024);
    expect(number("memory.zswap.current")).toBeLessThan(80 * 1024);
    expect(stat("zswpwb")).toBeGreaterThan(0);
    checkMemcg(kernel.memcg.system);
  });

  it("memory.zswap.writeback 0, here or above, keeps pages off the swap area", () => {
    const { sys, child, stat, number } = machine();
    sys.writeFile(`${G}/memory.zswap.writeback`, "0");
    sys.writeFile(`${G}/memory.zswap.max`, "0");
    child.touch(AT, 512, true);
    expect(reclaim(sys, "1M")).toBe("EAGAIN");
    expect(number("memory.swap.current")).toBe(0);
    sys.writeFile(`${G}/memory.zswap.max`, "max");
    expect(reclaim(sys, "1M")).toBe("");
    expect([stat("pswpout"), stat("zswpwb")]).toEqual([0, 0]);
  });

  it("sends its oldest pages to the swap area when the pool is full, until it is at the accept threshold", () => {
    const { kernel, sys, child, stat } = machine("zswap.enabled=1 zswap.max_pool_percent=1");
    child.touch(AT, 2048, true);
    reclaim(sys, "6M");
    const max = Math.floor(kernel.mm.totalram / 100) * 4096;
    expect(stat("zswap")).toBeLessThanOrEqual(max + 4096);
    expect(stat("zswpwb")).toBeGreaterThan(0);
    checkMemcg(kernel.memcg.system);
  });

  it("survives a checkpoint", () => {
    const { build, kernel, sys, child } = machine();
    child.touch(AT, 512, true);
    reclaim(sys, "1M");
    const again = build().restore(JSON.parse(JSON.stringify(kernel.checkpoint())));
    const read = (k: typeof kernel): string => k.sys(k.init).readText(`${G}/memory.stat`);
    expect(read(again)).toBe(read(kernel));
    checkMemcg(again.memcg.system);
  });

  it("sizes of compressed pages: runs are nothing, text less than half, noise does not get smaller", () => {
    expect(compressedBytes(null)).toBeLessThan(64);
    expect(compressedBytes(7)).toBeLessThan(64);
    const text = new TextEncoder().encode("the quick brown fox jumps over the lazy dog. ".repeat(92)).subarray(0, 4096);
    expect(compressedBytes(text)).toBeGreaterThan(1000);
    expect(compressedBytes(text)).toBeLessThan(2600);
    let x = 1;
    const noise = new Uint8Array(4096).map(() => {
      x = (x * 1103515245 + 12345) & 0x7fffffff;
      return x >> 16;
    });
    expect(compressedBytes(noise)).toBe(4096);
  });
});

/** The package as its users see it: policies, migration, faults that move pages, userfaultfd, and that nothing is lost by a checkpoint. */
import {
  type CoreSys,
  createKernel,
  KernelError,
  MAP_ANONYMOUS,
  MAP_FIXED,
  MAP_PRIVATE,
  MPOL_BIND,
  MPOL_INTERLEAVE,
  MPOL_MF_MOVE,
  MPOL_PREFERRED,
  PROT_READ,
  PROT_WRITE,
  type Program,
  program,
} from "@kernelkit/core";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { migrationPairs, mpolRelativeNodemask, type NumaSys, nodesRemap, numa } from "./index.js";

const AT = 0x200000000;
const P = 4096;
const RW = PROT_READ | PROT_WRITE;
const FIXED = MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED;

const build = (memory: readonly string[] = ["64M", "64M", "64M"]) =>
  createKernel({
    machine: { cpus: memory.length, nodes: memory.length, nodeMemory: memory, cpuNode: memory.map((_, i) => i) },
    cmdline: "transparent_hugepage=never",
  }).use(numa());

function errno(f: () => unknown): string {
  try {
    f();
    return "";
  } catch (e) {
    if (e instanceof KernelError) return e.code;
    throw e;
  }
}

const sweeper = program("sweeper", function* (sys: Program<CoreSys & NumaSys>, s: { pages: number; ready?: boolean }) {
  if (!s.ready) {
    yield* sys.sched_setaffinity(0, [0]);
    yield* sys.mmap(AT, s.pages * P, RW, FIXED, -1, 0);
    yield* sys.touch(AT, s.pages, true);
    yield* sys.sched_setaffinity(0, [1]);
    s.ready = true;
  }
  for (;;) {
    yield* sys.restPoint(s);
    yield* sys.touch(AT, s.pages, true);
    yield* sys.compute(1e6);
  }
});

describe("numa", () => {
  it("a failed mbind with MPOL_MF_STRICT leaves the old policy and the pages where they were", () => {
    const k = build().boot();
    const sys = k.sys(k.init);
    sys.mmap(AT, 4 * P, RW, FIXED, -1, 0);
    sys.mbind(AT, 4 * P, MPOL_PREFERRED, [1], 64, 0);
    sys.touch(AT, 4, true);
    expect(errno(() => sys.mbind(AT, 4 * P, MPOL_BIND, [2], 64, 1))).toBe("EIO");
    expect(sys.get_mempolicy("mode", "mask", 64, AT, 2)).toEqual({ mode: MPOL_PREFERRED, nodes: [1] });
    expect(sys.move_pages(0, [AT, AT + P], null, 0).status).toEqual([1, 1]);
  });

  it("areas that two calls of mbind gave equal policies are one area", () => {
    const k = build().boot();
    const sys = k.sys(k.init);
    sys.mmap(AT, 4 * P, RW, FIXED, -1, 0);
    sys.mbind(AT, P, MPOL_BIND, [1], 64, 0);
    const areas = (): number => (k.init.mm?.vmas ?? []).filter((v) => v.start >= AT && v.end <= AT + 4 * P).length;
    expect(areas()).toBe(2);
    sys.mbind(AT + P, P, MPOL_BIND, [1], 64, 0);
    expect(areas()).toBe(2);
    sys.mbind(AT + 2 * P, P, MPOL_BIND, [2], 64, 0);
    expect(areas()).toBe(3);
  });

  it("bad arguments give an errno or a TypeError, and change nothing", () => {
    const k = build().boot();
    const sys = k.sys(k.init);
    sys.set_mempolicy(MPOL_BIND, [1], 64);
    expect(errno(() => sys.set_mempolicy(99, [0], 64))).toBe("EINVAL");
    expect(errno(() => sys.set_mempolicy(MPOL_BIND, "EFAULT", 64))).toBe("EFAULT");
    expect(errno(() => sys.mbind(AT, P, MPOL_BIND, [0], 64, 0))).toBe("EFAULT");
    expect(errno(() => sys.move_pages(12345, [AT], [0], MPOL_MF_MOVE))).toBe("ESRCH");
    expect(() => sys.set_mempolicy(MPOL_BIND, "0" as never, 64)).toThrow(TypeError);
    expect(sys.get_mempolicy("mode", "mask", 64, 0, 0)).toEqual({ mode: MPOL_BIND, nodes: [1] });
    expect(() => numa({ strategy: "magic" as never })).toThrow(RangeError);
    expect(() => numa({ magic: 1 } as never)).toThrow(TypeError);
  });

  it("interleaved pages differ by at most one between nodes, wherever the area begins and in whatever order it is touched", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 50 }),
        fc.integer({ min: 1, max: 40 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 2 }), { minLength: 1 }),
        (skip, pages, nodes) => {
          const k = build().boot();
          const sys = k.sys(k.init);
          const at = AT + skip * P;
          sys.mmap(at, pages * P, RW, FIXED, -1, 0);
          sys.mbind(at, pages * P, MPOL_INTERLEAVE, nodes, 64, 0);
          for (let i = pages - 1; i >= 0; i--) sys.touch(at + i * P, 1, true);
          const { status } = sys.move_pages(
            0,
            Array.from({ length: pages }, (_, i) => at + i * P),
            null,
            0,
          );
          const counts = nodes.map((n) => status.filter((s) => s === n).length);
          expect(counts.reduce((a, b) => a + b, 0)).toBe(pages);
          expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
          for (let n = 0; n < 3; n++) {
            const [hit, miss, , , local, other] = sys
              .readText(`/sys/devices/system/node/node${n}/numastat`)
              .split("\n")
              .map((l) => Number(l.split(" ")[1]));
            expect(local + other).toBe(hit + miss);
          }
        },
      ),
      { numRuns: 25 },
    );
  });

  it("remapped and relative node sets stay inside the allowed nodes", () => {
    const set = fc.uniqueArray(fc.integer({ min: 0, max: 12 }), { minLength: 1 }).map((a) => a.sort((x, y) => x - y));
    fc.assert(
      fc.property(set, set, (user, allowed) => {
        for (const n of mpolRelativeNodemask(user, allowed)) expect(allowed).toContain(n);
        for (const n of nodesRemap(user, user, allowed)) expect(allowed).toContain(n);
        for (const [s, d] of migrationPairs(user, allowed))
          expect([user.includes(s), allowed.includes(d)]).toEqual([true, true]);
      }),
      { numRuns: 100 },
    );
  });

  it("pages of a task that has moved to another node follow it, each once, and are not armed again", () => {
    const k = build(["128M", "128M"]).boot();
    k.spawn(sweeper, { pages: 2000 });
    k.run("8s");
    const vmstat = (name: string): number =>
      Number(new RegExp(`^${name} (\\d+)`, "m").exec(k.sys(k.init).readText("/proc/vmstat"))?.[1]);
    expect(vmstat("numa_pages_migrated")).toBeGreaterThanOrEqual(2000);
    expect(vmstat("numa_pages_migrated")).toBeLessThan(2100);
    expect(vmstat("numa_hint_faults_local")).toBeLessThan(50);
    const before = vmstat("numa_hint_faults");
    k.run("8s");
    expect(vmstat("numa_hint_faults") - before).toBeLessThan(50);
  });

  it("a checkpoint in the middle of balancing goes on as the kernel it was taken from", () => {
    const k = build(["128M", "128M"]).boot();
    k.spawn(sweeper, { pages: 500 });
    k.run("1.2s");
    const saved = JSON.parse(JSON.stringify(k.checkpoint()));
    k.run("3s");
    const again = build(["128M", "128M"]).restore(saved, [sweeper]);
    again.run("3s");
    expect(again.digest()).toBe(k.digest());
    expect(again.sys(again.init).readText("/proc/vmstat")).toBe(k.sys(k.init).readText("/proc/vmstat"));
  });
});

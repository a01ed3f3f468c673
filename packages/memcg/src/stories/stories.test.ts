import { describe, expect, it, vi } from "vitest";
import { forkBomb } from "./forkBomb.js";
import { highThrottle } from "./highThrottle.js";
import { hugeZeroPage } from "./hugeZeroPage.js";
import { protection } from "./protection.js";

vi.setConfig({ testTimeout: 60_000 });

describe("fork-bomb: kernel memory's limit", () => {
  it("keeps the bomb inside where a limit is in force, and the host forks on", () => {
    const { numbers: n, table } = forkBomb.run();
    for (const design of [
      "3.8, memory.kmem.limit_in_bytes",
      "4.5, memory.kmem.limit_in_bytes",
      "unified, memory.max",
    ]) {
      expect(n[`made ${design}`], design).toBeGreaterThan(10);
      expect(n[`made ${design}`], design).toBeLessThan(200);
      expect(n[`host ${design}`], design).toBe(20);
      expect(table.rows.find((r) => r[0] === design)?.[2]).toBe("ENOMEM");
    }
    expect(n["made unified, pids.max"]).toBe(63);
    expect(table.rows.find((r) => r[0] === "unified, pids.max")?.[2]).toBe("EAGAIN");
  });

  it("lets the bomb have the machine without a limit, and with the old file on a unified kernel", () => {
    const { numbers: n } = forkBomb.run();
    for (const design of ["3.8, no limit", "4.5, no limit", "unified, memory.kmem.limit_in_bytes"]) {
      expect(n[`made ${design}`], design).toBeGreaterThan(500);
      expect(n[`host ${design}`], design).toBe(0);
    }
  });

  it("of a mapped user stops at that user's limit of processes where nothing else does, and the host forks on", () => {
    const { numbers: n, table } = forkBomb.run({ user: "mapped" });
    expect(n["made 4.5, no limit"]).toBe(299);
    expect(n["host 4.5, no limit"]).toBe(20);
    expect(table.rows.find((r) => r[0] === "4.5, no limit")?.[2]).toBe("EAGAIN");
    expect(n["made 4.5, memory.kmem.limit_in_bytes"]).toBeLessThan(200);
  });
});

describe("huge-zero-page: memory that is only read", () => {
  it("is 200 MiB without the page and less than one with it, and one page serves the machine", () => {
    const { numbers: n } = hugeZeroPage.run();
    expect(n["read THP always, no zero page"]).toBe(200);
    for (const d of ["copied whole", "split at a write"]) {
      expect(n[`read huge zero page, ${d}`]).toBeLessThan(1);
      expect(n[`charged huge zero page, ${d}`]).toBeLessThan(1.5);
      expect(n[`zero pages huge zero page, ${d}`]).toBe(1);
    }
    expect(n["read THP never"]).toBeLessThan(1);
  });

  it("costs 2 MiB a block at the first write where it is copied whole, and a page where it is split", () => {
    const { numbers: n } = hugeZeroPage.run();
    expect(n["written huge zero page, copied whole"]).toBe(20);
    expect(n["written huge zero page, split at a write"]).toBeCloseTo(10 / 256, 3);
    expect(n["written table of small zero pages (virtual)"]).toBeCloseTo(10 / 256, 3);
  });

  it("keeps the page after its last user until the shrinker comes; the virtual design pays in page tables instead", () => {
    const { numbers: n } = hugeZeroPage.run();
    expect(n["held huge zero page, copied whole"]).toBe(2);
    expect(n["shrunk huge zero page, copied whole"]).toBe(0);
    expect(n["held table of small zero pages (virtual)"]).toBe(0);
    expect(n["tables table of small zero pages (virtual)"]).toBeGreaterThanOrEqual(400);
  });
});

describe("memory-min: sharing protection", () => {
  it("keeps what the parent protects, shared by what the children use of what they ask", () => {
    const { numbers: n } = protection.run();
    expect(n.parent).toBeGreaterThan(47);
    expect(n.parent).toBeLessThan(54);
    expect(Math.abs(n.first - 29)).toBeLessThanOrEqual(5);
    expect(Math.abs(n.second - 21)).toBeLessThanOrEqual(5);
    expect(n.third).toBeLessThan(3);
  });

  it("with memory_recursiveprot gives what nobody claims to those who use it", () => {
    const { numbers: n } = protection.run({ first: 0, second: 0, recursive: "yes" });
    expect(n.parent).toBeGreaterThan(47);
    expect(n.third).toBeGreaterThan(10);
  });
});

describe("memory-high: the brake", () => {
  it("is not felt below the line and grows with the square of the overage above it", () => {
    const { numbers: n, series } = highThrottle.run();
    expect(n.below).toBeLessThan(5);
    expect(n.last).toBeGreaterThan(1000);
    const delays = series[0].y.slice(1);
    expect([...delays].sort((a, b) => a - b)).toEqual(delays);
  });
});

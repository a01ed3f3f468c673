import { describe, expect, it } from "vitest";
import { buildMachine } from "./machine.js";
import { DEFAULT_SPEC, PACKAGES, parseDistances, programText } from "./spec.js";

describe("the machine builder", () => {
  it("boots the machine that its program builds, to the same digest", () => {
    const a = buildMachine({ ...DEFAULT_SPEC, nodes: 2 });
    expect(buildMachine({ ...DEFAULT_SPEC, nodes: 2 }).digest).toBe(a.digest);
    expect(a.bootLog).toContain("Linux version");
    expect(a.columnsMiB).toBeGreaterThan(1);
  });

  it("prints only the packages that are on", () => {
    const text = programText({ ...DEFAULT_SPEC, packages: ["memcg"] });
    expect(text).toContain('import { memcg } from "@kernelkit/memcg"');
    for (const p of PACKAGES) if (p.name !== "memcg") expect(text).not.toContain(`/${p.name}"`);
  });

  it("refuses what no machine can be, and names it", () => {
    expect(() => buildMachine({ ...DEFAULT_SPEC, cpus: 0 })).toThrow(/cpus/);
    expect(() => buildMachine({ ...DEFAULT_SPEC, nodes: 2, distances: [[10]] })).toThrow(/distances/);
    expect(() => buildMachine({ ...DEFAULT_SPEC, packages: ["no such"] })).toThrow(/no such/);
    expect(parseDistances("10 9\n20 10")).toContain("row 1");
    expect(parseDistances("10 20\n20,10")).toEqual([
      [10, 20],
      [20, 10],
    ]);
  });
});

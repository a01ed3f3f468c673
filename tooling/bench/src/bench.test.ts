import { describe, expect, it } from "vitest";
import type { Benchmark } from "./benchmark.js";
import { bytesPerObject, randomly } from "./helpers.js";
import { measureBenchmark, median } from "./measure.js";
import { nativeNs, nativeVerbs } from "./native.js";
import { jsonReport, rate, rows } from "./report.js";
import { simjsWakeups, simscriptWakeups } from "./simulators.js";

const benchmark = (over: Partial<Benchmark>): Benchmark =>
  ({ name: "b", unit: "op", timed: () => 100, ...over }) as Benchmark;

describe("a benchmark", () => {
  it("is measured beside its peers: a ratio above 1 means that ours does more per second", async () => {
    const result = await measureBenchmark(
      "core",
      benchmark({ target: 5e6, bytesPer: { task: 120 }, peers: [{ name: "slow", target: 2, timed: () => 300 }] }),
      1,
    );
    expect(JSON.parse(jsonReport([result]))).toEqual({
      results: [
        {
          package: "core",
          name: "b",
          opsPerSecond: 1e7,
          unit: "op",
          bytesPer: { task: 120 },
          target: 5e6,
          peers: [{ name: "slow", opsPerSecond: 1e9 / 300, ratio: 3, target: 2 }],
        },
      ],
    });
    expect(rows(result)).toMatch(/10\.0 M\/s.*meets 5\.00 M\/s\n {4}120 bytes per task\n {4}slow.*x3\.00 {2}meets x2$/);
  });

  it("takes the better of two interleaved passes, each the median of its rounds", async () => {
    const order: string[] = [];
    const rounds = [9, 10, 50, 7, 8, 9];
    const result = await measureBenchmark(
      "core",
      benchmark({
        timed: () => {
          order.push("ours");
          return rounds.shift() as number;
        },
        peers: [{ name: "peer", timed: () => order.push("peer") && 1 }],
      }),
      1,
    );
    expect(result.opsPerSecond).toBe(1e9 / 8);
    expect(result.noise).toBe((10 - 8) / 8);
    expect(order.join(" ")).toBe("ours ours ours peer peer peer ours ours ours peer peer peer");
  });

  it("shows a peer that is not there as absent, with null in the JSON", async () => {
    const missing = async (): Promise<never> => {
      throw Object.assign(new Error("no such package"), { code: "ERR_MODULE_NOT_FOUND" });
    };
    const result = await measureBenchmark(
      "core",
      benchmark({
        peers: [
          { name: "library", setup: missing },
          { name: "program", subprocess: { command: "/nonexistent/program" } },
          { name: "other", absent: "not in the registry" },
        ],
      }),
      1,
    );
    expect(result.peers.map((p) => [p.opsPerSecond, p.ratio, p.absent])).toEqual([
      [null, null, "not installed"],
      [null, null, "/nonexistent/program not found"],
      [null, null, "not in the registry"],
    ]);
    expect(jsonReport([result])).not.toContain("absent");
    expect(rows(result)).toContain("absent: not in the registry");
  });

  it("fails when a peer breaks for another reason", async () => {
    const broken = (): never => {
      throw new TypeError("wrong use");
    };
    await expect(measureBenchmark("core", benchmark({ peers: [{ name: "p", setup: broken }] }), 1)).rejects.toThrow(
      "wrong use",
    );
  });

  it("divides a run by the operations in it", async () => {
    const one = await measureBenchmark("core", { name: "b", unit: "op", run: () => Math.sqrt(2) }, 5);
    const per = await measureBenchmark("core", { name: "b", unit: "op", per: 1000, run: () => Math.sqrt(2) }, 5);
    expect(per.opsPerSecond).toBeGreaterThan(one.opsPerSecond * 10);
  });

  it("reads the last number that a subprocess prints", async () => {
    const subprocess = { command: process.execPath, arguments: ["-e", "console.log('run 2', 12.5)"] };
    const result = await measureBenchmark("core", benchmark({ peers: [{ name: "p", subprocess }] }), 1);
    expect(result.peers[0]?.opsPerSecond).toBe(1e9 / 12.5);
  });
});

describe("the real kernel as a peer", () => {
  const verbs = nativeVerbs();

  it.runIf(verbs.length > 0)("answers each verb with a time, and leaves nothing behind", () => {
    for (const verb of ["getppid", "open-read-close", "fault"]) expect(nativeNs(verb)).toBeGreaterThan(0);
    expect(nativeNs("no-such-verb")).toBe("no such verb: no-such-verb");
  });
});

describe("the simulators of the registry", () => {
  it("run to their end", async () => {
    expect(await simjsWakeups(10, 1000).timed()).toBeGreaterThan(0);
    expect(await simscriptWakeups(10, 1000).timed()).toBeGreaterThan(0);
  });
});

describe("helpers", () => {
  it("random numbers are the same for the same seed", () => {
    const [a, b] = [randomly(3), randomly(3)];
    const numbers = Array.from({ length: 100 }, a);
    expect(numbers).toEqual(Array.from({ length: 100 }, b));
    expect(new Set(numbers).size).toBe(100);
    expect(Math.min(...numbers)).toBeGreaterThanOrEqual(0);
  });

  it("bytes per object are the object's, nearly", () => {
    const bytes = bytesPerObject(1000, (count) => Array.from({ length: count }, () => new Uint8Array(4096)));
    // What else the process has freed or made meanwhile is in it too.
    expect(bytes).toBeGreaterThan(4096 * 0.8);
    expect(bytes).toBeLessThan(4096 * 1.3);
  });

  it("median and rates read as expected", () => {
    expect(median([3, 1, 2])).toBe(2);
    expect([rate(12), rate(999.9), rate(33_212_000), rate(2.5e9)]).toEqual(["12.0", "1.00 k", "33.2 M", "2.50 G"]);
  });
});

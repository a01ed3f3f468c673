import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { BundleFolder } from "./bundle.js";
import { loadSweep } from "./load.js";
import { readResultSet } from "./results/digest.js";
import { QUICK, recordsOf, TestFolder } from "./testing/sweeps.js";

const folder = new TestFolder();
afterAll(() => folder.close());

describe("a sweep in threads", () => {
  it("has a result for every run, the same set every time", async () => {
    const loaded = await folder.quick();
    const a = await folder.run(loaded, folder.file("a.jsonl"));
    expect(a).toMatchObject({ done: 60, failed: 0, total: 60, complete: true, ran: 60 });
    const b = await folder.run(loaded, folder.file("b.jsonl"));
    expect(b.digest).toBe(a.digest);
    expect((await readResultSet(folder.file("a.jsonl"))).digest()).toBe(a.digest);
    const [line] = await recordsOf(folder.file("a.jsonl"));
    expect(line.versions).toMatchObject({ "@kernelkit/core": expect.any(String), code: loaded.bundle.hash });
  });

  it("resumed does what is missing, runs nothing twice and comes to the same set", async () => {
    const loaded = await folder.quick();
    const whole = folder.file("a.jsonl");
    const out = folder.file("half.jsonl");
    const lines = readFileSync(whole, "utf8").split("\n");
    writeFileSync(out, `${lines.slice(0, 25).join("\n")}\n${lines[25].slice(0, 40)}`);
    await expect(folder.run(loaded, out)).rejects.toThrow(/there already; resume it/);
    const report = await folder.run(loaded, out, { resume: true });
    expect(report).toMatchObject({ complete: true, ran: 35, digest: (await readResultSet(whole)).digest() });
    expect((await folder.run(loaded, out, { resume: true })).ran).toBe(0);
  });

  it("that grows keeps its results; results of other sweeps in the file do not count", async () => {
    const out = folder.file("grown.jsonl");
    await folder.run(await folder.quick({ seeds: 1 }), out);
    appendFileSync(out, '{"id":"other","status":"ok","parameters":{},"measures":{}}\n');
    const report = await folder.run(await folder.quick({ seeds: 2 }), out, { resume: true });
    expect(report).toMatchObject({ done: 40, total: 40, ran: 20, complete: true });
  });

  it("ended early keeps what was done and says that it is not complete", async () => {
    const stop = new AbortController();
    const loaded = await folder.quick({ set: { ms: 5 } });
    const out = folder.file("early.jsonl");
    const report = await folder.run(loaded, out, {
      signal: stop.signal,
      onResult: (_, p) => p.done === 10 && stop.abort(),
    });
    expect(report.complete).toBe(false);
    expect(report.done).toBeGreaterThanOrEqual(10);
    expect((await recordsOf(out)).length).toBe(report.done);
    expect(await folder.run(loaded, out, { resume: true })).toMatchObject({ complete: true, ran: 60 - report.done });
  });

  it("survives runs that throw, never end, wait for ever, exit and fill the memory", async () => {
    const odd = { space: { odd: ["none", "throws", "endless", "hangs", "exits", "fills"] }, set: { a: 1 }, seeds: 2 };
    // long enough to fill the memory on a busy machine
    const limits = { wallMs: 1500, memoryMb: 64 };
    const loaded = await folder.quick({ ...odd, limits, attempts: 2 } as never);
    const out = folder.file("odd.jsonl");
    const a = await folder.run(loaded, out);
    expect(a).toMatchObject({ complete: true, done: 12, failed: 10 });
    const of = new Map((await recordsOf(out)).map((r) => [r.parameters.odd, r.outcome]));
    expect(of.get("none")).toMatchObject({ status: "ok" });
    expect(of.get("throws")).toMatchObject({ status: "failed", error: expect.stringMatching(/does not like this/) });
    expect(of.get("endless")).toEqual({ status: "timeout", error: "not done within 1500 ms of real time" });
    expect(of.get("hangs")).toEqual(of.get("endless"));
    expect(of.get("exits")).toMatchObject({ status: "crashed", error: expect.stringMatching(/exit/) });
    expect(of.get("fills")).toMatchObject({ status: "crashed", error: expect.stringMatching(/memory/) });
    expect((await folder.run(loaded, folder.file("odd2.jsonl"))).digest).toBe(a.digest);
    // another try of those that another try may change, and of no others
    expect((await folder.run(loaded, out, { resume: true, retry: true })).ran).toBe(8);
  });

  it.runIf(existsSync("/dev/full"))("stops with the reason when the disk is full", async () => {
    await expect(folder.run(await folder.quick(), "/dev/full")).rejects.toMatchObject({ code: "ENOSPC" });
  });
});

describe("a sweep file", () => {
  it("may change around its scenario without making results void", async () => {
    const text = readFileSync(QUICK, "utf8");
    const at = QUICK.replace("quickSweep", "changedSweep");
    const bundles = new BundleFolder();
    const hashes: string[] = [];
    try {
      for (const changed of [text.replace("steps: 10", "steps: 5"), text.replace("(a - 3)", "(a - 4)")]) {
        writeFileSync(at, changed);
        hashes.push((await loadSweep(at, bundles)).bundle.hash);
      }
      hashes.push((await folder.quick()).bundle.hash);
    } finally {
      bundles.close();
      rmSync(at);
    }
    expect(hashes[0]).toBe(hashes[2]);
    expect(hashes[1]).not.toBe(hashes[2]);
  });

  it("of JSON names a story by module and export", async () => {
    const file = folder.file("story.json");
    const module = new URL("./testing/quickSweep.ts", import.meta.url).pathname;
    const sweep = { scenario: { module, export: "scenario" }, space: { a: { from: 0, to: 4 } } };
    const design = { kind: "latin-hypercube", points: 8 };
    writeFileSync(file, JSON.stringify({ ...sweep, design, seeds: 2 }));
    const { plan, bundle } = await loadSweep(file, folder.bundles, { set: { b: 5 } });
    expect(plan.length).toBe(16);
    expect(await folder.run({ plan, bundle }, folder.file("story.jsonl"))).toMatchObject({ complete: true, failed: 0 });
    writeFileSync(file, JSON.stringify({ ...sweep, designs: "grid" }));
    await expect(loadSweep(file, folder.bundles)).rejects.toThrow(/story\.json: designs: /);
    writeFileSync(file, JSON.stringify({ ...sweep, scenario: { module: "no-such-package" } }));
    await expect(loadSweep(file, folder.bundles)).rejects.toThrow(/no-such-package/);
  });
});

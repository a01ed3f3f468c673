import { expect, test } from "vitest";
import { corruption } from "./corruption.js";
import { powerCut } from "./powerCut.js";
import { staleBlocks } from "./staleBlocks.js";
import { throttling } from "./throttling.js";

test("pages changed in flight break checksums, mirrors, parity and extents, unless somebody waits or copies", () => {
  const { numbers: n } = corruption.run({ pages: 64 });
  // some 13 of 64 pages had been read when they were all changed
  for (const what of ["checksums", "squeezed"]) expect(n[`none.none.${what}`]).toBeGreaterThan(30);
  for (const what of ["mirror", "parity"]) expect(n[`none.none.${what}`]).toBeGreaterThan(10);
  expect(n["none.none.waited"]).toBe(0);
  expect([n["none.optional.mirror"], n["none.optional.parity"], n["none.optional.copied"]]).toEqual([0, 0, 64]);
  for (const design of ["always.none", "bdi-flag.required", "pg-stable.required", "modern.required"]) {
    for (const what of ["checksums", "mirror", "parity", "squeezed"]) expect(n[`${design}.${what}`], design).toBe(0);
    expect(n[`${design}.waited`]).toBeGreaterThan(1);
  }
  expect(n["user-settable.required.checksums"]).toBeGreaterThan(30);
});

test("a power cut tears at most the page it meets, and never loses what fsync promised", () => {
  const { numbers: n } = powerCut.run({ cuts: 100 });
  expect([n["modern.lost"], n["none.lost"], n["modern.third"]]).toEqual([0, 0, 0]);
  expect(n["modern.torn"]).toBeLessThanOrEqual(100);
  expect(n["modern.torn"]).toBeGreaterThan(0);
  expect(n["modern.first"] + n["modern.second"] + n["modern.torn"]).toBe(800);
  expect(n["none.torn"]).toBeGreaterThan(n["modern.torn"]);
  const cached = powerCut.run({ cuts: 50, cacheKib: 64 }).numbers;
  expect(cached["modern.lost"]).toBe(0);
});

test("blocks that are not hidden make first writes faster and show the deleted file", () => {
  const { numbers: n } = staleBlocks.run({ writes: 100 });
  expect(n.speedup).toBeGreaterThan(1.5);
  expect(n["off.exposed"]).toBe(0);
  expect(n["3.7.exposed"]).toBeGreaterThan(1000);
});

test("computed pauses are shorter and fairer than writing pages oneself", () => {
  const { numbers: n } = throttling.run({ seconds: 10, mibPerSecond: 10, dirtyMib: 16 });
  expect(n["control-loop.longest"]).toBeLessThan(n["writer-writeback.longest"]);
  expect(n["control-loop.requests"]).toBeLessThan(n["writer-writeback.requests"]);
  expect(n["control-loop.unfair"]).toBeLessThan(1.5);
  expect(() => throttling.run({ writers: 0 })).toThrow(/writers/);
});

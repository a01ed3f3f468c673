import { describe, expect, it } from "vitest";
import { Rng } from "./rng.js";

describe("the random generator", () => {
  it("is xoshiro128**: from the state 1 2 3 4 it draws the published sequence", () => {
    const r = new Rng(0);
    r.state.set([1, 2, 3, 4]);
    expect([r.uint32(), r.uint32(), r.uint32(), r.uint32()]).toEqual([11520, 0, 5927040, 70819200]);
  });
  it("the same seed gives the same stream, another seed another", () => {
    const draw = (r: Rng): number[] => Array.from({ length: 8 }, () => r.uint32());
    expect(draw(new Rng(1))).toEqual(draw(new Rng("1")));
    expect(draw(new Rng(1))).not.toEqual(draw(new Rng(2)));
    expect(draw(new Rng("ab"))).not.toEqual(draw(new Rng("ba")));
  });
  it("a fork does not depend on what was drawn, and disturbs nobody", () => {
    const a = new Rng(7);
    const first = a.fork("numa").uint32();
    const next = a.uint32();
    const b = new Rng(7);
    expect(b.uint32()).toBe(next);
    expect(b.fork("numa").uint32()).toBe(first);
    expect(b.fork("memcg").uint32()).not.toBe(first);
    expect(b.fork("a").fork("b").uint32()).not.toBe(b.fork("b").fork("a").uint32());
  });
  it("below(n) stays below n and reaches every value about equally", () => {
    const r = new Rng("dice");
    const n = new Array(6).fill(0);
    for (let i = 0; i < 60000; i++) n[r.below(6)]++;
    for (const k of n) expect(Math.abs(k - 10000)).toBeLessThan(500);
    for (let i = 0; i < 1000; i++) expect(r.below(3e9)).toBeLessThan(3e9);
    expect(r.below(1)).toBe(0);
    let large = 0;
    for (let i = 0; i < 100; i++) large = Math.max(large, r.below(2 ** 53));
    expect(large).toBeGreaterThan(2 ** 52);
    expect(new Set(Array.from({ length: 200 }, () => r.below(2 ** 31))).size).toBe(200);
    expect(Array.from({ length: 64 }, () => r.below(2 ** 32)).some((x) => x >= 2 ** 31)).toBe(true);
  });
  it("below refuses what is no count", () => {
    for (const n of [0, -1, 1.5, Number.NaN, 2 ** 54]) expect(() => new Rng(1).below(n)).toThrow(RangeError);
  });
  it("float is in [0, 1) with a mean of a half", () => {
    const r = new Rng(3);
    let sum = 0;
    for (let i = 0; i < 10000; i++) {
      const x = r.float();
      expect(x >= 0 && x < 1).toBe(true);
      sum += x;
    }
    expect(Math.abs(sum / 10000 - 0.5)).toBeLessThan(0.02);
  });
  it("bytes fill a buffer of any length from the same stream", () => {
    const a = new Rng(5).bytes(new Uint8Array(7));
    const b = new Rng(5).bytes(new Uint8Array(8));
    expect([...a]).toEqual([...b.subarray(0, 7)]);
    const w = new Rng(5).uint32();
    expect(new DataView(b.buffer).getUint32(0, true)).toBe(w);
    expect(new Rng(5).bytes(new Uint8Array(0)).length).toBe(0);
  });
  it("its state is plain data: copied, it goes on from there", () => {
    const a = new Rng(9);
    a.uint32();
    const b = new Rng(9);
    b.state.set(a.state);
    expect(b.uint32()).toBe(a.uint32());
  });
});

/** Lists of frames. */
import { describe, expect, it } from "vitest";
import { type LruEnds, listAdd, listDel, listRotate, listRotateTo } from "./lruList.js";

function list(pages: readonly number[]) {
  const next = new Int32Array(20);
  const prev = new Int32Array(20);
  const ends: LruEnds = { head: new Int32Array(2), tail: new Int32Array(2) };
  for (const p of [...pages].reverse()) listAdd(next, prev, ends, 1, p);
  const order = (): number[] => {
    const out: number[] = [];
    for (let p = ends.head[1], before = 0; p !== 0; before = p, p = next[p]) {
      expect(prev[p]).toBe(before);
      out.push(p);
    }
    expect(ends.tail[1]).toBe(out[out.length - 1] ?? 0);
    return out;
  };
  return { next, prev, ends, order };
}

describe("lists of frames", () => {
  it("add at the head, take from anywhere, and make a page the newest", () => {
    const { next, prev, ends, order } = list([1, 2, 3, 4]);
    expect(order()).toEqual([1, 2, 3, 4]);
    listDel(next, prev, ends, 1, 4);
    listDel(next, prev, ends, 1, 1);
    listRotate(next, prev, ends, 1, 3);
    expect(order()).toEqual([3, 2]);
    listDel(next, prev, ends, 1, 3);
    listDel(next, prev, ends, 1, 2);
    expect(order()).toEqual([]);
  });

  it("turn so that what was behind a page comes first", () => {
    const { next, prev, ends, order } = list([1, 2, 3, 4, 5]);
    listRotateTo(next, prev, ends, 1, 3);
    expect(order()).toEqual([4, 5, 1, 2, 3]);
    listRotateTo(next, prev, ends, 1, 3);
    expect(order()).toEqual([4, 5, 1, 2, 3]);
  });
});

/** Lists of frames. */
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { BLOCK, type LruEnds, LruLists, lruEnds } from "./lruList.js";

const FRAMES = 400;
const RUNS = Number(process.env.FC_RUNS ?? 100);

function order(lists: LruLists, ends: LruEnds, lru: number): number[] {
  const out: number[] = [];
  lists.forEach(ends, lru, (pfn, place) => {
    expect(lists.pos[pfn]).toBe(place);
    out.push(pfn);
  });
  expect(ends.entries[lru]).toBe(out.length);
  expect(lists.oldest(ends, lru)).toBe(out.at(-1) ?? 0);
  return out;
}

function list(pages: readonly number[]) {
  const lists = new LruLists(new Int32Array(FRAMES));
  const ends = lruEnds(2);
  for (const p of [...pages].reverse()) lists.add(ends, 1, p);
  return { lists, ends, order: () => order(lists, ends, 1) };
}

/** As reclaim scans: `keep` says of each page whether it stays. */
function scan(lists: LruLists, ends: LruEnds, lru: number, n: number, keep: (pfn: number) => boolean): number[] {
  const seen: number[] = [];
  const first = lists.scanBegin(ends, lru);
  let i = 0;
  for (; i < BLOCK && seen.length < n; i++) {
    const pfn = lists.slots[first + i];
    if (pfn === 0) continue;
    seen.push(pfn);
    if (!keep(pfn)) lists.del(ends, lru, pfn);
  }
  lists.scanEnd(ends, lru, i);
  return seen;
}

describe("lists of frames", () => {
  it("add at the head, take from anywhere, and make a page the newest", () => {
    const { lists, ends, order: now } = list([1, 2, 3, 4]);
    expect(now()).toEqual([1, 2, 3, 4]);
    lists.del(ends, 1, 4);
    lists.del(ends, 1, 1);
    lists.rotate(ends, 1, 3);
    expect(now()).toEqual([3, 2]);
    lists.del(ends, 1, 3);
    lists.del(ends, 1, 2);
    expect(now()).toEqual([]);
  });

  it("are scanned from the tail; what stays comes to the head, newest last seen", () => {
    const { lists, ends, order: now } = list([1, 2, 3, 4, 5]);
    expect(scan(lists, ends, 1, 2, () => true)).toEqual([5, 4]);
    expect(now()).toEqual([4, 5, 1, 2, 3]);
    expect(scan(lists, ends, 1, 3, (p) => p !== 2)).toEqual([3, 2, 1]);
    expect(now()).toEqual([1, 3, 4, 5]);
  });

  it("keep the order of a plain list through any operations, and stay small", () => {
    const op = fc.tuple(fc.nat(5), fc.nat(1), fc.integer({ min: 1, max: FRAMES - 1 }));
    fc.assert(
      fc.property(fc.array(op, { maxLength: 150 }), (ops) => {
        const lists = new LruLists(new Int32Array(FRAMES));
        const ends = lruEnds(2);
        const model: number[][] = [[], []];
        for (const [kind, lru, x] of ops) {
          const at = model.findIndex((l) => l.includes(x));
          const m = model[lru];
          if (kind === 0) {
            const run = Int32Array.from({ length: 100 }, (_, i) => x + i).filter(
              (p) => p < FRAMES && !model.some((l) => l.includes(p)),
            );
            lists.addRun(ends, lru, run, run.length);
            m.unshift(...[...run].reverse());
          } else if (kind === 5 && m.length > 0) {
            const seen = scan(lists, ends, lru, (x % BLOCK) + 1, (p) => p % 3 !== x % 3);
            expect(seen).toEqual(m.splice(m.length - seen.length).reverse());
            m.unshift(...seen.filter((p) => p % 3 !== x % 3).reverse());
          } else if (at >= 0) {
            model[at].splice(model[at].indexOf(x), 1);
            if (kind < 3) lists.del(ends, at, x);
            else {
              lists.rotate(ends, at, x);
              model[at].unshift(x);
            }
          } else {
            lists.add(ends, lru, x);
            m.unshift(x);
          }
          expect([order(lists, ends, 0), order(lists, ends, 1)]).toEqual(model);
        }
        for (const m of [0, 1]) for (const p of [...model[m]]) lists.del(ends, m, p);
        expect([...ends.head, ...ends.tail]).toEqual([0, 0, 0, 0]);
      }),
      { numRuns: RUNS },
    );
  });

  it("of which most pages have gone cost what is left", () => {
    const lists = new LruLists(new Int32Array(10_000));
    const ends = lruEnds(1);
    for (let p = 1; p < 10_000; p++) lists.add(ends, 0, p);
    const places = lists.slots.length;
    // one of sixteen stays; then as many come as there were
    for (let p = 1; p < 10_000; p++) if (p % 16 !== 0) lists.del(ends, 0, p);
    for (let p = 1; p < 10_000; p++) if (p % 16 !== 0) lists.add(ends, 0, p);
    expect(lists.slots.length).toBe(places);
    expect(ends.entries[0]).toBe(9999);
  });
});

import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { AddressSpace, TAG_DIRTY, TAG_TOWRITE, TAG_WRITEBACK } from "./addressSpace.js";
import { copyIn, copyOut } from "./copyPage.js";

const make = (): AddressSpace => new AddressSpace({ size: 0 }, { name: "test" });

describe("the page cache of an inode", () => {
  it("has pages and tags as a map of indices would, however far apart they are", () => {
    const index = fc.oneof(fc.nat(20), fc.nat(3000), fc.constantFrom(511, 512, 2 ** 32 - 1, 2 ** 32, 2 ** 33 + 5));
    const op = fc.record({ kind: fc.nat(5), index, tag: fc.nat(2) });
    fc.assert(
      fc.property(fc.array(op, { maxLength: 100 }), (ops) => {
        const m = make();
        const model = new Map<number, Set<number>>();
        for (const { kind, index: i, tag } of ops) {
          const tags = model.get(i);
          if (kind < 2 && tags === undefined) {
            m.insert(i, (i % 1000) + 2);
            model.set(i, new Set());
          } else if (kind === 2) {
            expect(m.remove(i)).toBe(tags === undefined ? 0 : (i % 1000) + 2);
            model.delete(i);
          } else if (kind === 3 && tags !== undefined) {
            expect(m.setTag(i, tag)).toBe(!tags.has(tag));
            tags.add(tag);
          } else if (kind === 4) expect(m.clearTag(i, tag)).toBe(tags?.delete(tag) ?? false);
          const sorted = [...model.keys()].sort((a, b) => a - b);
          expect(m.nrpages).toBe(model.size);
          expect(m.lookup(i)).toBe(model.has(i) ? (i % 1000) + 2 : 0);
          expect(m.nextPage(i)).toBe(sorted.find((x) => x >= i) ?? -1);
          expect(m.nextTagged(tag, i)).toBe(sorted.find((x) => x >= i && model.get(x)?.has(tag)) ?? -1);
          expect(m.tagCount(tag)).toBe(sorted.filter((x) => model.get(x)?.has(tag)).length);
        }
      }),
    );
  });
  it("gives one tag to all pages that have another, for writeback that is not to run for ever", () => {
    const m = make();
    for (const i of [1, 5, 600, 1200]) {
      m.insert(i, i + 2);
      m.setTag(i, TAG_DIRTY);
    }
    expect(m.tagRange(TAG_DIRTY, TAG_TOWRITE, 2, 1199)).toBe(2);
    expect(m.nextTagged(TAG_TOWRITE, 0)).toBe(5);
    expect(m.nextTagged(TAG_TOWRITE, 6, 599)).toBe(-1);
    expect(m.tagged(TAG_WRITEBACK)).toBe(false);
  });
  it("keeps the bytes of small writes in small arrays and those of uniform pages in a number", () => {
    const m = make();
    m.insert(0, 2);
    copyIn(m, 0, 3, Uint8Array.of(1, 2, 3), 0, 3);
    expect((m.data(0) as Uint8Array).length).toBe(64);
    const out = new Uint8Array(4096).fill(9);
    copyOut(m.data(0), 0, 4096, out, 0, true);
    expect([...out.subarray(0, 8), out[4095]]).toEqual([0, 0, 0, 1, 2, 3, 0, 0, 0]);
    copyIn(m, 0, 0, new Uint8Array(4096).fill(7), 0, 4096);
    expect(m.data(0)).toBe(7);
    copyIn(m, 0, 4095, Uint8Array.of(1), 0, 1);
    copyOut(m.data(0), 4094, 2, out, 0, true);
    expect([out[0], out[1]]).toEqual([7, 1]);
  });
});

import fc from "fast-check";
import { expect, it } from "vitest";
import { canonical, hash } from "./canonical.js";

it("the order of fields and fields that are undefined make no difference", () => {
  expect(canonical({ b: 1, a: [2, { d: undefined, c: "x" }] })).toBe('{"a":[2,{"c":"x"}],"b":1}');
});

it("numbers that JSON lacks are told apart", () => {
  const values = [0, -0, Number.NaN, Infinity, -Infinity, 1n, null, "1n", "-0", "NaN", "null"];
  const texts = values.map(canonical);
  expect(texts).toEqual(["0", "-0", "NaN", "Infinity", "-Infinity", "1n", "null", '"1n"', '"-0"', '"NaN"', '"null"']);
  expect(new Set(texts).size).toBe(values.length);
});

it("a value that went through JSON has the same hash", () => {
  fc.assert(
    fc.property(fc.jsonValue(), (value) => {
      const again = JSON.parse(JSON.stringify(value));
      // JSON writes -0 as 0
      fc.pre(!JSON.stringify(value, (_, v) => (Object.is(v, -0) ? "minus zero" : v)).includes("minus zero"));
      expect(hash(canonical(again))).toBe(hash(canonical(value)));
    }),
    { numRuns: 100 },
  );
});

it("each kind of value has a text: truth values, bytes, what JSON has no word for", () => {
  expect([true, false].map(canonical)).toEqual(["true", "false"]);
  expect(canonical({ bytes: Uint8Array.of(1, 2, 255) })).toBe('{"bytes":[1,2,255]}');
  expect([undefined, Symbol("s")].map(canonical)).toEqual(["null", "null"]);
  expect(canonical({ run: () => 1, n: 1 })).toBe('{"n":1}');
});

it("a hash is the first 32 digits of SHA-256", () => {
  expect(hash("")).toBe("e3b0c44298fc1c149afbf4c8996fb924");
});

import { describe, expect, it } from "vitest";
import { parseJson } from "./json.js";

describe("lossless JSON", () => {
  it("keeps integers that a double cannot hold", () => {
    expect(parseJson('{"a": 9223372036854775807, "b": [-9223372036854775807, 9007199254740993]}')).toEqual({
      a: 9223372036854775807n,
      b: [-9223372036854775807n, 9007199254740993n],
    });
  });
  it("leaves integers that a double holds exactly as numbers", () => {
    expect(parseJson("[4611686018427387904, 9007199254740992, 1e300, 0.1]")).toEqual([2 ** 62, 2 ** 53, 1e300, 0.1]);
  });
  it("does not touch digits inside strings", () => {
    expect(parseJson('["9223372036854775807", "a\\"9223372036854775807", 1]')).toEqual([
      "9223372036854775807",
      'a"9223372036854775807',
      1,
    ]);
  });
  it("does not touch long fractions", () => {
    expect(parseJson("[0.123456789012345678]")).toEqual([Number("0.123456789012345678")]);
  });
  it("reports broken JSON", () => {
    expect(() => parseJson("[9223372036854775807,")).toThrow(SyntaxError);
  });
});

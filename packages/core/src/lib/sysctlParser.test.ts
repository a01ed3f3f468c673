import { describe, expect, it } from "vitest";
import { EINVAL } from "../abi/errno.js";
import { sysctlInts, sysctlString, sysctlUint, sysctlUlongs } from "./sysctlParser.js";

const E = -EINVAL;

// What kernel.sem, a vector of four ints, answered on 6.18: the values stored, and the return value.
const fourInts: [text: string, stored: number[], ret: number][] = [
  ["1 2 3", [1, 2, 3], 5],
  ["1 2 3\n", [1, 2, 3], 6],
  ["4\t5\n6", [4, 5, 6], 5],
  ["7", [7], 1],
  ["1 2 3 4", [1, 2, 3, 4], 7],
  ["1 2 3 4 5", [1, 2, 3, 4], 8],
  ["1 2 3 4x", [1, 2, 3], E],
  ["1 2x 3", [1], E],
  ["1 2 3 x", [1, 2, 3], E],
  ["a 1", [], E],
  ["", [], 0],
  ["\n", [], E],
  [" ", [], E],
  ["1,2,3", [], E],
  ["1\u000b2", [], E],
  ["\u000b1 2 3", [1, 2, 3], 6],
  ["\u00a01 2 3", [1, 2, 3], 6],
  ["0x10 010 3", [16, 8, 3], 10],
  ["-1 2 3", [-1, 2, 3], 6],
  ["1 - 3", [1], E],
  ["- 1", [], E],
  ["--1", [], E],
  ["+1", [], E],
  ["000000000000000000001", [], E],
  ["00000000000000000001", [1], 20],
  ["-0000000000000000001", [-1], 20],
  ["-00000000000000000001", [], E],
  ["99999999999999999999 1", [], E],
  ["2147483648", [], E],
  ["-2147483648", [-2147483648], 11],
  ["1\u00002", [], E],
  ["0x", [], E],
  ["0x 1", [], E],
  ["08", [], E],
  ["-0", [0], 2],
  ["1 2 3\n\n\n", [1, 2, 3], 8],
];

describe("number files below /proc/sys", () => {
  it.each(fourInts)("%j to a vector of four ints", (text, stored, ret) => {
    expect(sysctlInts(text, 4)).toEqual({ values: stored, ret });
  });
  it("a file of one int returns the bytes up to the second number", () => {
    expect(sysctlInts("12 13", 1)).toEqual({ values: [12], ret: 3 });
    expect(sysctlInts("1 2x 3", 1)).toEqual({ values: [1], ret: 2 });
    expect(sysctlInts(" 12 \n", 1)).toEqual({ values: [12], ret: 5 });
  });
  it("a value out of range is refused, those before it stay stored", () => {
    expect(sysctlInts("1 0 5", 3, { min: 1 })).toEqual({ values: [1], ret: E });
    expect(sysctlInts("101", 1, { min: 0, max: 100 })).toEqual({ values: [], ret: E });
    expect(sysctlInts("100", 1, { min: 0, max: 100 })).toEqual({ values: [100], ret: 3 });
  });
  it("a conversion is applied before the range", () => {
    const seconds = { convert: (v: number): number | undefined => (v > 8e6 ? undefined : v * 250), max: 1000 };
    expect(sysctlInts("4", 1, seconds)).toEqual({ values: [1000], ret: 1 });
    expect(sysctlInts("5", 1, seconds)).toEqual({ values: [], ret: E });
    expect(sysctlInts("9000000", 1, seconds)).toEqual({ values: [], ret: E });
  });
  it("an unsigned int file claims the whole write and takes no sign", () => {
    expect(sysctlUint("2000000 x")).toEqual({ values: [2000000], ret: 9 });
    expect(sysctlUint("12 13")).toEqual({ values: [12], ret: 5 });
    expect(sysctlUint("12x")).toEqual({ values: [], ret: E });
    expect(sysctlUint("-0")).toEqual({ values: [], ret: E });
    expect(sysctlUint("070000")).toEqual({ values: [28672], ret: 6 });
    expect(sysctlUint("4294967295")).toEqual({ values: [4294967295], ret: 10 });
    expect(sysctlUint("4294967296")).toEqual({ values: [], ret: E });
    expect(sysctlUint("256", { max: 255 })).toEqual({ values: [], ret: E });
    expect(sysctlUint("")).toEqual({ values: [], ret: 0 });
  });
  it("an unsigned long keeps all its 64 bits", () => {
    expect(sysctlUlongs("18446744073709551615", 1)).toEqual({ values: [2n ** 64n - 1n], ret: 20 });
    expect(sysctlUlongs("18446744073709551616", 1)).toEqual({ values: [], ret: E });
    expect(sysctlUlongs("4294967296\n", 1)).toEqual({ values: [4294967296], ret: 11 });
    expect(sysctlUlongs("-1 2 3", 1)).toEqual({ values: [], ret: E });
    expect(sysctlUlongs("9007199254740992", 1).values).toEqual([9007199254740992n]);
    expect(sysctlUlongs("0", 1, { min: 8192 })).toEqual({ values: [], ret: E });
    expect(sysctlUlongs("18446744073709551615", 1, { max: 2n ** 63n })).toEqual({ values: [], ret: E });
  });
  it("text beyond a page is claimed unread", () => {
    expect(sysctlInts(`5 ${" ".repeat(5000)}x`, 4)).toEqual({ values: [5], ret: 5003 });
  });
  it("a string ends at newline, NUL or the size of the file", () => {
    expect(sysctlString("core\nx", 128)).toBe("core");
    expect(sysctlString("co\0re", 128)).toBe("co");
    expect(sysctlString("kernelkit", 5)).toBe("kern");
  });
});

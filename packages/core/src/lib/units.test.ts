import { describe, expect, it } from "vitest";
import { parseDuration, parseSize } from "./units.js";

describe("durations", () => {
  it.each([
    ["30s", 30e9],
    ["150ms", 150e6],
    ["1h", 3600e9],
    ["1h30m", 5400e9],
    ["2min", 120e9],
    ["0.3s", 3e8],
    ["1.5us", 1500],
    ["7µs", 7000],
    ["1d", 86400e9],
    ["0ns", 0],
    ["1000d", 864e14],
    ["123456.789012345s", 123456789012345],
    [42, 42],
  ] as const)("%j is %d ns", (text, ns) => {
    expect(parseDuration(text)).toBe(ns);
  });
  it("a misuse names the option, the value and what is allowed", () => {
    expect(() => parseDuration("soon", "timeout")).toThrow(/^timeout: "soon" is no duration, allowed/);
    expect(() => parseDuration(-1)).toThrow(RangeError);
    expect(() => parseDuration(1.5)).toThrow(RangeError);
    expect(() => parseDuration(Number.NaN)).toThrow(RangeError);
    expect(() => parseDuration("0.5ns")).toThrow(RangeError);
    expect(() => parseDuration("110000d")).toThrow(RangeError);
    expect(() => parseDuration("")).toThrow(RangeError);
    expect(() => parseDuration("10")).toThrow(RangeError);
    expect(() => parseDuration(5n as unknown as number)).toThrow(TypeError);
    expect(() => parseDuration(null as unknown as number)).toThrow(TypeError);
  });
});

describe("sizes", () => {
  it.each([
    ["8G", 8 * 2 ** 30],
    ["512M", 512 * 2 ** 20],
    ["64KiB", 65536],
    ["1.5k", 1536],
    ["4096", 4096],
    ["10B", 10],
    ["1T", 2 ** 40],
    [7, 7],
  ] as const)("%j is %d bytes", (text, bytes) => {
    expect(parseSize(text)).toBe(bytes);
  });
  it("a misuse names the option, the value and what is allowed", () => {
    expect(() => parseSize("lots", "memory")).toThrow(/^memory: "lots" is no size, allowed/);
    expect(() => parseSize("1.3")).toThrow(RangeError);
    expect(() => parseSize(-4)).toThrow(RangeError);
    expect(() => parseSize("9P")).toThrow(RangeError);
    expect(() => parseSize({} as unknown as number)).toThrow(TypeError);
  });
});

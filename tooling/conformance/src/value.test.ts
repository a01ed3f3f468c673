import { describe, expect, it } from "vitest";
import { difference, show, toNumber } from "./value.js";

const same = (expected: unknown, got: unknown): boolean => difference(expected, got) === null;

describe("comparing an expected value", () => {
  it("numbers and bigints are the same if their values are", () => {
    expect(same(5, 5)).toBe(true);
    expect(same(5, 5n)).toBe(true);
    expect(same(9223372036854775807n, 9223372036854775807n)).toBe(true);
    expect(same(9223372036854775807n, 2 ** 63)).toBe(false);
    expect(same(5, 6)).toBe(false);
    expect(same(5, "5")).toBe(false);
    expect(same(0, false)).toBe(false);
    expect(same(0, null)).toBe(false);
  });
  it("null stands for a field that is not there", () => {
    expect(same(null, undefined)).toBe(true);
    expect(same(null, null)).toBe(true);
    expect(same(null, 0)).toBe(false);
  });
  it("booleans are exact", () => {
    expect(same(true, true)).toBe(true);
    expect(same(true, 1)).toBe(false);
  });
  it("a text is itself, a bound, or the names of flags", () => {
    expect(same("abc", "abc")).toBe(true);
    expect(same("abc", "abd")).toBe(false);
    expect(same(">0", 1)).toBe(true);
    expect(same(">0", 0)).toBe(false);
    expect(same(">=0", 0)).toBe(true);
    expect(same(">=0", -1)).toBe(false);
    expect(same("SIGKILL", 9)).toBe(true);
    expect(same("SIGKILL", 10)).toBe(false);
    expect(same("O_RDWR|O_CREAT", 0o102)).toBe(true);
    expect(same("O_NOSUCH", 1)).toBe(false);
  });
  it("ranges and tolerances have closed ends", () => {
    expect(same({ min: 1, max: 2 }, 1)).toBe(true);
    expect(same({ min: 1, max: 2 }, 2)).toBe(true);
    expect(same({ min: 1, max: 2 }, 3)).toBe(false);
    expect(same({ min: 1 }, 0)).toBe(false);
    expect(same({ min: 1 }, "x")).toBe(false);
    expect(same({ min: 1 }, undefined)).toBe(false);
    expect(same({ approx: 10, tolerance: 1 }, 11)).toBe(true);
    expect(same({ approx: 10, tolerance: 1 }, 12)).toBe(false);
    expect(same({ value: 10, tolerance: 0.5 }, 10.5)).toBe(true);
    expect(same({ approx: { value: 10, tolerance: 1 } }, 9)).toBe(true);
    expect(same({ approx: { value: 10, tolerance: 1 } }, 8)).toBe(false);
  });
  it("differs and match", () => {
    expect(same({ differs: 5 }, 6)).toBe(true);
    expect(same({ differs: 5 }, 5)).toBe(false);
    expect(same({ differs: 5 }, undefined)).toBe(false);
    expect(same({ match: "^a$" }, "a\n")).toBe(true);
    expect(same({ match: "^a$" }, "b")).toBe(false);
    expect(same({ match: "a" }, 5)).toBe(false);
  });
  it("lists are compared whole, objects only in the fields that are expected", () => {
    expect(same([1, [2]], [1, [2]])).toBe(true);
    expect(same([1], [1, 2])).toBe(false);
    expect(same({ a: 1 }, { a: 1, b: 2 })).toBe(true);
    expect(same({ a: 1, c: 1 }, { a: 1 })).toBe(false);
    expect(same({}, {})).toBe(true);
    expect(same({ a: 1 }, [1])).toBe(false);
    expect(difference({ a: [1, { b: 2 }] }, { a: [1, { b: 3 }] })).toEqual({ path: "a[1].b", expected: 2, got: 3 });
  });
  it("a text that holds one number is that number where a range is expected", () => {
    expect(toNumber("12\n")).toBe(12);
    expect(toNumber("-1.5")).toBe(-1.5);
    expect(toNumber("12 13\n")).toBeUndefined();
    expect(toNumber(3n)).toBe(3n);
  });
  it("shows bigints, and cuts long texts in the middle", () => {
    expect(show({ a: 9223372036854775807n, b: ["x"] })).toBe('{"a": 9223372036854775807, "b": ["x"]}');
    expect(show("x".repeat(5000)).length).toBeLessThan(700);
    expect(show(undefined)).toBe("nothing");
  });
});

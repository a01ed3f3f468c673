import { describe, expect, it } from "vitest";
import { COMMON, checkOutcome, type ExpectContext } from "./expectations.js";
import { Mismatch } from "./outcome.js";
import type { Result } from "./result.js";

const context: ExpectContext = {
  multiline: false,
  readData: (path) => (path === "data/x" ? new Uint8Array([0x68, 0xe9]) : undefined),
};

/** Does the expectation hold for the result? */
function holds(key: string, expected: unknown, result: Result, multiline = false): boolean {
  try {
    COMMON[key](expected, result, { ...context, multiline });
    return true;
  } catch (e) {
    if (e instanceof Mismatch) return false;
    throw e;
  }
}

/** [expectation, expected, a result for which it holds, one for which it does not] */
const TABLE: [string, unknown, Result, Result][] = [
  ["ret", 0, { ret: 0 }, { ret: 1 }],
  ["ret", "$unsaved", { ret: "$unsaved" }, { ret: 3 }],
  ["ret", ">0", { ret: 3 }, { ret: 0 }],
  ["ret", "CLONE_NEWUTS", { ret: 0x4000000 }, { ret: 1 }],
  ["ret", { min: 2 }, { ret: 2 }, {}],
  ["equals", "a\n", { data: "a\n", ret: 2 }, { data: "a", ret: 1 }],
  ["equals", [1, 2], { value: [1, 2] }, { value: [2, 1] }],
  ["match", "^a.c$", { data: "abc\n" }, { data: "xabc" }],
  ["match", "^[1-9]", { ret: 5 }, { ret: 0 }],
  ["match", ["^a", "^b"], { value: ["ax", "bx"] }, { value: ["ax"] }],
  ["match", ["^a", "^b"], { value: ["ax", "bx"] }, { value: ["ax", "ax"] }],
  ["nomatch", "b", { data: "a" }, { data: "abc" }],
  ["contains", "b", { data: "abc" }, { data: "ac" }],
  ["contains", ["b", "a"], { value: ["a", "b", "c"] }, { value: ["a"] }],
  ["excludes", ["b"], { value: ["a"] }, { value: ["a", "b"] }],
  ["differs", "x", { data: "y" }, { data: "x" }],
  ["fields", { a: 1, b: { differs: 2 } }, { fields: { a: 1, b: 3, c: 4 } }, { fields: { a: 1, b: 2 } }],
  ["fields", { a: 1 }, { fields: { a: 1 } }, {}],
  ["approx", { value: 10, tolerance: 1 }, { data: "11\n" }, { data: "12\n" }],
  ["approx", { field: "f", value: 10, tolerance: 1 }, { fields: { f: 9 } }, { fields: { f: 8 } }],
  ["approx", { f: { value: 10, tolerance: 1 } }, { fields: { f: 9 } }, { fields: {} }],
  ["range", { min: 5 }, { data: "5\n" }, { data: "4\n" }],
  ["range", [1, 2], { ret: 2 }, { ret: 3 }],
  ["hex", "68e9", { data: "h\u00e9" }, { data: "he" }],
  ["hex", "", { data: "" }, {}],
  ["calls", ["irq_mask"], { calls: ["irq_mask"] }, { calls: [] }],
  ["calls", [], { calls: [] }, { calls: ["irq_mask"] }],
  ["log", ["a", "b"], { log: ["xa", "c", "bx"] }, { log: ["bx", "xa"] }],
  ["log", ["a"], { log: ["a"] }, {}],
  ["revents", "IN|HUP", { revents: "IN|HUP" }, { revents: "IN" }],
  ["elapsed", { min: 1, max: 2 }, { elapsed: 1.5 }, { elapsed: 3 }],
  ["status", [0, "-ENOENT"], { status: [0, "-ENOENT"] }, { status: [0, 0] }],
  ["equals_file", "data/x", { data: "h\u00e9" }, { data: "he" }],
];

describe("expectations", () => {
  it.each(TABLE)("%s %j holds and fails", (key, expected, right, wrong) => {
    expect(holds(key, expected, right)).toBe(true);
    expect(holds(key, expected, wrong)).toBe(false);
  });
  it("there is a row for every expectation, so that each is seen to fail", () => {
    expect(Object.keys(COMMON).filter((key) => !TABLE.some((row) => row[0] === key))).toEqual([]);
  });
  it("a missing data file is a failure", () => {
    expect(holds("equals_file", "data/y", { data: "" })).toBe(false);
  });
  it("match is multi-line where the dialect says so", () => {
    expect(holds("match", "^b$", { data: "a\nb\n" }, true)).toBe(true);
    expect(holds("match", "^b$", { data: "a\nb\n" })).toBe(false);
  });
});

describe("how a step ended", () => {
  const ends = (step: Record<string, unknown>, result: Result): boolean => {
    try {
      checkOutcome(step, result);
      return true;
    } catch {
      return false;
    }
  };
  it("a step that expects no error must succeed", () => {
    expect(ends({}, { ret: 0 })).toBe(true);
    expect(ends({}, { errno: "EPERM" })).toBe(false);
    expect(ends({ errno: null }, { errno: "EPERM" })).toBe(false);
    expect(ends({ errno: null }, { ret: 3 })).toBe(true);
  });
  it("an errno is the one expected, or one of several", () => {
    expect(ends({ errno: "EPERM" }, { errno: "EPERM" })).toBe(true);
    expect(ends({ errno: "EPERM" }, { errno: "EACCES" })).toBe(false);
    expect(ends({ errno: "EPERM" }, { ret: 0 })).toBe(false);
    expect(ends({ errno: ["EPERM", "EACCES"] }, { errno: "EACCES" })).toBe(true);
  });
  it("fails is any errno", () => {
    expect(ends({ fails: true }, { errno: "EINVAL" })).toBe(true);
    expect(ends({ fails: "nonce" }, { ret: 0 })).toBe(false);
  });
  it("a task that dies must be expected to, and one that is must not come back", () => {
    expect(ends({ dies: true }, { dies: "killed by SIGSEGV" })).toBe(true);
    expect(ends({ dies: true }, { ret: 0 })).toBe(false);
    expect(ends({ ret: 0 }, { dies: "killed by SIGSEGV" })).toBe(false);
  });
});

import { describe, expect, it } from "vitest";
import { Mismatch } from "./outcome.js";
import { braceVariables, dollarVariables, durationNs, evaluate, taskVariables } from "./variables.js";

const from =
  (values: Record<string, unknown>) =>
  (name: string): unknown =>
    values[name];

describe("saved values", () => {
  const lookup = from({ fd: 3, big: 9223372036854775806n, text: "a b", "B.pid": 12 });
  it("$x as a whole text is the value itself", () => {
    expect(dollarVariables(["$fd", "$B.pid", "$text"], lookup)).toEqual([3, 12, "a b"]);
  });
  it("$x+n and $x-n add, also beyond 2^53", () => {
    expect(dollarVariables(["$fd+5", "$fd-1", "$big+1"], lookup)).toEqual([8, 2, 9223372036854775807n]);
  });
  it("${x} inside a text is its text, in objects too", () => {
    expect(dollarVariables({ read: "/proc/${B.pid}/fd/${fd}" }, lookup)).toEqual({ read: "/proc/12/fd/3" });
  });
  it("a $x that nobody saved is left alone, a ${x} fails", () => {
    expect(dollarVariables("$none", lookup)).toBe("$none");
    expect(dollarVariables("x\n$", lookup)).toBe("x\n$");
    expect(() => dollarVariables("${none}", lookup)).toThrow(Mismatch);
  });
  it("adding to what is no number fails", () => {
    expect(() => dollarVariables("$text+1", lookup)).toThrow(Mismatch);
  });
});

describe("pids of tasks by their bare names", () => {
  const lookup = from({ B: 12, "fd(x)": 7 });
  it("$B is a number as a whole text and text inside one", () => {
    expect(taskVariables(["$B", "/proc/$B/oom_score", "$fd(x) 3"], lookup)).toEqual([12, "/proc/12/oom_score", "7 3"]);
  });
  it("what is no task is left alone", () => {
    expect(taskVariables("^a$|$C", lookup)).toBe("^a$|$C");
  });
});

describe("numbers of interrupt lines", () => {
  const lookup = from({ A: 26 });
  it("{A} is the number's text and {A:x} two hex digits", () => {
    expect(braceVariables(["/proc/irq/{A}", "irq {A:x}", "{", "( +[0-9]+){2}"], lookup)).toEqual([
      "/proc/irq/26",
      "irq 1a",
      "{",
      "( +[0-9]+){2}",
    ]);
  });
});

describe("small expressions and durations", () => {
  it("sums of products of i", () => {
    expect(evaluate("0+4096*i", { i: 3 })).toBe(12288);
    expect(evaluate("i*k", { i: 3, k: 2 })).toBe(6);
    expect(() => evaluate("j*2", { i: 1 })).toThrow(RangeError);
    expect(() => evaluate("process.exit()", { i: 1 })).toThrow(RangeError);
  });
  it("durations have a unit, or are seconds", () => {
    expect(durationNs("0.5s")).toBe(5e8);
    expect(durationNs("300ms")).toBe(3e8);
    expect(durationNs("20us")).toBe(20_000);
    expect(durationNs(2)).toBe(2e9);
    expect(() => durationNs("2m")).toThrow(RangeError);
  });
});

import { describe, expect, it } from "vitest";
import { asKnownList, withKnown } from "./known.js";

describe("the known list", () => {
  const list = asKnownList({ core: { "fs-001": "to come" } }, "known.json");
  it("a listed case that fails is known", () => {
    expect(withKnown(list, "core", "fs-001", "fail")).toEqual({ outcome: "known", stale: false });
    expect(withKnown(list, "core", "fs-001", "notYet")).toEqual({ outcome: "known", stale: false });
  });
  it("a listed case that passes must leave the list", () => {
    expect(withKnown(list, "core", "fs-001", "pass")).toEqual({ outcome: "pass", stale: true });
  });
  it("all others count as they end, also the same id in another package", () => {
    expect(withKnown(list, "core", "fs-002", "fail")).toEqual({ outcome: "fail", stale: false });
    expect(withKnown(list, "memcg", "fs-001", "fail")).toEqual({ outcome: "fail", stale: false });
  });
  it("every entry has a reason", () => {
    expect(() => asKnownList({ core: { x: "" } }, "known.json")).toThrow(/core\/x has no reason/);
    expect(() => asKnownList({ core: { x: 1 } }, "known.json")).toThrow(TypeError);
    expect(() => asKnownList([], "known.json")).toThrow(TypeError);
  });
});

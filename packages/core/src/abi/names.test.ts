import { describe, expect, it } from "vitest";
import * as constants from "./constants.js";
import { constantsByName, parseFlags } from "./names.js";

describe("constants by name", () => {
  it("holds every numeric constant and errno number, and nothing inherited", () => {
    for (const [name, v] of Object.entries(constants))
      if (typeof v === "number") expect(constantsByName[name], name).toBe(v);
    expect(constantsByName.ENOENT).toBe(2);
    expect(constantsByName.toString).toBeUndefined();
    expect(Object.keys(constantsByName).length).toBeGreaterThan(900);
  });
  it("flags are read as C writes them", () => {
    expect(parseFlags("O_RDWR|O_CREAT | O_EXCL")).toBe(0o302);
    expect(parseFlags("0100|0x2")).toBe(0o102);
    expect(parseFlags("AT_FDCWD")).toBe(-100);
    expect(parseFlags("-1")).toBe(-1);
    expect(parseFlags("CLONE_IO|CLONE_VM")).toBe(0x80000100);
    expect(parseFlags("CLONE_INTO_CGROUP|CLONE_IO")).toBe(0x280000000);
    expect(parseFlags("O_NONSENSE")).toBeUndefined();
    expect(parseFlags("toString")).toBeUndefined();
    expect(parseFlags("")).toBeUndefined();
  });
});

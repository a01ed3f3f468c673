import { expect, it } from "vitest";
import { checkTarget, isLoopback } from "./target.js";

it("the loopback is known by its address, not by how a name looks", () => {
  expect(
    ["http://127.0.0.1:4873/", "http://localhost:1", "http://[::1]:4873", "http://127.9.9.9"].map(isLoopback),
  ).toEqual([true, true, true, true]);
  const others = [
    "https://registry.example",
    "http://127.0.0.1.example:80",
    "http://localhost.example",
    "127.0.0.1",
    "",
  ];
  expect(others.map(isLoopback)).toEqual(others.map(() => false));
});

it("only CI publishes to a registry that others use", () => {
  expect(() => checkTarget("https://registry.example", false)).toThrow(/only CI publishes there/);
  expect(() => checkTarget("https://registry.example", true)).not.toThrow();
  expect(() => checkTarget("http://127.0.0.1:4873", false)).not.toThrow();
});

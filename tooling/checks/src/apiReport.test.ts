import { expect, it } from "vitest";
import { changes, render } from "./apiReport.js";

const entry = (texts: Record<string, string>) => [
  {
    specifier: "@kernelkit/x",
    items: Object.entries(texts).map(([name, text]) => ({ name, text, doc: "", file: "x.ts" })),
    named: [],
  },
];
const report = (texts: Record<string, string>): string => render("@kernelkit/x", entry(texts));

it("names what came, went and changed, by entry", () => {
  const before = report({ gone: "const gone = 1;", kept: "const kept = 1;", other: "function other(): void;" });
  const now = report({ kept: "const kept = 1;", other: "function other(n: number): void;", came: "const came = 1;" });
  expect(changes(before, now).split("\n").sort()).toEqual([
    "  + @kernelkit/x: came",
    "  - @kernelkit/x: gone",
    "  ~ @kernelkit/x: other",
  ]);
  expect(changes(now, now)).toBe("");
});

it("against no report everything is new, and a long list is cut", () => {
  const many = Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`n${i}`, `const n${i} = ${i};`]));
  const lines = changes("", report(many)).split("\n");
  expect(lines[0]).toBe("  + @kernelkit/x: n0");
  expect(lines.at(-1)).toBe("  and 10 more");
});

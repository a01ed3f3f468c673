import { expect, it } from "vitest";
import { page, reduce, type StrykerReport, score } from "./report.js";

const at = (line: number, from: number, to: number) => ({
  start: { line, column: from },
  end: { line, column: to },
});
const report: StrykerReport = {
  files: {
    "packages/x/src/a.ts": {
      source: "const a = 1;\nreturn a > 0;\n",
      mutants: [
        { mutatorName: "ConditionalExpression", replacement: "true", status: "Survived", location: at(2, 8, 13) },
        { mutatorName: "EqualityOperator", replacement: "a >= 0", status: "Killed", location: at(2, 8, 13) },
        { mutatorName: "EqualityOperator", replacement: "a <= 0", status: "Timeout", location: at(2, 8, 13) },
        { mutatorName: "NumericLiteral", replacement: "2", status: "Ignored", location: at(1, 11, 12) },
      ],
    },
  },
};

it("a mutant counts when a test could have found it: those that were not tried are left out", () => {
  const [file] = reduce(report, []);
  expect([file.killed, file.survived.length]).toEqual([2, 1]);
  expect(file.survived[0]).toEqual({ line: 2, from: "a > 0", to: "true" });
  expect(score([file])).toBeCloseTo(66.67, 1);
});

it("a reason stays with its mutant when the line moves, and stands in the page", () => {
  const before = reduce(report, []).map((f) => ({
    ...f,
    survived: f.survived.map((s) => ({ ...s, line: 99, why: "a is never negative" })),
  }));
  const now = reduce(report, before);
  expect(now[0].survived[0]).toEqual({ line: 2, from: "a > 0", to: "true", why: "a is never negative" });
  expect(page({ x: now })).toContain("| a.ts:2 | ``a > 0 `` → ``true `` | a is never negative |");
  expect(page({ x: reduce(report, []) })).toContain("not looked at yet");
});

import { expect, it } from "vitest";
import { examples } from "./examples.js";

const fence = "```";
const readme = (...lines: string[]): string => lines.join("\n").replaceAll("~~~", fence);

it("a ts block is an example, with the line it starts in", () => {
  expect(examples(readme("# x", "~~~ts", "a();", "b();", "~~~"))).toEqual([
    { source: "a();\nb();\n", line: 3, output: null },
  ]);
});

it("fragments and other languages are not run", () => {
  expect(examples(readme("~~~ts fragment", "a();", "~~~", "~~~sh", "ls", "~~~", "~~~", "plain", "~~~"))).toEqual([]);
});

it("an output block right after an example is what it must print", () => {
  expect(examples(readme("~~~ts", "a();", "~~~", "", "~~~text output", "1", "", "2", "~~~"))[0]?.output).toBe(
    "1\n\n2\n",
  );
  expect(examples(readme("~~~ts", "a();", "~~~", "text", "~~~text output", "1", "~~~"))[0]?.output).toBeNull();
});

it("a block that is never closed is an error", () => {
  expect(() => examples(readme("~~~ts", "a();"))).toThrow("line 1");
});

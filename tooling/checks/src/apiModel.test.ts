import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { readApi } from "./apiModel.js";

it("exports are followed to their declarations, with docstrings, without private members; what they name is listed apart", () => {
  // below packages/, as every source that is read as its declarations
  const home = mkdtempSync(join("packages", ".api-"));
  try {
    mkdirSync(join(home, "src"));
    writeFileSync(join(home, "src/index.ts"), `export * from "./a.js";\nexport { b as c } from "./b.js";\n`);
    writeFileSync(
      join(home, "src/a.ts"),
      `import type { Hidden } from "./b.js";\n/** What it is. */\nexport class A {\n  private secret = 1;\n  use(h: Hidden): number {\n    return this.secret + h.n;\n  }\n}\n`,
    );
    writeFileSync(join(home, "src/b.ts"), "export interface Hidden { n: number }\nexport const b = 7;\n");
    const pkg = { folder: "x", path: home, name: "@kernelkit/x", version: "1.0.0", entries: ["."], nodeOnly: false };
    const [entry] = readApi([pkg]).get(pkg) ?? [];
    expect(entry.items.map(({ name, doc }) => [name, doc])).toEqual([
      ["A", "What it is."],
      ["c", ""],
    ]);
    expect(entry.items[0].text).toContain("use(h: Hidden): number;");
    expect(entry.items[0].text).not.toContain("secret");
    expect(entry.named.map(({ name }) => name)).toEqual(["Hidden"]);
  } finally {
    rmSync(home, { recursive: true, force: true });
  }
});

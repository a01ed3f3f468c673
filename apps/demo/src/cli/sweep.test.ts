import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command } from "commander";
import { afterAll, describe, expect, it } from "vitest";
import { addSweep } from "./sweep.js";
import { duration, progressText } from "./sweepText.js";

const folder = mkdtempSync(join(tmpdir(), "sweep-cli-"));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
  process.exitCode = undefined;
});
const file = (name: string): string => join(folder, name);

async function kernelkit(...args: string[]): Promise<string> {
  let text = "";
  const program = new Command("kernelkit").exitOverride();
  addSweep(program, (t) => {
    text += t;
  });
  await program.parseAsync(["sweep", ...args], { from: "user" });
  return text;
}

const stories = fileURLToPath(new URL("../../../../packages/powerclamp/src/stories.ts", import.meta.url));
const sweep = {
  name: "idle injection",
  scenario: { module: stories, export: "clampTarget" },
  space: {},
};

describe("kernelkit sweep", () => {
  it("says how many runs a file asks for, and what is wrong with it", async () => {
    writeFileSync(file("dry.json"), JSON.stringify({ ...sweep, space: { nothing: [1] } }));
    await expect(kernelkit(file("dry.json"), "--dry-run")).rejects.toThrow(/has no parameter nothing/);
    const examples = ["dirtyBytes", "numaStrategies"].map((name) =>
      fileURLToPath(new URL(`../../sweeps/${name}.ts`, import.meta.url)),
    );
    expect(await kernelkit(examples[0], "--dry-run", "--seeds", "5")).toContain("30 points, 5 seeds, 150 runs");
    expect(await kernelkit(examples[1], "--dry-run")).toContain("60 points, 2 seeds, 120 runs");
  });

  it("runs an example: a table, the best point, data, a picture; and goes on where it was", async () => {
    const example = fileURLToPath(new URL("../../sweeps/dirtyBytes.ts", import.meta.url));
    const small = readFileSync(example, "utf8")
      .replace("[5, 10, 20, 40, 80]", "[20, 40]")
      .replace("[4, 8, 16, 32, 64, 128]", "[8, 64]");
    // beside the example: that is where its packages are found
    const own = example.replace("dirtyBytes", "testOfDirtyBytes");
    writeFileSync(own, small);
    try {
      const args = [own, "--out", file("r.jsonl"), "--seeds", "1", "--set", "seconds=6", "--threads", "2"];
      const outputs = ["--csv", file("r.csv"), "--json", file("r.json"), "--svg", file("r.svg")];
      const shown = await kernelkit(...args, ...outputs);
      expect(shown).toMatch(/│ 20 +│ 8 +│ 1 +│/);
      expect(shown).toMatch(/least backlogSeconds: diskMibPerSecond=40 dirtyMib=8 \(/);
      expect(readFileSync(file("r.csv"), "utf8").split("\n").length).toBe(6);
      expect(readFileSync(file("r.svg"), "utf8")).toMatch(/^<svg .*★/s);
      expect(JSON.parse(readFileSync(file("r.json"), "utf8")).points.length).toBe(4);
      await expect(kernelkit(...args)).rejects.toThrow(/there already; resume it/);
      const again = await kernelkit(...args, "--resume");
      expect(again.split("\n").at(-2)).toBe(shown.split("\n").at(-2));
    } finally {
      rmSync(own);
    }
  });

  it("tells time left in words", () => {
    expect([900, 59_000, 600_000, 12_600_000].map(duration)).toEqual(["1 s", "59 s", "10 min", "3.5 h"]);
    expect(progressText({ done: 3, failed: 1, total: 9, etaMs: 2000 })).toBe("3/9 runs, 1 failed, 2 s to go");
  });
});

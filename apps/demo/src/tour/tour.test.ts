import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { CATALOGUE, stories } from "./catalogue.js";
import { listText, tour } from "./tour.js";

async function text(asked: readonly string[], o: Parameters<typeof tour>[1] = {}): Promise<string> {
  let out = "";
  await tour(asked, o, (t) => {
    out += t;
  });
  return out;
}

describe("the tour", () => {
  it("knows every story once, with a question, a source and a claim", () => {
    const ids = CATALOGUE.map((e) => e.story.id);
    expect(new Set(ids).size).toBe(ids.length);
    expect(ids.length).toBeGreaterThan(20);
    for (const { story } of CATALOGUE) {
      expect(story.question).toMatch(/\?$/);
      expect(story.source).not.toBe("");
      expect(story.claim).not.toBe("");
    }
  });

  it("shows a story as table, plot and figures, and the same every time", async () => {
    const shown = await text(["stuckLine"]);
    expect(shown).toContain("genirq: stuckLine");
    expect(shown).toContain("│ phase");
    expect(shown).toMatch(/┤/);
    expect(await text(["stuckLine"])).toBe(shown);
  });

  it("takes settings for the stories that have the knob, and names what is wrong", async () => {
    expect(await text(["jitter"], { set: ["target=10"] })).not.toBe(await text(["jitter"]));
    await expect(text(["jitter"], { set: ["target=1000"] })).rejects.toThrow(/target must be 1\.\.49 %/);
    await expect(text(["jitter"], { set: ["goal=1"] })).rejects.toThrow(/no story here has 'goal'/);
    await expect(text(["jitters"])).rejects.toThrow(/no 'jitters'; there are .*jitter/);
  });

  it("writes data and pictures", async () => {
    const dir = mkdtempSync(join(tmpdir(), "tour-"));
    try {
      await text(["stuckLine", "label-kinds"], { csv: dir, json: dir, svg: dir });
      expect(readdirSync(dir).sort()).toEqual([
        "label-kinds.json",
        "label-kinds.table.csv",
        "stuckLine.json",
        "stuckLine.series.csv",
        "stuckLine.svg",
        "stuckLine.table.csv",
      ]);
      expect(readFileSync(join(dir, "stuckLine.svg"), "utf8")).toMatch(/^<svg .*<path/s);
      const json = JSON.parse(readFileSync(join(dir, "stuckLine.json"), "utf8"));
      const csv = readFileSync(join(dir, "stuckLine.series.csv"), "utf8").split("\n");
      expect(csv.length - 2).toBe(json.series[0].x.length);
    } finally {
      rmSync(dir, { recursive: true });
    }
  });

  it("lists stories with the knobs they have, of a package or all", () => {
    expect(listText(["powerclamp"])).toMatch(/powerclamp\/jitter\n.*\n {4}target=25 \(1\.\.49 %\)/);
    expect(stories(["powerclamp"]).every((e) => e.package === "powerclamp")).toBe(true);
  });
});

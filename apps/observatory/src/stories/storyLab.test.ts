import { describe, expect, it } from "vitest";
import { answer, storyInfos } from "./storyLab.js";

describe("stories for the page", () => {
  it("all have an id of their own, a question, a claim and a source", () => {
    const all = storyInfos();
    expect(new Set(all.map((s) => s.id)).size).toBe(all.length);
    for (const s of all) expect([s.question, s.claim, s.source].every((t) => t.length > 3)).toBe(true);
    // they cross to the page as plain data
    expect(structuredClone(all)).toEqual(all);
  });

  it("answer what is out of range with the knob's name", () => {
    const s = storyInfos().find((x) => Object.values(x.knobs).some((k) => k.kind === "number"));
    const name = Object.entries(s?.knobs ?? {}).find(([, k]) => k.kind === "number")?.[0] ?? "";
    const a = answer({ id: 1, k: "run", story: s?.id ?? "", knobs: { [name]: -1e99 } });
    expect("err" in a && a.err).toContain(name);
    expect(answer({ id: 2, k: "run", story: "no such", knobs: {} })).toEqual({
      id: 2,
      err: "there is no story 'no such'",
    });
  });
});

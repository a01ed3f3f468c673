/** Stories, run: what the worker of the story pages does, apart from the worker. A result is what the command line prints, digit for digit. */
import type { Knob, Knobs, StoryResult } from "@kernelkit/core/stories";
import { CATALOGUE } from "kernelkit/stories";

/** A story without its run: for lists and forms. */
export interface StoryInfo {
  readonly id: string;
  readonly package: string;
  readonly question: string;
  readonly source: string;
  readonly claim: string;
  readonly assumes: readonly string[];
  readonly knobs: Readonly<Record<string, Knob>>;
}

export const storyInfos = (): StoryInfo[] =>
  CATALOGUE.map(({ package: from, story: s }) => ({
    id: s.id,
    package: from,
    question: s.question,
    source: s.source,
    claim: s.claim,
    assumes: s.assumes,
    knobs: s.knobs,
  }));

/** Run one. RangeError: there is no such story, or a knob is out of its range (it is named). */
export function runStory(id: string, knobs: Knobs): StoryResult {
  const entry = CATALOGUE.find((e) => e.story.id === id);
  if (entry === undefined) throw new RangeError(`there is no story '${id.slice(0, 60)}'`);
  return entry.story.run(knobs);
}

export type StoryRequest =
  | { readonly id: number; readonly k: "list" }
  | { readonly id: number; readonly k: "run"; readonly story: string; readonly knobs: Knobs };
export type StoryAnswer =
  | { readonly id: number; readonly ok: unknown; readonly ms: number }
  | { readonly id: number; readonly err: string };

/** A request's answer; never throws. */
export function answer(m: StoryRequest): StoryAnswer {
  const started = performance.now();
  try {
    const ok = m.k === "list" ? storyInfos() : runStory(String(m.story), m.knobs);
    return { id: m.id, ok, ms: performance.now() - started };
  } catch (e) {
    return { id: m.id, err: e instanceof Error ? e.message : String(e) };
  }
}

/** Now break it: one number of the story is to be halved or doubled, by whatever knob does it. The goal is checked on each run. */
import type { Knobs, StoryResult } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { useRef } from "preact/hooks";
import type { StoryInfo } from "../stories/storyLab.js";
import { cell } from "./format.js";

export function Puzzle({
  story,
  knobs,
  result,
}: {
  readonly story: StoryInfo;
  readonly knobs: Knobs;
  readonly result: StoryResult | null;
}): JSX.Element | null {
  /** The numbers of the first run that was seen. */
  const before = useRef<Readonly<Record<string, number>> | null>(null);
  if (result === null || Object.keys(story.knobs).length === 0) return null;
  before.current ??= result.numbers;
  const goal = Object.entries(before.current).find(([, v]) => v !== 0 && Number.isFinite(v));
  if (goal === undefined) return null;
  const [name, was] = goal;
  const now = result.numbers[name];
  const ratio = now / was;
  const done = Number.isFinite(ratio) && (ratio >= 2 || ratio <= 0.5);
  const moved = Object.entries(knobs)
    .filter(([n, v]) => story.knobs[n]?.default !== v)
    .map(([n]) => n);
  return (
    <section class="panel" aria-label="Now break it">
      <h2>Now break it</h2>
      <p>
        When you came, <b>{name}</b> was {cell(was)}. Which knob halves or doubles it?
      </p>
      <p role="status">
        {done
          ? `Done: it is ${cell(now)} now, ${ratio >= 2 ? `${ratio.toPrecision(3)} times as much` : `${(100 * ratio).toPrecision(3)} % of that`}${moved.length > 0 ? `, by ${moved.join(" and ")}` : ""}.`
          : `It is ${cell(now)} now.`}
      </p>
    </section>
  );
}

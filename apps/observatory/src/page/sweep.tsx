/** Over the parameter: a number of the story for nine values of one knob. */
import type { Knobs } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { StoryInfo } from "../stories/storyLab.js";
import { PlotPanel } from "./plot.js";
import { stories } from "./storyClient.js";

const POINTS = 9;

interface Done {
  readonly knob: string;
  readonly x: readonly number[];
  readonly numbers: readonly Readonly<Record<string, number>>[];
}

export function Sweep({
  story,
  knobs,
  theme,
}: {
  readonly story: StoryInfo;
  readonly knobs: Knobs;
  readonly theme: string;
}): JSX.Element | null {
  const able = Object.entries(story.knobs).filter(([, k]) => k.kind === "number");
  const [knob, setKnob] = useState(able[0]?.[0] ?? "");
  const [shown, setShown] = useState("");
  const [done, setDone] = useState<Done | null>(null);
  const [says, setSays] = useState("");
  if (able.length === 0) return null;
  const go = async (): Promise<void> => {
    const k = story.knobs[knob];
    if (k.kind !== "number") return;
    const whole = Number.isInteger(k.min) && Number.isInteger(k.max) && Number.isInteger(k.default);
    // around where one is, not to the end of ranges that go over decades
    const top = Math.min(k.max, Math.max(k.default * 4, k.min + 1));
    const x: number[] = [];
    const numbers: Record<string, number>[] = [];
    for (let i = 0; i < POINTS; i++) {
      const v = k.min + ((top - k.min) * i) / (POINTS - 1);
      const at = whole ? Math.round(v) : v;
      if (at === x.at(-1)) continue;
      setSays(`${i + 1} of ${POINTS}`);
      try {
        const r = await stories.run(story.id, { ...knobs, [knob]: at });
        x.push(at);
        numbers.push(r.numbers);
        setDone({ knob, x: [...x], numbers: [...numbers] });
      } catch (e) {
        setSays((e as Error).message);
        return;
      }
    }
    setSays("");
  };
  const names = Object.keys(done?.numbers[0] ?? {});
  const picked = names.includes(shown) ? [shown] : names.slice(0, 4);
  return (
    <section class="panel" aria-label="Over the parameter">
      <h2>Over the parameter</h2>
      <div class="row">
        <label for="sweep-knob">knob</label>
        <select id="sweep-knob" value={knob} onChange={(e) => setKnob(e.currentTarget.value)}>
          {able.map(([n]) => (
            <option key={n} value={n}>
              {n}
            </option>
          ))}
        </select>
        <button type="button" onClick={() => void go()}>
          Run it for {POINTS} values
        </button>
        {names.length > 0 && (
          <select aria-label="number shown" value={shown} onChange={(e) => setShown(e.currentTarget.value)}>
            <option value="">first four numbers</option>
            {names.map((n) => (
              <option key={n} value={n}>
                {n}
              </option>
            ))}
          </select>
        )}
        <span class="muted" role="status">
          {says}
        </span>
      </div>
      {done !== null && done.x.length > 1 && (
        <PlotPanel
          title={`Numbers over ${done.knob}`}
          what="The vertical line is where the run above is."
          xLabel={done.knob}
          x={done.x}
          lines={picked.map((n) => ({
            name: n,
            unit: "",
            what: "",
            linux: "",
            limit: false,
            y: done.numbers.map((r) => r[n]),
          }))}
          range={null}
          cursor={Number(knobs[done.knob])}
          theme={theme}
        />
      )}
    </section>
  );
}

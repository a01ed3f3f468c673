/**
 * A story's series, rivals on the same axes, with one cursor over all of them: at first it stands at the key moment, which is found in the data;
 * it can be dragged, and played from the beginning.
 */
import type { StoryResult } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { keyMoment, valueAt } from "../stories/moment.js";
import { quantity } from "./format.js";
import { PlotPanel } from "./plot.js";
import { reducedMotion } from "./session.js";

const PLAY_MS = 5000;

export function Played({ result, theme }: { readonly result: StoryResult; readonly theme: string }): JSX.Element {
  const moment = keyMoment(result);
  const [at, setAt] = useState<{ x: number; of: string } | null>(null);
  const [playing, setPlaying] = useState(false);
  const raf = useRef(0);
  useEffect(() => {
    setAt(moment === null ? null : { x: moment.x, of: moment.of });
  }, [result]);
  useEffect(() => () => cancelAnimationFrame(raf.current), []);
  const of = at?.of ?? moment?.of ?? "";
  const on = result.series.filter((s) => s.of === of && s.x.length > 1);
  const from = Math.min(...on.map((s) => s.x[0]));
  const to = Math.max(...on.map((s) => s.x[s.x.length - 1]));
  if (at === null || moment === null || !(to > from))
    return <SeriesPlots result={result} theme={theme} at={null} go={() => {}} />;
  const stop = (): void => {
    cancelAnimationFrame(raf.current);
    setPlaying(false);
  };
  const play = (): void => {
    stop();
    setPlaying(true);
    const begun = performance.now();
    const step = (): void => {
      const part = Math.min(1, (performance.now() - begun) / PLAY_MS);
      setAt({ x: from + (to - from) * part, of });
      if (part < 1) raf.current = requestAnimationFrame(step);
      else setPlaying(false);
    };
    step();
  };
  return (
    <>
      <section class="panel" aria-label="All on one clock">
        <div class="row">
          <h2 class="grow">All on one clock</h2>
          {!reducedMotion() && (
            <button type="button" onClick={playing ? stop : play}>
              {playing ? "Stop there" : "Play from the beginning"}
            </button>
          )}
          <button
            type="button"
            onClick={() => {
              stop();
              setAt({ x: moment.x, of: moment.of });
            }}
          >
            To the key moment
          </button>
        </div>
        <input
          type="range"
          class="scrub"
          min={from}
          max={to}
          step={(to - from) / 500}
          value={at.x}
          aria-label={`cursor over ${of}`}
          aria-valuetext={`${Number(at.x.toPrecision(4))} ${of}`}
          onInput={(e) => {
            stop();
            setAt({ x: Number(e.currentTarget.value), of });
          }}
        />
        <ul class="legend">
          <li>
            {of}: <b>{Number(at.x.toPrecision(4))}</b>
          </li>
          {on.slice(0, 8).map((s) => (
            <li key={`${s.name} ${s.unit}`}>
              {s.name} <b>{quantity(valueAt(s, at.x), s.unit)}</b>
            </li>
          ))}
        </ul>
        <p data-moment>{moment.says}</p>
      </section>
      <SeriesPlots
        result={result}
        theme={theme}
        at={at}
        go={(x, axis) => {
          stop();
          setAt({ x, of: axis });
        }}
      />
    </>
  );
}

/** Series with the same axes on one chart. */
function SeriesPlots({
  result,
  theme,
  at,
  go,
}: {
  readonly result: StoryResult;
  readonly theme: string;
  readonly at: { readonly x: number; readonly of: string } | null;
  readonly go: (x: number, of: string) => void;
}): JSX.Element {
  const groups = new Map<string, StoryResult["series"][number][]>();
  for (const s of result.series) {
    const key = `${s.unit} ${s.of}`;
    groups.set(key, [...(groups.get(key) ?? []), s]);
  }
  return (
    <>
      {[...groups.values()].map((list) => {
        // one x for all: the union, with gaps where a series has no point
        const x = [...new Set(list.flatMap((s) => [...s.x]))].sort((p, q) => p - q);
        const single = x.length < 2;
        if (single) return null;
        const lines = list.slice(0, 8).map((s) => {
          const at = new Map(s.x.map((v, i) => [v, s.y[i]]));
          const same = s.x.length === x.length;
          return {
            name: s.name,
            unit: s.unit,
            what: "",
            linux: "",
            limit: false,
            y: same ? [...s.y] : filled(x.map((v) => at.get(v) ?? Number.NaN)),
          };
        });
        return (
          <PlotPanel
            key={`${list[0].unit} ${list[0].of}`}
            title={`${list
              .map((s) => s.name)
              .slice(0, 3)
              .join(", ")}${list.length > 3 ? " …" : ""} (${list[0].unit})`}
            what={`Across: ${list[0].of}.`}
            xLabel={list[0].of}
            x={x}
            lines={lines}
            range={null}
            theme={theme}
            height={220}
            {...(at !== null && at.of === list[0].of && { cursor: at.x })}
            onPick={(v) => go(v, list[0].of)}
          />
        );
      })}
    </>
  );
}

/** A gap between two points of a series is a straight line. */
function filled(y: number[]): number[] {
  let last = -1;
  for (let i = 0; i < y.length; i++) {
    if (Number.isNaN(y[i])) continue;
    if (last >= 0) for (let j = last + 1; j < i; j++) y[j] = y[last] + ((y[i] - y[last]) * (j - last)) / (i - last);
    last = i;
  }
  return y;
}

/**
 * One story: question, a bet, the run, its series and table and numbers, the claim, and what the model assumes. Two runs can stand side by
 * side, each with its own settings; a sweep runs one knob over its range.
 */
import type { Knobs, StoryResult } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { StoryInfo } from "../stories/storyLab.js";
import { Bars } from "./bars.js";
import { DataTable } from "./figure.js";

import { KnobInput } from "./knob.js";
import type { Link } from "./link.js";
import { Played } from "./played.js";
import { Puzzle } from "./puzzle.js";
import { useStories } from "./stories.js";
import { stories } from "./storyClient.js";
import { Sweep } from "./sweep.js";

export interface StoryPageProps {
  readonly id: string;
  readonly link: Link;
  readonly theme: string;
}

export function StoryPage({ id, link, theme }: StoryPageProps): JSX.Element {
  const all = useStories();
  if (all === null) return <p class="panel">Loading the story …</p>;
  if (typeof all === "string") return <p class="note bad">{all}</p>;
  const story = all.find((s) => s.id === id);
  if (story === undefined)
    return (
      <p class="note">
        There is no story '{id.slice(0, 60)}'. <a href="#/stories">All stories</a>
      </p>
    );
  return <Told key={id} story={story} link={link} theme={theme} />;
}

/** Begins with a capital, ends with a point. */
const sentence = (t: string): string => `${t[0].toUpperCase()}${t.slice(1)}${/[.?!]$/.test(t) ? "" : "."}`;

const defaults = (s: StoryInfo): Knobs => Object.fromEntries(Object.entries(s.knobs).map(([n, k]) => [n, k.default]));

/** Settings of an address, made to fit. */
function linked(s: StoryInfo, o: Readonly<Record<string, string>>): Knobs {
  const out: Record<string, number | string> = { ...defaults(s) };
  for (const [name, text] of Object.entries(o)) {
    const k = Object.hasOwn(s.knobs, name) ? s.knobs[name] : undefined;
    if (k?.kind === "choice" && k.choices.includes(text)) out[name] = text;
    if (k?.kind === "number" && text !== "" && Number(text) >= k.min && Number(text) <= k.max) out[name] = Number(text);
  }
  return out;
}

interface Run {
  readonly knobs: Knobs;
  readonly result: StoryResult | null;
  readonly problem: string;
  readonly running: boolean;
}

/** A run of the story that follows its knobs. */
function useRun(story: StoryInfo, knobs: Knobs, on: boolean): Run {
  const [run, set] = useState<Run>({ knobs, result: null, problem: "", running: on });
  const wanted = useRef(0);
  const key = JSON.stringify(knobs);
  useEffect(() => {
    if (!on) return undefined;
    const mine = ++wanted.current;
    set((r) => ({ ...r, running: true, problem: "" }));
    const timer = setTimeout(() => {
      stories.run(story.id, JSON.parse(key) as Knobs).then(
        (result) => mine === wanted.current && set({ knobs, result, problem: "", running: false }),
        (e: Error) => mine === wanted.current && set((r) => ({ ...r, problem: e.message, running: false })),
      );
    }, 150);
    return () => clearTimeout(timer);
  }, [story.id, key, on]);
  return run;
}

function Told({
  story,
  link,
  theme,
}: {
  readonly story: StoryInfo;
  readonly link: Link;
  readonly theme: string;
}): JSX.Element {
  const [a, setA] = useState<Knobs>(() => linked(story, link.settings));
  const [b, setB] = useState<Knobs | null>(null);
  const [bets, setBets] = useState<Readonly<Record<string, string>>>({});
  const [open, setOpen] = useState(Object.keys(link.settings).length > 0);
  const first = useRun(story, a, true);
  const second = useRun(story, b ?? a, b !== null);
  const changed = Object.entries(a).filter(([n, v]) => story.knobs[n].default !== v);
  const names = Object.keys(first.result?.numbers ?? {});
  return (
    <>
      <p>
        <a href="#/stories">Stories</a>
      </p>
      <h1>{story.question}</h1>
      <p class="muted">
        {story.package}; from: {story.source}. On the command line:{" "}
        <code>
          npm run demo -- tour {story.id}
          {changed.map(([n, v]) => ` --set ${n}=${v}`).join("")}
        </code>
      </p>
      <section class="panel" aria-label="Bet">
        <h2>Your bet</h2>
        <p>Before you look: what will come out? Nothing is scored or sent. Press the button to skip it.</p>
        {!open && (
          <div class="row">
            {names.slice(0, 4).map((n) => (
              <label key={n}>
                {n}{" "}
                <input
                  type="text"
                  inputMode="decimal"
                  size={8}
                  value={bets[n] ?? ""}
                  onInput={(e) => setBets({ ...bets, [n]: e.currentTarget.value.slice(0, 20) })}
                />
              </label>
            ))}
            <button type="button" class="primary" onClick={() => setOpen(true)}>
              Show what happens
            </button>
          </div>
        )}
        {open && (
          <p>
            {Object.entries(bets)
              .filter(([, v]) => v !== "")
              .map(([n, v]) => `${n}: you said ${v}`)
              .join("; ") || "No bet was made."}
          </p>
        )}
      </section>
      <div class={b === null ? "" : "pair"}>
        <Side
          name="A"
          story={story}
          knobs={a}
          set={setA}
          run={first}
          open={open}
          bets={bets}
          theme={theme}
          other={b === null ? null : second.result}
        />
        {b !== null && (
          <Side
            name="B"
            story={story}
            knobs={b}
            set={setB}
            run={second}
            open={open}
            bets={{}}
            theme={theme}
            other={first.result}
          />
        )}
      </div>
      <div class="row panel">
        {b === null ? (
          <button type="button" onClick={() => setB({ ...a })}>
            Put a second run beside it
          </button>
        ) : (
          <button type="button" onClick={() => setB(null)}>
            Take the second run away
          </button>
        )}
        <button
          type="button"
          onClick={() => {
            const o = changed.map(([n, v]) => `${n}:${v}`).join(",");
            history.replaceState(null, "", `#/story/${story.id}?v=1${o === "" ? "" : `&o=${encodeURIComponent(o)}`}`);
            void navigator.clipboard?.writeText(location.href).catch(() => {});
          }}
        >
          Link to these settings
        </button>
      </div>
      {open && <Puzzle story={story} knobs={a} result={first.result} />}
      {open && <Sweep story={story} knobs={a} theme={theme} />}
      <section class="panel">
        <h2>The claim</h2>
        <p>{sentence(story.claim)}</p>
        <h2>What the model assumes</h2>
        <ul>
          {story.assumes.map((t) => (
            <li key={t}>{t}</li>
          ))}
        </ul>
      </section>
    </>
  );
}

interface SideProps {
  readonly name: string;
  readonly story: StoryInfo;
  readonly knobs: Knobs;
  readonly set: (k: Knobs) => void;
  readonly run: Run;
  readonly open: boolean;
  readonly bets: Readonly<Record<string, string>>;
  readonly theme: string;
  readonly other: StoryResult | null;
}

function Side({ name, story, knobs, set, run, open, bets, theme, other }: SideProps): JSX.Element {
  const { result } = run;
  return (
    <section aria-label={`run ${name}`}>
      <div class="panel">
        <h2>{other === null && name === "A" ? "Settings" : `Run ${name}`}</h2>
        <div class="cards">
          {Object.entries(story.knobs).map(([n, k]) => (
            <KnobInput key={n} name={n} knob={k} value={knobs[n]} onChange={(v) => set({ ...knobs, [n]: v })} />
          ))}
        </div>
        <div class="row" role="status">
          {run.running && (
            <>
              Running …{" "}
              <button type="button" onClick={() => stories.stop("stopped by you")}>
                Stop
              </button>
            </>
          )}
          {run.problem !== "" && <span style="color:var(--bad)">{run.problem}</span>}
        </div>
      </div>
      {result !== null && !open && <p class="panel">The result is there; it waits for your bet.</p>}
      {result !== null && open && (
        <div style={run.running ? "opacity:.6" : ""} data-result={story.id}>
          <Played result={result} theme={theme} />
          <Bars table={result.table} />
          <div class="panel">
            <h2>The table</h2>
            <DataTable table={result.table} label={story.question} />
          </div>
          <div class="panel">
            <h2>Numbers</h2>
            <DataTable
              label="numbers"
              table={{
                columns: ["number", "result", ...(other === null ? [] : ["the other run"]), "your bet"],
                rows: Object.entries(result.numbers).map(([n, v]) => [
                  n,
                  v,
                  ...(other === null ? [] : [other.numbers[n] ?? ""]),
                  bets[n] ?? "",
                ]),
              }}
            />
          </div>
        </div>
      )}
    </section>
  );
}

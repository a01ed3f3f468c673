/** Time: run, pause, steps both ways, speed, the scrubber. Every key has a button. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { MAX_SPEED } from "../lab/limits.js";
import { quantity, secondsText } from "./format.js";
import type { Session } from "./session.js";

const SPEEDS = [0.001, 0.01, 0.1, 0.25, 1, 4, 10, 100, 1000, MAX_SPEED];
const speedText = (s: number): string => (s >= MAX_SPEED ? "max" : `${s}×`);

export function Transport({ session }: { readonly session: Session }): JSX.Element | null {
  const f = session.frame;
  const [drag, setDrag] = useState<number | null>(null);
  const timer = useRef(0);
  if (f === null) return null;
  const end = Math.max(f.frontier.ns, 1);
  const at = drag ?? f.now;
  const scrub = (ns: number): void => {
    setDrag(ns);
    clearTimeout(timer.current);
    timer.current = window.setTimeout(() => {
      void session.seek({ ns: Math.round(ns), k: 0 }).then(() => setDrag(null));
    }, 60);
  };
  const live = f.at.ns >= f.frontier.ns;
  const branch = f.branches.find((b) => b.id === f.branch);
  return (
    <footer class="transport" aria-label="Time">
      <button
        type="button"
        title="to the start"
        aria-label="|‹, to the start"
        onClick={() => session.seek({ ns: 0, k: 0 })}
      >
        |‹
      </button>
      <button
        type="button"
        class="wide"
        title="a second back ({)"
        aria-label="−1 s, a second back"
        onClick={() => session.step("second", -1)}
      >
        −1 s
      </button>
      <button
        type="button"
        class="wide"
        title="a jiffy back ([)"
        aria-label="−j, a jiffy back"
        onClick={() => session.step("jiffy", -1)}
      >
        −j
      </button>
      <button
        type="button"
        title="an event back (,)"
        aria-label="‹e, an event back"
        onClick={() => session.step("event", -1)}
      >
        ‹e
      </button>
      <button type="button" class="primary" title="run or pause (space)" onClick={() => session.toggle()}>
        {f.running ? "Pause" : "Run"}
      </button>
      <button
        type="button"
        title="an event on (.)"
        aria-label="e›, an event on"
        onClick={() => session.step("event", 1)}
      >
        e›
      </button>
      <button
        type="button"
        class="wide"
        title="a jiffy on (])"
        aria-label="+j, a jiffy on"
        onClick={() => session.step("jiffy", 1)}
      >
        +j
      </button>
      <button
        type="button"
        class="wide"
        title="a second on (})"
        aria-label="+1 s, a second on"
        onClick={() => session.step("second", 1)}
      >
        +1 s
      </button>
      <label>
        <span class="sr">speed</span>
        <select
          value={String(session.speed)}
          onChange={(e) => {
            session.speed = Number(e.currentTarget.value);
            if (f.running) void session.run();
            else session.changed();
          }}
        >
          {SPEEDS.map((s) => (
            <option key={s} value={String(s)}>
              {speedText(s)}
            </option>
          ))}
        </select>
      </label>
      <input
        class="scrub"
        type="range"
        min={0}
        max={end}
        step={1e6}
        value={at}
        aria-label="instant"
        aria-valuetext={`${(at / 1e9).toFixed(3)} seconds of ${(end / 1e9).toFixed(3)}`}
        onInput={(e) => scrub(Number(e.currentTarget.value))}
      />
      <output aria-label="now">
        {drag === null ? secondsText(f.now) : `about ${(drag / 1e9).toFixed(3)} s`}
        {f.at.k > 0 ? ` +${f.at.k}` : ""}
      </output>
      <span class="muted">
        {f.running
          ? `got ${quantity(Number(f.achieved.toPrecision(2)))}×`
          : f.seeking
            ? "going there"
            : live
              ? "at the frontier"
              : "in the past"}
        {branch === undefined ? "" : `, branch ${branch.name}`}
      </span>
      {!live && (
        <button type="button" title="to the frontier (L)" onClick={() => session.seek(f.frontier)}>
          Live
        </button>
      )}
    </footer>
  );
}

/** Keys of time, while nothing that takes text has the focus. */
export function useTimeKeys(session: Session): void {
  useEffect(() => {
    // m or ' waits for a letter
    let pending = "";
    const on = (e: KeyboardEvent): void => {
      const t = e.target as HTMLElement;
      if (
        t.closest("input:not([type=range]), select, textarea, dialog, .term") === null &&
        e.ctrlKey &&
        e.key === "z"
      ) {
        e.preventDefault();
        session.toParent();
        return;
      }
      if (e.key === "F6") {
        e.preventDefault();
        nextPane(t, e.shiftKey ? -1 : 1);
        return;
      }
      if (e.ctrlKey || e.metaKey || e.altKey || t.closest("input:not([type=range]), select, textarea, dialog, .term"))
        return;
      if (pending !== "") {
        const how = pending;
        pending = "";
        if (/^[a-z0-9]$/.test(e.key)) {
          e.preventDefault();
          if (how === "m") session.bookmark(e.key);
          else if (!session.toBookmark(e.key)) session.said = `There is no bookmark ${e.key}.`;
          session.changed();
          return;
        }
      }
      if (e.key === "m" || e.key === "'") {
        e.preventDefault();
        pending = e.key;
        return;
      }
      const act = KEYS[e.key];
      if (act === undefined || (e.key === " " && t.closest("button, summary, a"))) return;
      e.preventDefault();
      act(session);
    };
    addEventListener("keydown", on);
    return () => removeEventListener("keydown", on);
  }, [session]);
}

/** The next region of the page gets the focus. */
function nextPane(from: HTMLElement, dir: 1 | -1): void {
  const panes = [
    ...document.querySelectorAll<HTMLElement>("header, .rail, figure, main section, aside, footer"),
  ].filter((p) => p.querySelector("button, a, input, select, [tabindex='0']") !== null);
  const at = panes.findLastIndex((p) => p.contains(from));
  const to = panes[(at + dir + panes.length) % panes.length];
  to.querySelector<HTMLElement>("button, a, input, select, [tabindex='0']")?.focus();
}

const faster = (s: Session, by: number): void => {
  const i = SPEEDS.findIndex((x) => x >= s.speed);
  s.speed = SPEEDS[Math.min(SPEEDS.length - 1, Math.max(0, i + by))];
  if (s.frame?.running === true) void s.run();
  else s.changed();
};
const KEYS: Readonly<Record<string, (s: Session) => void>> = {
  " ": (s) => void s.toggle(),
  ",": (s) => void s.step("event", -1),
  ".": (s) => void s.step("event", 1),
  "[": (s) => void s.step("jiffy", -1),
  "]": (s) => void s.step("jiffy", 1),
  "{": (s) => void s.step("second", -1),
  "}": (s) => void s.step("second", 1),
  "-": (s) => faster(s, -1),
  "+": (s) => faster(s, 1),
  l: (s) => void (s.frame === null || s.seek(s.frame.frontier)),
  w: (s) => s.zoom(0.5),
  s: (s) => s.zoom(2),
  a: (s) => s.pan(-0.25),
  d: (s) => s.pan(0.25),
  z: (s) => {
    s.window = null;
    s.changed();
  },
  b: (s) => s.mark(),
  x: (s) => s.clearArea(),
  n: (s) => void s.find(1),
  N: (s) => void s.find(-1),
  "/": () => document.getElementById("filter")?.focus(),
};
export const KEY_HELP: readonly (readonly [string, string])[] = [
  ["space", "run or pause"],
  [", .", "an event back, on"],
  ["[ ]", "a jiffy back, on"],
  ["{ }", "a second back, on"],
  ["- +", "slower, faster"],
  ["l", "to the frontier"],
  ["w s", "zoom in, out"],
  ["a d", "pan"],
  ["z", "all of the time"],
  ["b", "one end of a stretch, then the other: its numbers; x clears it"],
  ["m '", "and a letter: keep this instant, go to it"],
  ["Ctrl+z", "back to the branch this one left"],
  ["f", "in a picture: follow the part that is pointed at"],
  ["t", "in a picture: its table"],
  ["/", "filter events"],
  ["n N", "next, previous event that fits"],
  ["arrows", "walk the parts of a picture"],
  ["F6", "next pane; also out of the terminal"],
  ["?", "this list"],
];

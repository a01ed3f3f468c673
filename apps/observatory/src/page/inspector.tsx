/** What is followed: one entity, marked in every picture, with its life line. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import type { Session } from "./session.js";

/** The halo of the followed entity, in whatever picture it is. */
export function Halo({ of }: { readonly of: string }): JSX.Element | null {
  if (of === "") return null;
  const name = of.replace(/["\\\n<]/g, "");
  return (
    <style>{`[data-of="${name}"] :is(rect, circle, path) { stroke: var(--link) !important; stroke-width: 3px !important; }
[data-of="${name}"] text { font-weight: 700; fill: var(--link); }`}</style>
  );
}

const KINDS: readonly (readonly [string, string])[] = [
  ["task", "a task, by its pid"],
  ["irq", "an interrupt line"],
  ["page", "a page frame, by its number"],
  ["group", "a control group, by its path"],
  ["file", "a file, by its name"],
  ["log", "a log, by whose it is"],
];

export function Inspector({ session }: { readonly session: Session }): JSX.Element | null {
  const { follow, frame } = session;
  const [kind, setKind] = useState("task");
  const [name, setName] = useState("");
  const [problem, setProblem] = useState("");
  if (frame === null) return null;
  const { life } = frame;
  const start = (e: Event): void => {
    e.preventDefault();
    const n = name.trim();
    const fits =
      kind === "task" || kind === "irq" || kind === "page" ? /^\d{1,9}$/.test(n) : /^[^\s"\\<]{1,80}$/.test(n);
    setProblem(
      fits
        ? ""
        : `${kind}: ${kind === "group" || kind === "file" || kind === "log" ? "a name" : "a number"} is needed.`,
    );
    if (fits && `${kind}:${n}` !== follow) session.setFollow(`${kind}:${n}`);
  };
  return (
    <section class="panel" aria-label="Followed">
      <h2>{follow === "" ? "Follow one thing" : `Followed: ${follow}`}</h2>
      {follow === "" && (
        <>
          <p class="muted">
            Point at a part and press f, or name it: it is marked in every picture and gets a life line.
          </p>
          <form class="row" onSubmit={start}>
            <label class="sr" for="follow-kind">
              kind of thing
            </label>
            <select id="follow-kind" value={kind} onChange={(e) => setKind(e.currentTarget.value)}>
              {KINDS.map(([k, what]) => (
                <option key={k} value={k} title={what}>
                  {k}
                </option>
              ))}
            </select>
            <label class="sr" for="follow-name">
              its name or number
            </label>
            <input
              id="follow-name"
              size={8}
              maxLength={100}
              placeholder="300"
              value={name}
              onInput={(e) => setName(e.currentTarget.value)}
            />
            <button type="submit">Follow</button>
          </form>
          <small role="alert" style="color:var(--bad)">
            {problem}
          </small>
        </>
      )}
      {follow !== "" && life !== null && (
        <>
          <p>
            {life.total === 0
              ? "No event of this view is about it yet."
              : `${life.total} events are about it, ${life.here} of them up to the cursor.`}
          </p>
          <Ticks ticks={life.ticks} from={frame.from / 1e9} to={frame.to / 1e9} />
          <ol class="life" reversed={true} start={life.here}>
            {life.last.slice(0, 12).map((e, i) => (
              <li key={`${e.ns} ${e.event} ${life.here - i}`}>
                <button type="button" class="mono" onClick={() => void session.seek({ ns: e.ns, k: 0 })}>
                  {(e.ns / 1e9).toFixed(6)} s
                </button>{" "}
                {e.name.replace(/^[a-z_]+:/, "")} <span class="muted">{e.text.slice(0, 120)}</span>
              </li>
            ))}
          </ol>
          <button type="button" onClick={() => session.setFollow(follow)}>
            Stop following
          </button>
        </>
      )}
    </section>
  );
}

/** When something was about it, over the time shown. */
function Ticks({
  ticks,
  from,
  to,
}: {
  readonly ticks: Uint8Array;
  readonly from: number;
  readonly to: number;
}): JSX.Element {
  const n = ticks.length;
  let d = "";
  for (let i = 0; i < n; i++)
    if (ticks[i] > 0) d += `M${((i + 0.5) * 300) / n} ${18 - Math.min(14, 4 + ticks[i] * 2)}V18`;
  return (
    <svg viewBox="0 0 300 30" class="ticks" role="img" aria-label={`when its events were, ${from} to ${to} s`}>
      <path d={d} style="stroke:var(--link);stroke-width:1.5" />
      <path d="M0 18.5H300" class="axis" />
      <text x="0" y="29" class="m">
        {Number(from.toPrecision(4))} s
      </text>
      <text x="300" y="29" class="m" text-anchor="end">
        {Number(to.toPrecision(4))} s
      </text>
    </svg>
  );
}

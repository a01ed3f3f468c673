/** Numbers of a stretch of time, for every track of the view. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { csv } from "../lab/exports.js";
import { DataTable } from "./figure.js";
import { save } from "./save.js";
import type { Session } from "./session.js";

export function Areas({ session }: { readonly session: Session }): JSX.Element {
  const { area } = session;
  const [text, setText] = useState("");
  const [problem, setProblem] = useState("");
  const typed = (e: Event): void => {
    e.preventDefault();
    const m = /^\s*(\d+(?:\.\d+)?)\s*(?:\.\.|to|-)\s*(\d+(?:\.\d+)?)\s*$/.exec(text);
    const fits = m !== null && Number(m[1]) < Number(m[2]);
    setProblem(fits ? "" : "A stretch is FROM..TO in seconds, as 1.5..3.");
    if (fits) void session.select(Number(m[1]), Number(m[2]));
  };
  const columns = ["track", "count", "sum", "min", "mean", "p50", "p99", "max"];
  const rows = (area?.rows ?? []).map((r) => [r.name, r.count, r.sum, r.min, r.mean, r.p50, r.p99, r.max].map(given));
  return (
    <section class="panel" aria-label="A stretch of time">
      <div class="row">
        <h2 class="grow">
          {area === null ? "A stretch of time" : `From ${area.from.toFixed(3)} to ${area.to.toFixed(3)} s`}
        </h2>
        <form class="row" onSubmit={typed}>
          <label for="stretch">seconds</label>
          <input
            id="stretch"
            size={10}
            maxLength={60}
            placeholder="1.5..3"
            value={text}
            onInput={(e) => setText(e.currentTarget.value)}
          />
          <button type="submit">Numbers</button>
        </form>
        {area !== null && (
          <>
            <button type="button" onClick={() => session.setWindow(area.from, area.to)}>
              Zoom to it
            </button>
            <button type="button" onClick={() => save("stretch.csv", "text/csv", csv([columns, ...rows]))}>
              CSV
            </button>
            <button type="button" onClick={() => session.clearArea()}>
              Clear
            </button>
          </>
        )}
      </div>
      <small role="alert" style="color:var(--bad)">
        {problem}
      </small>
      {area === null ? (
        <p class="muted">
          Drag over a plot, press b at two instants, or type it: count, sum, mean and percentiles of every track in it.
        </p>
      ) : (
        <DataTable table={{ columns, rows }} label="numbers of the stretch" />
      )}
    </section>
  );
}

const given = (v: string | number): string | number => (typeof v === "number" && !Number.isFinite(v) ? "" : v);

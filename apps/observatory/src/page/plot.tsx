/** Charts with their words: what each line is, its values, a sentence, a table, exports; and a cursor for the keyboard. */
import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { csv } from "../lab/exports.js";
import type { ViewInfo } from "../lab/protocol.js";
import { Chart, type ChartProps, extent, roundUp, token } from "./chart.js";
import { DataTable, Saves } from "./figure.js";
import { quantity } from "./format.js";
import { plotSvg } from "./plotSvg.js";
import { save, toPng } from "./save.js";
import type { Session } from "./session.js";

const GLYPHS = ["●", "✕", "✚", "◆", "■", "▬", "▼", "▲"];

/** Min, max and last of the defined values. */
export function spread(y: ArrayLike<number>): { min: number; max: number; last: number } | null {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let last = Number.NaN;
  for (let i = 0; i < y.length; i++) {
    if (Number.isNaN(y[i]) || y[i] === null) continue;
    min = Math.min(min, y[i]);
    max = Math.max(max, y[i]);
    last = y[i];
  }
  return min > max ? null : { min, max, last };
}

export interface PlotPanelProps extends ChartProps {
  readonly what: string;
}

/** A chart with its words. */
export function PlotPanel(p: PlotPanelProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const [at, setAt] = useState(-1);
  const rows = (): (string | number)[][] => Array.from(p.x, (t, i) => [t, ...p.lines.map((l) => l.y[i] ?? "")]);
  const head = [p.xLabel, ...p.lines.map((l) => `${l.name} (${l.unit})`)];
  const table = { columns: head, rows: open ? thinned(rows()) : [] };
  const drawing = (): string => {
    const most = Math.max(0, ...p.lines.map((l) => spread(l.y)?.max ?? 0).filter(Number.isFinite));
    const words = [p.what, location.href];
    return plotSvg({ ...p, range: p.range ?? extent(p.x), top: roundUp(most), words, token });
  };
  const walk = (e: KeyboardEvent): void => {
    const n = p.x.length;
    const to = {
      ArrowRight: at + 1,
      ArrowLeft: at < 0 ? n - 1 : at - 1,
      Home: 0,
      End: n - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    }[e.key];
    if (e.key === "Enter" && at >= 0) p.onPick?.(p.x[at]);
    else if (to === undefined || n === 0) return;
    else setAt(Math.min(n - 1, Math.max(0, to)));
    e.preventDefault();
    e.stopPropagation();
  };
  const point = at >= 0 && at < p.x.length;
  return (
    <figure class="panel">
      <div class="row">
        <h2 class="grow">{p.title}</h2>
        <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
          Table
        </button>
        <Saves
          svg={() => save(`${p.title}.svg`, "image/svg+xml", drawing())}
          png={() => void toPng(drawing()).then((b) => save(`${p.title}.png`, "image/png", b))}
          csv={() => save(`${p.title}.csv`, "text/csv", csv([head, ...rows()]))}
        />
      </div>
      <div
        class="picture"
        role="group"
        tabIndex={0}
        aria-label={`${p.title}. Arrow keys walk the points.`}
        onKeyDown={walk}
      >
        <Chart {...p} />
        <div class={point ? "explain" : "sr"} role="status">
          {point &&
            `${p.xLabel} ${Number(p.x[at].toPrecision(6))}: ${p.lines.map((l) => `${l.name} ${quantity(Number(l.y[at]), l.unit)}`).join(", ")}.`}
        </div>
      </div>
      <figcaption>
        <ul class="legend">
          {p.lines.map((l, i) => {
            const s = spread(l.y);
            return (
              <li key={l.name}>
                <span aria-hidden="true" style={`color:var(--${l.limit ? "muted" : `c${i % 8}`})`}>
                  {l.limit ? "╌" : GLYPHS[i % 8]}
                </span>{" "}
                <b>{l.name}</b>
                {s === null ? ": no value" : `: ${quantity(s.last, l.unit)} (${quantity(s.min)} to ${quantity(s.max)})`}
                {". "}
                <span class="muted">
                  {l.what}
                  {l.linux === "" ? "" : ` Linux: ${l.linux}.`}
                  {l.onDrag === undefined ? "" : " It can be dragged."}
                </span>
              </li>
            );
          })}
        </ul>
        <small>{p.what} The scale begins at 0 and grows in steps.</small>
      </figcaption>
      {open && <DataTable table={table} label={p.title} />}
    </figure>
  );
}

const thinned = <T,>(rows: T[]): T[] => {
  const every = Math.ceil(rows.length / 1000);
  return every <= 1 ? rows : rows.filter((_, i) => i % every === 0);
};

/** The gauges of a view, a panel for each group. */
export function GaugePlots(p: {
  readonly session: Session;
  readonly view: ViewInfo;
  readonly theme: string;
  /** One group only. */
  readonly only?: string;
}): JSX.Element | null {
  const { session } = p;
  const { frame, area } = session;
  if (frame === null) return null;
  const groups = [...new Set(p.view.gauges.map((g) => g.group))].filter((g) => p.only === undefined || g === p.only);
  const rival = frame.others.find((o) => o.view === p.view.id);
  return (
    <>
      {groups.map((group) => {
        const of = p.view.gauges.flatMap((g, i) => (g.group === group ? [i] : []));
        const part = (c: { readonly x: Float64Array; readonly y: readonly Float64Array[] } | null | undefined) =>
          c == null ? null : { x: c.x, y: of.map((i) => c.y[i]) };
        return (
          <PlotPanel
            key={group}
            title={group[0].toUpperCase() + group.slice(1)}
            what={`Click to go to an instant, drag to select a stretch.${rival === undefined ? "" : " Long dashes: the kernel beside."}`}
            xLabel="seconds"
            sync="time"
            x={frame.gauges.x}
            lines={of.map((i) => ({ ...p.view.gauges[i], y: frame.gauges.y[i], ...dragOf(session, p.view, i) }))}
            range={[frame.from / 1e9, frame.to / 1e9]}
            cursor={frame.now / 1e9}
            ghost={part(frame.ghost)}
            rival={part(rival?.gauges)}
            area={area === null ? null : [area.from, area.to]}
            theme={p.theme}
            onPick={(s) => void session.seek({ ns: Math.max(0, Math.round(s * 1e9)), k: 0 })}
            onArea={(a, b) => void session.select(a, b)}
          />
        );
      })}
    </>
  );
}

/** A limit that stands for a control: dragging it is the control's write. */
function dragOf(session: Session, view: ViewInfo, gauge: number): { onDrag?: (v: number) => void } {
  const { drag } = view.gauges[gauge];
  const knob = drag === null ? undefined : view.controls.find((c) => c.name === drag.control)?.knob;
  if (drag === null || knob?.kind !== "number") return {};
  const { min, max } = knob;
  return {
    onDrag(v) {
      const wanted = Number((v / drag.per).toPrecision(3));
      void session.input(drag.control, Math.min(max, Math.max(min, wanted)));
    },
  };
}

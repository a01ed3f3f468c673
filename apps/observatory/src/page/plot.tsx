/** Series over the shared time axis, by uPlot. Limits are dashed; the future that a branch left is a thin dotted ghost. */
import type { JSX } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { csv } from "../lab/exports.js";
import type { Frame, ViewInfo } from "../lab/protocol.js";
import { DataTable } from "./figure.js";
import { quantity } from "./format.js";
import { save } from "./save.js";

const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const GLYPHS = ["●", "✕", "✚", "◆", "■", "▬", "▼", "▲"];

export interface Line {
  readonly name: string;
  readonly unit: string;
  readonly what: string;
  readonly linux: string;
  readonly limit: boolean;
  readonly y: ArrayLike<number>;
}

interface ChartProps {
  readonly title: string;
  readonly xLabel: string;
  readonly x: ArrayLike<number>;
  readonly lines: readonly Line[];
  readonly range: readonly [number, number] | null;
  readonly cursor?: number;
  readonly ghost?: { readonly x: ArrayLike<number>; readonly y: readonly ArrayLike<number>[] } | null;
  readonly theme: string;
  readonly sync?: string;
  readonly height?: number;
  readonly onPick?: (x: number) => void;
}

/** A chart of lines; redrawn in place when its data change. */
export function Chart(p: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(p);
  latest.current = p;
  const shape = `${p.theme} ${p.lines.map((l) => l.name).join("|")} ${p.height ?? 150}`;
  useEffect(() => {
    const el = box.current;
    if (el === null) return;
    const ink = token("--muted");
    const axis = {
      stroke: ink,
      grid: { stroke: token("--grid"), width: 1 },
      ticks: { show: false },
      font: "12px system-ui",
    };
    const u = new uPlot(
      {
        width: Math.max(200, el.clientWidth),
        height: p.height ?? 150,
        legend: { show: false },
        cursor: { drag: { x: false, y: false }, ...(p.sync !== undefined && { sync: { key: p.sync } }) },
        scales: {
          x: { time: false, range: () => [...(latest.current.range ?? extent(latest.current.x))] as [number, number] },
          y: { range: (_u, _lo, hi) => [0, roundUp(hi)] },
        },
        axes: [
          { ...axis, size: 26 },
          { ...axis, size: 62, values: (_u, vs) => vs.map((v) => quantity(v)) },
        ],
        series: [
          {},
          ...p.lines.map((l, i) => ({
            stroke: token(l.limit ? "--muted" : `--c${i % 8}`),
            width: l.limit ? 1.25 : 1.75,
            ...(l.limit && {
              dash: [
                [6, 4],
                [2, 3],
                [9, 3, 2, 3],
              ][i % 3],
            }),
            points: { show: false },
          })),
        ],
        hooks: { draw: [(v) => overlay(v, latest.current)] },
      },
      data(p),
      el,
    );
    u.over.addEventListener("click", () => {
      const left = u.cursor.left ?? -1;
      if (left >= 0) latest.current.onPick?.(u.posToVal(left, "x"));
    });
    const size = new ResizeObserver(() => u.setSize({ width: Math.max(200, el.clientWidth), height: p.height ?? 150 }));
    size.observe(el);
    plot.current = u;
    return () => {
      size.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [shape]);
  useEffect(() => {
    plot.current?.setData(data(p));
  });
  return <div ref={box} class="plot" aria-hidden="true" />;
}

const data = (p: ChartProps): uPlot.AlignedData => [p.x, ...p.lines.map((l) => l.y)] as unknown as uPlot.AlignedData;

function extent(x: ArrayLike<number>): [number, number] {
  if (x.length === 0) return [0, 1];
  let [a, b] = [x[0], x[0]];
  for (let i = 1; i < x.length; i++) {
    if (x[i] < a) a = x[i];
    if (x[i] > b) b = x[i];
  }
  return a === b ? [a - 1, b + 1] : [a, b];
}

/** 1, 2, 5 times a power of ten, so that a scale grows in steps and does not jump about. */
function roundUp(v: number | null): number {
  if (v === null || !(v > 0)) return 1;
  const p = 10 ** Math.floor(Math.log10(v));
  return ([1, 1.5, 2, 3, 5, 7.5, 10].find((m) => m * p >= v) ?? 10) * p;
}

/** Ghost and cursor, on top. */
function overlay(u: uPlot, p: ChartProps): void {
  const { ctx } = u;
  ctx.save();
  const { left, top, width, height } = u.bbox;
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  const { ghost } = p;
  if (ghost != null)
    ghost.y.forEach((y, g) => {
      if (p.lines[g]?.limit) return;
      ctx.strokeStyle = token(`--c${g % 8}`);
      ctx.setLineDash([2, 4]);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      for (let i = 0; i < ghost.x.length; i++)
        if (!Number.isNaN(y[i])) ctx.lineTo(u.valToPos(ghost.x[i], "x", true), u.valToPos(y[i], "y", true));
      ctx.stroke();
    });
  if (p.cursor !== undefined) {
    const x = u.valToPos(p.cursor, "x", true);
    ctx.strokeStyle = token("--ink");
    ctx.setLineDash([]);
    ctx.lineWidth = 1.5 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(x, top);
    ctx.lineTo(x, top + height);
    ctx.stroke();
  }
  ctx.restore();
}

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

/** A chart with its words: legend with values, a sentence, a table, exports. */
export function PlotPanel(p: PlotPanelProps): JSX.Element {
  const [open, setOpen] = useState(false);
  const rows = (): (string | number)[][] => Array.from(p.x, (t, i) => [t, ...p.lines.map((l) => l.y[i] ?? "")]);
  const head = [p.xLabel, ...p.lines.map((l) => `${l.name} (${l.unit})`)];
  const table = { columns: head, rows: open ? thinned(rows()) : [] };
  return (
    <figure class="panel">
      <div class="row">
        <h2 class="grow">{p.title}</h2>
        <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
          Table
        </button>
        <button type="button" onClick={() => save(`${p.title}.csv`, "text/csv", csv([head, ...rows()]))}>
          CSV
        </button>
      </div>
      <Chart {...p} />
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
  readonly view: ViewInfo;
  readonly frame: Frame;
  readonly shown: readonly [number, number];
  readonly theme: string;
  readonly seek: (s: number) => void;
}): JSX.Element {
  const groups = [...new Set(p.view.gauges.map((g) => g.group))];
  return (
    <>
      {groups.map((group) => {
        const of = p.view.gauges.flatMap((g, i) => (g.group === group ? [i] : []));
        return (
          <PlotPanel
            key={group}
            title={group[0].toUpperCase() + group.slice(1)}
            what="Click to go to an instant."
            xLabel="seconds"
            sync="time"
            x={p.frame.gauges.x}
            lines={of.map((i) => ({ ...p.view.gauges[i], y: p.frame.gauges.y[i] }))}
            range={p.shown}
            cursor={p.frame.now / 1e9}
            ghost={
              p.frame.ghost === null
                ? null
                : { x: p.frame.ghost.x, y: of.map((i) => (p.frame.ghost as Frame["gauges"]).y[i]) }
            }
            theme={p.theme}
            onPick={p.seek}
          />
        );
      })}
    </>
  );
}

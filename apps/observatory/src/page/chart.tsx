/**
 * Lines over a shared axis, by uPlot. Limits are dashed, and those that stand for a control can be dragged; the future that a branch left is
 * a thin dotted ghost, a kernel beside this one long dashes. Dragging over the plot selects a stretch of it.
 */
import type { JSX } from "preact";
import { useEffect, useLayoutEffect, useRef } from "preact/hooks";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { quantity } from "./format.js";

export const token = (name: string): string => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

export interface Line {
  readonly name: string;
  readonly unit: string;
  readonly what: string;
  readonly linux: string;
  readonly limit: boolean;
  readonly y: ArrayLike<number>;
  /** It can be dragged to another value. */
  readonly onDrag?: (value: number) => void;
}

interface Lines {
  readonly x: ArrayLike<number>;
  readonly y: readonly ArrayLike<number>[];
}

export interface ChartProps {
  readonly title: string;
  readonly xLabel: string;
  readonly x: ArrayLike<number>;
  readonly lines: readonly Line[];
  readonly range: readonly [number, number] | null;
  readonly cursor?: number;
  readonly ghost?: Lines | null;
  /** The same lines of a kernel beside this one. */
  readonly rival?: Lines | null;
  /** A selected stretch. */
  readonly area?: readonly [number, number] | null;
  readonly theme: string;
  readonly sync?: string;
  readonly height?: number;
  readonly onPick?: (x: number) => void;
  readonly onArea?: (from: number, to: number) => void;
}

/** How near to a line one must be to take hold of it, px. */
const REACH = 9;

/** A chart of lines; redrawn in place when its data change. */
export function Chart(p: ChartProps): JSX.Element {
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const latest = useRef(p);
  latest.current = p;
  const held = useRef<Held | null>(null);
  const picked = useRef(0);
  const last = useRef("");
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
        cursor: {
          drag: { x: p.onArea !== undefined, y: false, setScale: false },
          ...(p.sync !== undefined && { sync: { key: p.sync } }),
        },
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
        hooks: {
          draw: [(v) => overlay(v, latest.current, held.current)],
          setSelect: [
            (v) => {
              const { left, width } = v.select;
              if (width < 4) return;
              const [from, to] = [v.posToVal(left, "x"), v.posToVal(left + width, "x")];
              v.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
              picked.current = performance.now();
              latest.current.onArea?.(from, to);
            },
          ],
        },
      },
      data(p),
      el,
    );
    u.over.addEventListener("click", () => {
      const left = u.cursor.left ?? -1;
      // the end of a drag is a click too
      if (left >= 0 && performance.now() - picked.current > 50) latest.current.onPick?.(u.posToVal(left, "x"));
    });
    grips(u, latest, held, picked);
    const size = new ResizeObserver(() => u.setSize({ width: Math.max(200, el.clientWidth), height: p.height ?? 150 }));
    size.observe(el);
    plot.current = u;
    return () => {
      size.disconnect();
      u.destroy();
      plot.current = null;
    };
  }, [shape]);
  useLayoutEffect(() => {
    // without a change of what is drawn there is nothing to draw
    const key = `${p.x.length} ${p.x[p.x.length - 1]} ${p.cursor} ${p.range?.join()} ${p.area?.join()} ${p.lines.map((l) => l.y[l.y.length - 1]).join()}`;
    if (key === last.current && p.ghost == null && p.rival == null) return;
    last.current = key;
    plot.current?.setData(data(p));
  });
  return <div ref={box} class="plot" aria-hidden="true" />;
}

const data = (p: ChartProps): uPlot.AlignedData => [p.x, ...p.lines.map((l) => l.y)] as unknown as uPlot.AlignedData;

export function extent(x: ArrayLike<number>): [number, number] {
  if (x.length === 0) return [0, 1];
  let [a, b] = [x[0], x[0]];
  for (let i = 1; i < x.length; i++) {
    if (x[i] < a) a = x[i];
    if (x[i] > b) b = x[i];
  }
  return a === b ? [a - 1, b + 1] : [a, b];
}

/** 1, 2, 5 times a power of ten, so that a scale grows in steps and does not jump about. */
export function roundUp(v: number | null): number {
  if (v === null || !(v > 0)) return 1;
  const p = 10 ** Math.floor(Math.log10(v));
  return ([1, 1.5, 2, 3, 5, 7.5, 10].find((m) => m * p >= v) ?? 10) * p;
}

/** A line that is being dragged, and where it is. */
interface Held {
  readonly line: number;
  readonly value: number;
}
type Ref<T> = { current: T };

/** Lines that can be taken hold of and moved: with mouse, pen and finger. */
function grips(u: uPlot, latest: Ref<ChartProps>, held: Ref<Held | null>, picked: Ref<number>): void {
  const { over } = u;
  const near = (e: PointerEvent): number => {
    const y = e.clientY - over.getBoundingClientRect().top;
    return latest.current.lines.findIndex((l) => {
      const v = Array.from(l.y).findLast((x) => Number.isFinite(x));
      return l.onDrag !== undefined && v !== undefined && Math.abs(u.valToPos(v, "y") - y) < REACH;
    });
  };
  const at = (e: PointerEvent): number => Math.max(0, u.posToVal(e.clientY - over.getBoundingClientRect().top, "y"));
  over.addEventListener("pointerdown", (e) => {
    const line = near(e);
    if (line < 0) return;
    held.current = { line, value: at(e) };
    over.setPointerCapture(e.pointerId);
    e.preventDefault();
  });
  // uPlot must not begin a selection meanwhile
  over.addEventListener("mousedown", (e) => held.current !== null && e.stopImmediatePropagation(), true);
  over.addEventListener("pointermove", (e) => {
    over.style.cursor = held.current !== null || near(e) >= 0 ? "ns-resize" : "crosshair";
    over.style.touchAction = near(e) >= 0 ? "none" : "pan-y";
    if (held.current === null) return;
    held.current = { line: held.current.line, value: at(e) };
    u.redraw(false);
  });
  const end = (e: PointerEvent): void => {
    const h = held.current;
    if (h === null) return;
    held.current = null;
    picked.current = performance.now();
    u.redraw(false);
    if (e.type === "pointerup") latest.current.lines[h.line].onDrag?.(h.value);
  };
  over.addEventListener("pointerup", end);
  over.addEventListener("pointercancel", end);
}

/** Ghost, rival, area, cursor and what is being dragged, on top. */
function overlay(u: uPlot, p: ChartProps, held: Held | null): void {
  const { ctx } = u;
  ctx.save();
  const { left, top, width, height } = u.bbox;
  ctx.beginPath();
  ctx.rect(left, top, width, height);
  ctx.clip();
  const extra = (of: Lines, dash: number[]): void =>
    of.y.forEach((y, g) => {
      if (p.lines[g]?.limit) return;
      ctx.strokeStyle = token(`--c${g % 8}`);
      ctx.setLineDash(dash);
      ctx.lineWidth = devicePixelRatio;
      ctx.beginPath();
      for (let i = 0; i < of.x.length; i++)
        if (!Number.isNaN(y[i])) ctx.lineTo(u.valToPos(of.x[i], "x", true), u.valToPos(y[i], "y", true));
      ctx.stroke();
    });
  if (p.ghost != null) extra(p.ghost, [2, 4]);
  if (p.rival != null) extra(p.rival, [10, 5]);
  if (p.area != null) {
    const [from, to] = p.area.map((v) => u.valToPos(v, "x", true));
    ctx.globalAlpha = 0.14;
    ctx.fillStyle = token("--link");
    ctx.fillRect(from, top, to - from, height);
    ctx.globalAlpha = 1;
  }
  if (held !== null) {
    const y = u.valToPos(held.value, "y", true);
    ctx.strokeStyle = token("--link");
    ctx.fillStyle = token("--ink");
    ctx.setLineDash([]);
    ctx.lineWidth = 2 * devicePixelRatio;
    ctx.beginPath();
    ctx.moveTo(left, y);
    ctx.lineTo(left + width, y);
    ctx.stroke();
    ctx.font = `${12 * devicePixelRatio}px system-ui`;
    ctx.fillText(`${p.lines[held.line].name} ${quantity(held.value)}`, left + 8, y - 5);
  }
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

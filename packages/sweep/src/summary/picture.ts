/**
 * Pictures of a sweep, as Vega-Lite specifications (data, for any renderer): curves with bands of confidence over one parameter, a heat
 * map over two, means against each parameter for samples of more.
 */
import type { PointSummary, SweepSummary } from "./summary.js";

/** A Vega-Lite specification; the renderer knows its type. */
export type Spec = Readonly<Record<string, unknown>>;

const WIDTH = 480;
const HEIGHT = 300;
/** A parameter with this few values names them; with more it is a scale. */
const FEW_VALUES = 12;

/** `measures`: which figures to draw; default the objective's, or the first four. */
export function picture(s: SweepSummary, title: string, measures: readonly string[] = drawn(s)): Spec | null {
  if (measures.length === 0 || s.varying.length === 0 || s.points.length === 0) return null;
  const panel = s.varying.length === 1 ? curve : isGrid(s) ? heatMap : scatter;
  return {
    $schema: "https://vega.github.io/schema/vega-lite/v6.json",
    title,
    vconcat: measures.map((measure) => panel(s, measure)),
    resolve: { scale: { color: "independent" } },
  };
}

function drawn(s: SweepSummary): readonly string[] {
  if (s.objective === null) return s.measures.slice(0, 4);
  return [...new Set([s.objective.measure, ...(s.objective.subjectTo ?? []).map((b) => b.measure)])];
}

const valuesOf = (s: SweepSummary, name: string): number => new Set(s.points.map((p) => p.parameters[name])).size;

/** Two or three parameters with few values each: every point has its cell. */
const isGrid = (s: SweepSummary): boolean =>
  s.varying.length <= 3 &&
  s.varying.every((name) => valuesOf(s, name) <= FEW_VALUES * 2) &&
  s.points.length > valuesOf(s, s.varying[0]);

function rows(s: SweepSummary, measure: string, more: (p: PointSummary) => object = () => ({})): object[] {
  return s.points.flatMap((p) => {
    const m = p.measures[measure];
    if (m === undefined) return [];
    const half = Number.isFinite(m.ci) ? m.ci : 0;
    return [{ ...p.parameters, mean: m.mean, low: m.mean - half, high: m.mean + half, best: p === s.best, ...more(p) }];
  });
}

/** How an axis shows a parameter. A field's dots and brackets would be read as a path. */
function axis(s: SweepSummary, name: string): object {
  const values = s.points.map((p) => p.parameters[name]);
  const field = name.replace(/[.[\]]/g, "\\$&");
  if (!values.every((v) => typeof v === "number")) return { field, type: "nominal", title: name, sort: null };
  const numbers = values as readonly number[];
  const [low, high] = [Math.min(...numbers), Math.max(...numbers)];
  return {
    field,
    type: "quantitative",
    title: name,
    scale: { type: low > 0 && high / low >= 50 ? "log" : "linear", zero: false },
  };
}

function curve(s: SweepSummary, measure: string): object {
  const x = axis(s, s.varying[0]) as { type: string };
  const line = x.type === "quantitative";
  return {
    width: WIDTH,
    height: HEIGHT,
    data: { values: rows(s, measure) },
    layer: [
      {
        mark: line ? { type: "area", opacity: 0.25 } : { type: "rule", strokeWidth: 2 },
        encoding: {
          x,
          y: { field: "low", type: "quantitative", title: measure, scale: { zero: false } },
          y2: { field: "high" },
        },
      },
      {
        mark: line ? { type: "line", point: true } : { type: "point", filled: true, size: 60 },
        encoding: { x, y: { field: "mean", type: "quantitative", title: measure } },
      },
    ],
  };
}

function heatMap(s: SweepSummary, measure: string): object {
  const [first, second, third] = s.varying;
  const cell = (name: string): object => ({
    ...axis(s, name),
    type: "ordinal",
    scale: {},
    axis: { labelAngle: 0, format: ".4~g" },
  });
  return {
    ...(third === undefined ? {} : { facet: { column: { field: third, type: "ordinal" } } }),
    ...(third === undefined
      ? heatCells(cell(second), cell(first), measure)
      : { spec: heatCells(cell(second), cell(first), measure) }),
    data: { values: rows(s, measure, (p) => ({ mark: p === s.best ? "★" : "" })) },
  };
}

function heatCells(x: object, y: object, measure: string): object {
  return {
    width: WIDTH,
    height: HEIGHT,
    encoding: { x, y: { ...y, sort: "descending" } },
    layer: [
      {
        mark: "rect",
        encoding: { color: { field: "mean", type: "quantitative", title: measure, scale: { scheme: "viridis" } } },
      },
      { mark: { type: "text", fontSize: 18, color: "white" }, encoding: { text: { field: "mark", type: "nominal" } } },
    ],
  };
}

function scatter(s: SweepSummary, measure: string): object {
  return {
    hconcat: s.varying.map((name) => ({
      width: WIDTH / 2,
      height: HEIGHT / 2,
      data: { values: rows(s, measure) },
      mark: { type: "point", filled: true, opacity: 0.6 },
      encoding: {
        x: axis(s, name),
        y: { field: "mean", type: "quantitative", title: measure, scale: { zero: false } },
        color: { field: "best", type: "nominal", legend: null },
      },
    })),
  };
}

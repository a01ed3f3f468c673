/** Pictures over the shared time axis: lanes of states, heat maps of events. */
import type { JSX } from "preact";
import type { Frame, ViewInfo } from "../lab/protocol.js";
import { Figure, mark } from "./figure.js";

const W = 960;
const LEFT = 130;
const RIGHT = 10;

/** Textures, so that no state is told by colour alone. */
export function Textures(): JSX.Element {
  return (
    <defs>
      <pattern id="t-waiting" width="5" height="5" patternUnits="userSpaceOnUse">
        <circle cx="2.5" cy="2.5" r="1.5" style="fill:var(--waiting)" />
      </pattern>
      <pattern id="t-injected" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
        <rect width="3" height="6" style="fill:var(--injected)" />
      </pattern>
      <pattern id="t-bad" width="6" height="6" patternUnits="userSpaceOnUse">
        <path d="M0 0L6 6M6 0L0 6" style="stroke:var(--bad)" stroke-width="1.5" />
      </pattern>
      <pattern id="t-system" width="4" height="4" patternUnits="userSpaceOnUse">
        <rect width="4" height="2.4" style="fill:var(--system)" />
      </pattern>
    </defs>
  );
}

/** Fill of a tone. */
export function fillOf(tone: string): string {
  switch (tone) {
    case "empty":
      return "fill:none";
    case "waiting":
    case "injected":
    case "bad":
    case "system":
      return `fill:url(#t-${tone})`;
    case "flight":
      return "fill:var(--panel);stroke:var(--flight);stroke-width:1.5";
    default:
      return `fill:var(--${tone})`;
  }
}

/** The x of an instant (s), and the ticks of the axis. */
export interface Axis {
  readonly from: number;
  readonly to: number;
  x(s: number): number;
}
export const axisOf = (from: number, to: number): Axis => ({
  from,
  to,
  x: (s) => LEFT + ((s - from) / (to - from)) * (W - LEFT - RIGHT),
});

function ticks(from: number, to: number): number[] {
  const rough = (to - from) / 8;
  const p = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((m) => m * p).find((s) => s >= rough) ?? rough;
  const out: number[] = [];
  for (let t = Math.ceil(from / step) * step; t <= to; t += step) out.push(Number(t.toPrecision(12)));
  return out;
}

export function TimeAxis({ axis, height }: { readonly axis: Axis; readonly height: number }): JSX.Element {
  return (
    <g aria-hidden="true">
      {ticks(axis.from, axis.to).map((t) => (
        <g key={t}>
          <line class="grid" x1={axis.x(t)} x2={axis.x(t)} y1={0} y2={height} />
          <text class="m" x={axis.x(t)} y={height + 14} text-anchor="middle">
            {t} s
          </text>
        </g>
      ))}
    </g>
  );
}

/** The cursor: where the kernel is. */
function Cursor({
  axis,
  now,
  height,
}: {
  readonly axis: Axis;
  readonly now: number;
  readonly height: number;
}): JSX.Element | null {
  const s = now / 1e9;
  if (s < axis.from || s > axis.to) return null;
  return <line x1={axis.x(s)} x2={axis.x(s)} y1={0} y2={height} style="stroke:var(--ink);stroke-width:1.5" />;
}

/** When something was about what is followed: ticks over all lanes. */
function Life({
  frame,
  axis,
  height,
}: {
  readonly frame: Frame;
  readonly axis: Axis;
  readonly height: number;
}): JSX.Element | null {
  if (frame.life === null) return null;
  const { ticks } = frame.life;
  const k = (axis.to - axis.from) / ticks.length;
  let d = "";
  for (let i = 0; i < ticks.length; i++)
    if (ticks[i] > 0) d += `M${axis.x(axis.from + (i + 0.5) * k).toFixed(1)} 0v${height}`;
  return <path d={d} style="stroke:var(--link);stroke-width:1;opacity:.5" />;
}

/** Runs of equal codes. */
function runs(codes: Uint8Array): { from: number; to: number; code: number }[] {
  const out: { from: number; to: number; code: number }[] = [];
  for (let i = 0; i < codes.length; i++) {
    const last = out.at(-1);
    if (last !== undefined && last.code === codes[i]) last.to = i + 1;
    else out.push({ from: i, to: i + 1, code: codes[i] });
  }
  return out;
}

interface TimeProps {
  readonly view: ViewInfo;
  readonly frame: Frame;
  readonly shown: readonly [number, number];
  readonly seek: (s: number) => void;
  /** What is followed: its lane is marked. */
  readonly follow?: string;
}

const seekAt =
  (axis: Axis, seek: (s: number) => void) =>
  (e: MouseEvent): void => {
    const svg = e.currentTarget as SVGSVGElement;
    const x = ((e.clientX - svg.getBoundingClientRect().left) / svg.getBoundingClientRect().width) * W;
    const s = axis.from + ((x - LEFT) / (W - LEFT - RIGHT)) * (axis.to - axis.from);
    if (s >= 0) seek(s);
  };

/** The entity that a lane is of: its task, or its line. */
function entityOf(lane: string): string | undefined {
  const task = /-(\d+)$/.exec(lane);
  if (task !== null) return `task:${task[1]}`;
  const irq = /^IRQ (\d+)/.exec(lane);
  return irq === null ? undefined : `irq:${irq[1]}`;
}

export function Lanes({ view, frame, shown, seek, follow }: TimeProps): JSX.Element | null {
  const { lanes } = view;
  if (lanes === null) return null;
  const axis = axisOf(shown[0], shown[1]);
  const row = 18;
  const height = Math.max(1, frame.laneNames.length) * row;
  const name = (code: number): string => lanes.states[code]?.name ?? "";
  const columns = frame.lanes[0]?.length ?? 1;
  const span = (frame.frontier.ns / 1e9 - shown[0]) / (shown[1] - shown[0]);
  const live = Math.min(columns, Math.ceil(span * columns));
  const shares = frame.laneNames.map((n, l) => {
    const codes = frame.lanes[l].subarray(0, live);
    const parts = lanes.states
      .map((s, i) => ({ s, share: codes.filter((c) => c === i).length / Math.max(1, codes.length) }))
      .filter((p) => p.share > 0.005);
    return [n, parts.map((p) => `${p.s.name} ${Math.round(p.share * 100)} %`).join(", ")] as const;
  });
  return (
    <Figure
      title={lanes.title}
      what={lanes.what}
      caption={`Shares of the time shown: ${shares
        .slice(0, 4)
        .map(([n, t]) => `${n}: ${t}`)
        .join("; ")}${shares.length > 4 ? "; …" : ""}.`}
      table={{ columns: ["lane", "share of the time shown"], rows: shares.map(([n, t]) => [n, t]) }}
    >
      <svg viewBox={`0 0 ${W} ${height + 20}`} onClick={seekAt(axis, seek)}>
        <Textures />
        <TimeAxis axis={axis} height={height} />
        {frame.laneNames.map((n, l) => (
          <g key={n} {...mark(`${n}: ${shares[l][1]}.`, entityOf(n))}>
            <text x={LEFT - 6} y={l * row + 13} text-anchor="end">
              {n.slice(0, 18)}
            </text>
            <rect x={LEFT} y={l * row + 2} width={W - LEFT - RIGHT} height={row - 4} style="fill:transparent" />
            {runs(frame.lanes[l]).map((r) => {
              const tone = lanes.states[r.code]?.tone ?? "empty";
              if (tone === "empty") return null;
              const k = (W - LEFT - RIGHT) / columns;
              return (
                <rect
                  key={r.from}
                  x={LEFT + r.from * k}
                  y={l * row + 2}
                  width={Math.max(0.8, (r.to - r.from) * k)}
                  height={row - 4}
                  style={fillOf(tone)}
                >
                  <title>{name(r.code)}</title>
                </rect>
              );
            })}
          </g>
        ))}
        {follow !== undefined && follow !== "" && <Life frame={frame} axis={axis} height={height} />}
        <Cursor axis={axis} now={frame.now} height={height} />
      </svg>
      <ul class="legend">
        {lanes.states.map((s) => (
          <li key={s.name} title={s.what}>
            <svg viewBox="0 0 26 12" aria-hidden="true">
              <rect x="1" y="1" width="24" height="10" class="axis" style={s.tone === "empty" ? "" : fillOf(s.tone)} />
            </svg>{" "}
            {s.name}: {s.what}
          </li>
        ))}
      </ul>
    </Figure>
  );
}

export function Heat({ view, frame, shown, seek }: TimeProps): JSX.Element | null {
  const { heat } = view;
  if (heat === null || frame.heat === null) return null;
  const axis = axisOf(shown[0], shown[1]);
  const rows = heat.steps.length + 1;
  const columns = frame.heat.length / rows;
  const row = 13;
  const height = rows * row;
  let most = 0;
  let total = 0;
  const perRow = new Array<number>(rows).fill(0);
  frame.heat.forEach((n, i) => {
    most = Math.max(most, n);
    total += n;
    perRow[Math.floor(i / columns)] += n;
  });
  const label = (r: number): string =>
    r === rows - 1 ? `> ${heat.steps[rows - 2]}` : r === 0 ? `≤ ${heat.steps[0]}` : `≤ ${heat.steps[r]}`;
  const quantile = (q: number): string => {
    let left = total * q;
    for (let r = 0; r < rows; r++) {
      left -= perRow[r];
      if (left <= 0) return `${label(r)} ${heat.unit}`;
    }
    return "none";
  };
  const k = (W - LEFT - RIGHT) / columns;
  const shade = (n: number): string =>
    `fill:var(--h${Math.min(5, Math.floor((Math.log(n) / Math.log(most + 1)) * 6))})`;
  return (
    <Figure
      title={heat.title}
      what={heat.what}
      caption={
        total === 0
          ? "Nothing of the kind in the time shown."
          : `${total} in the time shown; half of them ${quantile(0.5)}, 99 % of them ${quantile(0.99)}. Lightness is the count, logarithmic.`
      }
      table={{ columns: [`${heat.unit}`, "count"], rows: perRow.map((n, r) => [label(r), n]) }}
    >
      <svg viewBox={`0 0 ${W} ${height + 20}`} onClick={seekAt(axis, seek)}>
        <TimeAxis axis={axis} height={height} />
        {perRow.map((n, r) => (
          <g key={r} {...mark(`${label(r)} ${heat.unit}: ${n} in the time shown.`)}>
            <text x={LEFT - 6} y={(rows - r) * row - 2} text-anchor="end" class="m">
              {label(r)} {heat.unit}
            </text>
            <rect x={LEFT} y={(rows - r - 1) * row} width={W - LEFT - RIGHT} height={row} style="fill:transparent" />
            {Array.from({ length: columns }, (_, c) => c)
              .filter((c) => (frame.heat as Uint32Array)[r * columns + c] > 0)
              .map((c) => (
                <rect
                  key={c}
                  x={LEFT + c * k}
                  y={(rows - r - 1) * row}
                  width={Math.max(1.5, k)}
                  height={row - 1}
                  style={shade((frame.heat as Uint32Array)[r * columns + c])}
                />
              ))}
          </g>
        ))}
        <Cursor axis={axis} now={frame.now} height={height} />
      </svg>
    </Figure>
  );
}

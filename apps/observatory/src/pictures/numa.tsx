/** The page map: each node's memory as a square, coloured by where its user runs; and each thread's memory in the order of its addresses. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import type { NumaPicture } from "../scenarios/numa.js";
import { Drawing, type Frame, Words } from "./parts.js";

const SIDE = 32;
const ROW = 30;
const CELL = 8.6;
const LEFT = 190;
const TEXTURES = ["plain", "crosses", "dots", "bars"];

/** Runs of equal cells in a row, as one path for each kind: far fewer elements than cells. */
function paths(map: string, x: number, y: number, c: number): Map<string, string> {
  const out = new Map<string, string>();
  for (let row = 0; row < SIDE; row++)
    for (let from = 0; from < SIDE; ) {
      const kind = map[row * SIDE + from];
      let to = from + 1;
      while (to < SIDE && map[row * SIDE + to] === kind) to++;
      if (kind !== ".")
        out.set(
          kind,
          `${out.get(kind) ?? ""}M${(x + from * c).toFixed(1)} ${(y + row * c).toFixed(1)}h${((to - from) * c - 0.6).toFixed(1)}v${(c - 0.6).toFixed(1)}h-${((to - from) * c - 0.6).toFixed(1)}z`,
        );
      from = to;
    }
  return out;
}

export function NumaPictureView({ p }: Frame<NumaPicture>): JSX.Element {
  const gap = p.nodes > 2 ? 20 : 60;
  const size = Math.min(270, (920 - gap * (p.nodes - 1)) / p.nodes);
  const c = size / SIDE;
  const xOf = (n: number): number => 20 + n * (size + gap);
  const under = size + 66;
  const height = under + p.tasks.length * ROW + 40;
  return (
    <Drawing height={height}>
      <Glyphs />
      {p.maps.map((map, n) => {
        const count = (kind: string): number => map.split(kind).length - 1;
        const used = SIDE * SIDE - count(".");
        const here = count(String(n));
        const foreign = p.maps.map((_, k) => (k === n ? 0 : count(String(k)))).reduce((a, b) => a + b, 0);
        const threads = p.tasks.filter((t) => t.node === n);
        return (
          <g
            key={`node${n * 100}`}
            {...mark(
              `Node ${n}: ${p.framesPerCell} frames a cell, ${used} of ${SIDE * SIDE} cells in use. ${here} are used by threads that run here, ${foreign} by threads that run on another node. Distances: ${p.distances[n].join(", ")} (10 is local). Threads here: ${threads.map((t) => t.name).join(", ") || "none"}.`,
              `node:${n}`,
            )}
          >
            <Words x={xOf(n)} y={16}>
              {`node ${n}: runs ${threads.length} of ${p.tasks.length} threads`}
            </Words>
            <rect x={xOf(n)} y={24} width={size} height={size} class="axis" />
            {[...paths(map, xOf(n), 24, c)].map(([kind, d]) => (
              <g key={kind}>
                <path d={d} style={kind === "x" ? "fill:var(--h1)" : `fill:var(--c${kind})`} />
                {Number(kind) > 0 && <path d={d} style={`fill:url(#numa-${kind})`} />}
              </g>
            ))}
            <Words x={xOf(n)} y={size + 42} m>
              {`${here} cells beside their user, ${foreign} far from it`}
            </Words>
          </g>
        );
      })}
      {p.nodes === 2 && (
        <g {...mark(`Distance between the nodes: ${p.distances[0][1]} (10 is local).`)}>
          <line x1={xOf(0) + size + 4} x2={xOf(1) - 4} y1={150} y2={150} style="stroke:var(--edge);stroke-width:2" />
          <Words x={xOf(1) - gap / 2} y={142} mid>
            {p.distances[0][1]}
          </Words>
        </g>
      )}
      {p.nodes <= 2 && (
        <g>
          <Words x={xOf(1) + size + 34} y={40}>
            {`${(100 * p.local).toFixed(1)} % local`}
          </Words>
          <Words x={xOf(1) + size + 34} y={64}>
            {`moved ${quantity(p.migrated)}`}
          </Words>
          <Words x={xOf(1) + size + 34} y={84} m>
            {`after ${quantity(p.faults)} hint faults`}
          </Words>
          {Array.from({ length: p.nodes }, (_, n) => (
            <g key={`key${n * 10}`}>
              <rect x={xOf(1) + size + 34} y={104 + n * 24} width={14} height={14} style={`fill:var(--c${n})`} />
              {n > 0 && (
                <rect x={xOf(1) + size + 34} y={104 + n * 24} width={14} height={14} style={`fill:url(#numa-${n})`} />
              )}
              <Words x={xOf(1) + size + 56} y={116 + n * 24}>
                {`${TEXTURES[n]}: user runs on node ${n}`}
              </Words>
            </g>
          ))}
          <rect x={xOf(1) + size + 34} y={152} width={14} height={14} style="fill:var(--h1)" />
          <Words x={xOf(1) + size + 56} y={164}>
            the kernel's and others'
          </Words>
        </g>
      )}
      <Words x={16} y={under + 14} m>
        thread, CPU, its node
      </Words>
      <Words x={LEFT} y={under + 14} m>
        its memory, by address; the number is the node the pages are on
      </Words>
      {p.tasks.map((t, i) => {
        const y = under + i * ROW + 22;
        const local = t.pages === 0 ? 0 : t.on[t.node] / t.pages;
        return (
          <g
            key={t.name}
            {...mark(
              `${t.name} runs on CPU ${t.cpu} of node ${t.node}. Its ${t.pages} pages: ${t.on.map((n, k) => `${n} on node ${k}`).join(", ")}. Preferred node: ${t.preferred < 0 ? "none yet" : t.preferred}. Linux: /proc/PID/numa_maps.`,
              `task:${t.name.split("-")[1]}`,
            )}
          >
            <Words x={16} y={y + 15}>
              {`${t.name}  CPU ${t.cpu}  n${t.node}`}
            </Words>
            <rect x={LEFT - 2} y={y} width={64 * CELL + 4} height={22} class="grid" />
            {runsOf(t.cells).map(([from, to, node]) => (
              <g key={`r${from * 2}`}>
                <rect
                  x={LEFT + from * CELL}
                  y={y + 2}
                  width={(to - from) * CELL - 1}
                  height={18}
                  style={`fill:var(--c${node})`}
                />
                <rect x={LEFT + from * CELL + 2} y={y + 4} width={14} height={14} style="fill:var(--panel)" />
                <text x={LEFT + from * CELL + 9} y={y + 15.5} text-anchor="middle">
                  {node}
                </text>
              </g>
            ))}
            <Words x={LEFT + 64 * CELL + 14} y={y + 15}>
              {`${(100 * local).toFixed(0)} % local`}
            </Words>
          </g>
        );
      })}
    </Drawing>
  );
}

/** Textures of nodes beside the first, so that none is told by colour alone. */
function Glyphs(): JSX.Element {
  const marks = ["M1 1L6 6M6 1L1 6", "M3.5 2.5v2", "M0 3.5h7"];
  return (
    <defs>
      {marks.map((d, i) => (
        <pattern key={d} id={`numa-${i + 1}`} width="7" height="7" patternUnits="userSpaceOnUse">
          <path d={d} style={`stroke:var(--panel);stroke-width:${i === 1 ? 2 : 1}`} />
        </pattern>
      ))}
    </defs>
  );
}

/** Stretches of cells on one node. */
function runsOf(cells: string): (readonly [number, number, string])[] {
  const out: (readonly [number, number, string])[] = [];
  for (let from = 0; from < cells.length; ) {
    let to = from + 1;
    while (to < cells.length && cells[to] === cells[from]) to++;
    if (cells[from] !== ".") out.push([from, to, cells[from]]);
    from = to;
  }
  return out;
}

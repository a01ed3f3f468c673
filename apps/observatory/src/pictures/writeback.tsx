/** The reservoir between its lines, the files' pages, and what is on its way to the disk. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import { fillOf, Textures } from "../page/time.js";
import type { WbPicture } from "../scenarios/writeback.js";

const W = 960;
const H = 300;
const TOP = 16;
const BOTTOM = 268;
const TANK = { x: 120, w: 150 };
const FLIGHT = { x: 560, w: 380 };

const CELLS: Readonly<Record<string, { what: string; style: string }>> = {
  ".": { what: "not in memory", style: "fill:none;stroke:var(--grid)" },
  c: { what: "clean", style: "fill:var(--h1)" },
  d: { what: "dirty", style: "fill:var(--c0)" },
  w: { what: "on its way to the disk", style: "fill:var(--panel);stroke:var(--flight);stroke-width:1.5" },
};

export function WritebackPicture({ p }: { readonly p: WbPicture }): JSX.Element {
  const top = Math.max(p.limit * 1.15, p.dirty + p.writeback, 1);
  const y = (pages: number): number => BOTTOM - (pages / top) * (BOTTOM - TOP);
  const level = (name: string, v: number, dash: string, what: string): JSX.Element => (
    <g {...mark(`${name}: ${quantity(v, "pages")}. ${what}`)}>
      <line
        x1={TANK.x - 8}
        x2={TANK.x + TANK.w + 8}
        y1={y(v)}
        y2={y(v)}
        style={`stroke:var(--ink);stroke-width:1.5;stroke-dasharray:${dash}`}
      />
      <text x={TANK.x - 12} y={y(v) + 4} text-anchor="end">
        {name} {quantity(v)}
      </text>
    </g>
  );
  const span = Math.max(500, ...p.requests.map((r) => r.endMs - p.nowMs + 100));
  const x = (ms: number): number => FLIGHT.x + 90 + ((ms - p.nowMs + span * 0.3) / (span * 1.3)) * (FLIGHT.w - 90);
  return (
    <svg viewBox={`0 0 ${W} ${H}`} role="presentation">
      <Textures />
      <rect x={TANK.x} y={TOP} width={TANK.w} height={BOTTOM - TOP} class="axis" />
      <g
        {...mark(
          `Dirty: ${quantity(p.dirty, "pages")} are newer in memory than on the disk (nr_dirty in /proc/vmstat).`,
        )}
      >
        <rect x={TANK.x + 1} y={y(p.dirty)} width={TANK.w - 2} height={BOTTOM - y(p.dirty)} style="fill:var(--c0)" />
      </g>
      <g
        {...mark(
          `Under writeback: ${quantity(p.writeback, "pages")} are on their way to the disk (nr_writeback in /proc/vmstat).`,
        )}
      >
        <rect
          x={TANK.x + 2}
          y={y(p.dirty + p.writeback)}
          width={TANK.w - 4}
          height={Math.max(0, y(p.dirty) - y(p.dirty + p.writeback) - 1)}
          style={fillOf("flight")}
        />
      </g>
      {level("limit", p.limit, "none", "Nobody may dirty more: writers sleep here until the disk has caught up.")}
      {level("setpoint", p.setpoint, "6 4", "Where the control loop wants the level.")}
      {level("freerun", p.freerun, "2 3", "Below this nobody is slowed.")}
      {level("start", p.background, "1 5", "The background threshold: above it the flusher writes by itself.")}
      <text x={TANK.x + TANK.w / 2} y={H - 8} text-anchor="middle">
        {quantity(p.dirty + p.writeback)} pages
      </text>

      <text x={310} y={24}>
        files, a cell is 1/64
      </text>
      {p.files.slice(0, 11).map((f, i) => {
        const count = (c: string): number => f.cells.split(c).length - 1;
        return (
          <g
            key={f.name}
            {...mark(
              `File ${f.name}: of 64 parts ${count("d")} have dirty pages, ${count("w")} are on their way to the disk, ${count("c")} are clean, ${count(".")} are not in memory.`,
              `file:${f.name}`,
            )}
          >
            <text x={340} y={47 + i * 22} text-anchor="end">
              {f.name}
            </text>
            {[...f.cells].map((c, j) => (
              <rect key={j} x={346 + j * 2.9} y={36 + i * 22} width={2.5} height={14} style={CELLS[c].style} />
            ))}
          </g>
        );
      })}

      <text x={FLIGHT.x} y={24}>
        disk {quantity(p.bandwidth, "pages/s")}
      </text>
      <line x1={x(p.nowMs)} x2={x(p.nowMs)} y1={30} y2={BOTTOM} style="stroke:var(--ink)" />
      <text x={x(p.nowMs)} y={H - 8} text-anchor="middle" class="m">
        now
      </text>
      {p.requests.slice(0, 10).map((r, i) => (
        <g
          key={`${r.file} ${r.first} ${r.startMs}`}
          {...mark(
            `Request: ${r.pages} pages of ${r.file} from page ${r.first}, on the disk from ${(r.startMs / 1000).toFixed(3)} to ${(r.endMs / 1000).toFixed(3)} s. Changed on the way: ${r.changed} pages.`,
            `file:${r.file}`,
          )}
        >
          <text x={FLIGHT.x + 84} y={48 + i * 22} text-anchor="end">
            {r.file} {r.pages} p
          </text>
          <rect
            x={x(r.startMs)}
            y={36 + i * 22}
            width={Math.max(2, x(r.endMs) - x(r.startMs))}
            height={15}
            style={r.changed > 0 ? fillOf("bad") : fillOf("flight")}
          />
          <rect
            x={x(r.startMs)}
            y={36 + i * 22}
            width={Math.max(0, Math.min(x(r.endMs), x(p.nowMs)) - x(r.startMs))}
            height={15}
            style="fill:var(--busy)"
          />
        </g>
      ))}
      {p.requests.length > 10 && (
        <text x={FLIGHT.x + 90} y={48 + 220} class="m">
          and {p.requests.length - 10} more requests
        </text>
      )}
      <g
        {...mark(
          `Checksum errors: ${p.checksumErrors}. Pages that were changed while a checksumming disk took them. Stable writes are ${p.stable ? "on" : "off"}.`,
        )}
      >
        <text x={FLIGHT.x + 220} y={24} style={p.checksumErrors > 0 ? "fill:var(--bad)" : ""}>
          checksum errors {p.checksumErrors}
        </text>
      </g>
    </svg>
  );
}

/** Each thread's memory in the order of its addresses; colour and number of a cell: the node its pages are on. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import type { NumaPicture } from "../scenarios/numa.js";
import { Drawing, type Frame, Words } from "./parts.js";

const ROW = 34;
const CELL = 10.4;
const LEFT = 190;

export function NumaPictureView({ p }: Frame<NumaPicture>): JSX.Element {
  const height = p.tasks.length * ROW + 80;
  return (
    <Drawing height={height}>
      <Words x={16} y={18} m>
        thread, CPU, its node
      </Words>
      <Words x={LEFT} y={18} m>
        its memory, by address; the number is the node the pages are on
      </Words>
      <Words x={LEFT + 64 * CELL + 14} y={18} m>
        local
      </Words>
      {p.tasks.map((t, i) => {
        const y = i * ROW + 30;
        const local = t.pages === 0 ? 0 : t.on[t.node] / t.pages;
        return (
          <g
            key={t.name}
            {...mark(
              `${t.name} runs on CPU ${t.cpu} of node ${t.node}. Its ${t.pages} pages: ${t.on.map((n, k) => `${n} on node ${k}`).join(", ")}. Preferred node: ${t.preferred < 0 ? "none yet" : t.preferred}. Linux: /proc/PID/numa_maps.`,
            )}
          >
            <Words x={16} y={y + 16}>
              {`${t.name}  CPU ${t.cpu}  n${t.node}`}
            </Words>
            <rect x={LEFT - 2} y={y} width={64 * CELL + 4} height={24} class="grid" />
            {[...t.cells].map((c, j) =>
              c === "." ? null : (
                <g key={`${t.name}${LEFT + j * CELL}`}>
                  <rect
                    x={LEFT + j * CELL}
                    y={y + 2}
                    width={CELL - 1}
                    height={20}
                    style={`fill:var(--c${c});opacity:${Number(c) === t.node ? 1 : 0.55}`}
                  />
                  {j % 4 === 0 && (
                    <rect x={LEFT + j * CELL} y={y + 6} width={CELL - 1} height={13} style="fill:var(--panel)" />
                  )}
                  {j % 4 === 0 && (
                    <text x={LEFT + j * CELL + CELL / 2 - 0.5} y={y + 17} text-anchor="middle">
                      {c}
                    </text>
                  )}
                </g>
              ),
            )}
            <Words x={LEFT + 64 * CELL + 14} y={y + 16}>
              {`${(100 * local).toFixed(0)} %`}
            </Words>
          </g>
        );
      })}
      {p.distances.map((row, a) => (
        <g
          key={`d${row.join()}${a}`}
          {...mark(
            `Distances from node ${a}: ${row.map((d, b) => `${d} to node ${b}`).join(", ")} (10 is local; /sys/devices/system/node/node${a}/distance).`,
          )}
        >
          <rect x={LEFT + a * 150} y={height - 38} width={14} height={14} style={`fill:var(--c${a})`} />
          <Words x={LEFT + a * 150 + 20} y={height - 26}>
            {`node ${a}: ${row.join(" ")}`}
          </Words>
        </g>
      ))}
      <g
        {...mark(
          `${p.migrated} pages were moved after ${p.faults} provoked faults (numa_pages_migrated, numa_hint_faults in /proc/vmstat).`,
        )}
      >
        <Words x={16} y={height - 26}>
          {`moved ${quantity(p.migrated)}, faults ${quantity(p.faults)}`}
        </Words>
      </g>
    </Drawing>
  );
}

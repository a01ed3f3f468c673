/** The tree of groups as bars: what each uses against its limits, what it is made of, what its limits have done. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import { fillOf } from "../page/time.js";
import type { MemPicture } from "../scenarios/memory.js";
import { Drawing, type Frame, Words } from "./parts.js";

const LEFT = 120;
const WIDTH = 560;
const ROW = 62;

export function MemoryPicture({ p }: Frame<MemPicture>): JSX.Element {
  const most = Math.max(64, ...p.groups.flatMap((g) => [g.usage, g.high, g.max].filter((v) => v <= p.total)));
  const x = (mib: number): number => LEFT + (Math.min(mib, most * 1.05) / (most * 1.05)) * WIDTH;
  return (
    <Drawing height={p.groups.length * ROW + 40}>
      {p.groups.map((g, i) => {
        const y = i * ROW + 20;
        const depth = g.path.split("/").length - 2;
        const held = p.tasks.filter((t) => t.group === g.path && t.state === 2).length;
        let at = 0;
        const part = (name: string, v: number, fill: string): JSX.Element => {
          const from = at;
          at += v;
          return (
            <g key={name} {...mark(`${g.path}, ${name}: ${quantity(v, "MiB")} (memory.stat).`, `group:${g.path}`)}>
              <rect x={x(from)} y={y} width={Math.max(0, x(at) - x(from))} height={22} style={fill} />
            </g>
          );
        };
        const tick = (name: string, v: number, what: string): JSX.Element | null =>
          v < 0 || v > most * 1.05 || (v === 0 && (name === "min" || name === "low")) ? null : (
            <g key={name} {...mark(`${g.path}, memory.${name} = ${quantity(v, "MiB")}: ${what}`)}>
              <line x1={x(v)} x2={x(v)} y1={y - 6} y2={y + 28} style="stroke:var(--ink);stroke-width:2" />
              <text x={x(v) + 3} y={y - 2}>
                {name}
              </text>
            </g>
          );
        return (
          <g key={g.path}>
            <Words x={16 + depth * 16} y={y + 15}>
              {g.path}
            </Words>
            <rect x={LEFT} y={y} width={WIDTH} height={22} class="grid" />
            {part("anonymous", g.anon, "fill:var(--c0)")}
            {part("page cache", g.file, "fill:var(--h1)")}
            {part("kernel", g.kernel, "fill:url(#t-system)")}
            {g.high >= 0 && g.usage > g.high && (
              <g
                {...mark(
                  `${g.path} is ${quantity(g.usage - g.high, "MiB")} above its high mark: its tasks are slowed.`,
                )}
              >
                <rect
                  x={x(g.high)}
                  y={y + 22}
                  width={Math.max(2, x(g.usage) - x(g.high))}
                  height={7}
                  style={fillOf("waiting")}
                />
              </g>
            )}
            {tick("min", g.min, "so much is not taken back, whoever wants it.")}
            {tick("low", g.low, "so much is taken back only if nothing else is left.")}
            {tick("high", g.high, "above it the tasks are put to sleep, the longer the further above.")}
            {tick("max", g.max, "above it nothing is given: memory is taken back, or a task is killed.")}
            <Words x={LEFT + WIDTH + 12} y={y + 15}>
              {quantity(Number(g.usage.toFixed(1)), "MiB")}
            </Words>
            <g
              {...mark(
                `${g.path}, memory.events: high ${g.events[1]}, max ${g.events[2]}, oom ${g.events[3]}, killed ${g.events[4]}. Held back now: ${held}.`,
                `group:${g.path}`,
              )}
            >
              <Words x={LEFT + WIDTH + 92} y={y + 15}>
                {`high ${g.events[1]}  max ${g.events[2]}  killed ${g.events[4]}`}
              </Words>
            </g>
            <Words x={LEFT} y={y + 42} m>
              {p.tasks
                .filter((t) => t.group === g.path)
                .map((t) => `${t.name} ${quantity(Number(t.rss.toFixed(0)), "MiB")}${t.state === 2 ? " held" : ""}`)
                .join("   ")}
            </Words>
          </g>
        );
      })}
      <Words x={LEFT} y={p.groups.length * ROW + 32} m>
        ■ anonymous, ▒ page cache, ≡ kernel; dots: above the high mark
      </Words>
    </Drawing>
  );
}

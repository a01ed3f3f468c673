/** Each line from its devices to a CPU, with its state bits and counters; the last calls, in their order. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import { fillOf } from "../page/time.js";
import type { IrqPicture } from "../scenarios/irq.js";
import { Box, Drawing, type Frame, Words } from "./parts.js";

const LANES = ["chip", "handler", "device"] as const;
const laneOf = (name: string): number => (name.startsWith("chip:") ? 0 : name.startsWith("irq:") ? 1 : 2);
const labelOf = (name: string, text: string): string =>
  name.startsWith("chip:")
    ? name.slice(5)
    : name === "irq:irq_handler_entry"
      ? `${/name=(\S+)/.exec(text)?.[1] ?? ""}(`
      : name === "irq:irq_handler_exit"
        ? `) ${/ret=(\S+)/.exec(text)?.[1] === "handled" ? "yes" : "no"}`
        : name;

export function IrqPictureView({ p, events }: Frame<IrqPicture>): JSX.Element {
  const calls = events
    .filter((e) => /^(chip|irq):|^(seen|open|close)$/.test(e.name))
    .slice(0, 18)
    .reverse();
  const step = 800 / Math.max(1, calls.length);
  return (
    <Drawing height={330}>
      {p.lines.map((l, i) => {
        const y = 20 + i * 84;
        const bits: readonly (readonly [string, boolean])[] = [
          ["DISABLED", l.disabled],
          ["MASKED", l.masked],
          ["PENDING", l.pending],
          ["INPROGRESS", l.inProgress],
        ];
        const verdict = l.spurious ? "given up: nobody cared" : l.disabled ? "disabled" : "open";
        return (
          <g key={l.irq}>
            <Box
              x={20}
              y={y}
              w={190}
              h={52}
              says={`Devices on line ${l.irq}: ${l.devices.join(", ")}. They share it; each handler is asked in this order.`}
            >
              <Words x={30} y={y + 20}>
                {`IRQ ${l.irq}, ${l.flow}`}
              </Words>
              <Words x={30} y={y + 40} m>
                {l.devices.join(", ")}
              </Words>
            </Box>
            <g
              {...mark(
                `Line ${l.irq} is ${verdict}. Unhandled in this window: ${l.unhandled}. Depth of disable calls: ${l.depth}.`,
                `irq:${l.irq}`,
              )}
            >
              <line
                x1={210}
                x2={330}
                y1={y + 26}
                y2={y + 26}
                style={`stroke:var(${l.disabled ? "--bad" : "--ink"});stroke-width:${p.stuck && i === 0 ? 5 : 2};stroke-dasharray:${l.disabled ? "4 4" : "none"}`}
              />
              <Words x={270} y={y + 18} mid>
                {verdict}
              </Words>
              <Words x={270} y={y + 44} mid m>
                {`${l.unhandled} unhandled`}
              </Words>
            </g>
            {bits.map(([name, on], b) => (
              <Box
                key={name}
                x={336 + b * 88}
                y={y + 14}
                w={84}
                h={24}
                fill={on ? fillOf(name === "DISABLED" ? "bad" : "interrupt") : "fill:var(--panel)"}
                says={`State bit ${name} of line ${l.irq} is ${on ? "set" : "clear"}.`}
              >
                <rect x={340 + b * 88} y={y + 18} width={76} height={16} style="fill:var(--panel)" />
                <Words x={378 + b * 88} y={y + 30} mid>
                  {`${name === "INPROGRESS" ? "IN PROGR." : name} ${on ? 1 : 0}`}
                </Words>
              </Box>
            ))}
            {l.counts.slice(0, 4).map((n, c) => (
              <Box
                key={`n${c * 60}`}
                x={700 + c * 62}
                y={y + 8}
                w={58}
                h={36}
                fill={l.affinity.includes(c) ? "fill:var(--raised)" : "fill:var(--panel)"}
                says={`Line ${l.irq} has interrupted CPU ${c} ${n} times (/proc/interrupts). It ${l.affinity.includes(c) ? "may" : "may not"} be handled there (/proc/irq/${l.irq}/smp_affinity).`}
              >
                <Words x={729 + c * 62} y={y + 22} mid m>
                  {`CPU${c}`}
                </Words>
                <Words x={729 + c * 62} y={y + 38} mid>
                  {quantity(n)}
                </Words>
              </Box>
            ))}
          </g>
        );
      })}
      <Words x={20} y={208}>
        The last calls, oldest first
      </Words>
      {LANES.map((name, i) => (
        <g key={name} aria-hidden="true">
          <Words x={100} y={238 + i * 32} end m>
            {name}
          </Words>
          <line class="grid" x1={110} x2={950} y1={234 + i * 32} y2={234 + i * 32} />
        </g>
      ))}
      {calls.map((e, i) => {
        const lane = laneOf(e.name);
        return (
          <g
            key={`${e.ns} ${e.name} ${calls.length - i}`}
            {...mark(`${(e.ns / 1e9).toFixed(9)} s, CPU ${e.cpu}: ${e.name.replace("irq:", "")} ${e.text}.`)}
          >
            <rect
              x={118 + i * step}
              y={226 + lane * 32}
              width={Math.max(6, step - 4)}
              height={16}
              style={
                lane === 0
                  ? fillOf("flight")
                  : lane === 1
                    ? "fill:var(--panel);stroke:var(--c0)"
                    : "fill:var(--panel);stroke:var(--good)"
              }
            />
            <text x={118 + i * step + 3} y={238 + lane * 32} style="font-size:10px">
              {labelOf(e.name, e.text).slice(0, Math.floor(step / 6.4))}
            </text>
          </g>
        );
      })}
    </Drawing>
  );
}

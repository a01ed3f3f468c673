/** The CPUs above the package; power and temperature beside; what the driver has learned. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { fillOf } from "../page/time.js";
import type { PowerPicture } from "../scenarios/power.js";
import { Box, Drawing, type Frame, Words } from "./parts.js";

const TONES = ["empty", "busy", "injected", "empty"];
const WORDS = ["", "busy", "forced idle", "idle"];

export function PowerPictureView({ p }: Frame<PowerPicture>): JSX.Element {
  const w = Math.min(110, 520 / p.cpus.length);
  const width = w * p.cpus.length;
  const die = Math.max(0, Math.min(1, (p.die - 20) / 80));
  return (
    <Drawing height={250}>
      {p.cpus.map((c, i) => (
        <Box
          key={`cpu${40 + i * w}`}
          x={40 + i * w}
          y={30}
          w={w - 6}
          h={70}
          fill={c.state === 3 || c.state === 0 ? "fill:var(--panel)" : fillOf(TONES[c.state])}
          says={`CPU ${i}: ${WORDS[c.state]}, in ${c.cstate}. Injected since boot: ${(100 * c.injectedShare).toFixed(1)} % of the time.`}
        >
          <rect x={40 + i * w + 3} y={54} width={w - 12} height={20} style="fill:var(--panel)" />
          <Words x={40 + i * w + (w - 6) / 2} y={69} mid>
            {w > 60 ? `CPU ${i} ${c.cstate}` : i}
          </Words>
        </Box>
      ))}
      <Box
        x={40}
        y={112}
        w={width - 6}
        h={44}
        fill={p.packageIdle ? fillOf("system") : "fill:var(--panel)"}
        says={`The package is ${p.packageIdle ? `asleep in ${p.packageState}: every CPU is in a C-state` : "awake, because some CPU is not in a C-state"}. Asleep since boot: ${(100 * p.residency).toFixed(2)} % of the time; the target is ${p.target} %.`}
      >
        <rect x={46} y={123} width={Math.min(230, width - 20)} height={22} style="fill:var(--panel)" />
        <Words x={52} y={139}>
          {`package ${p.packageIdle ? p.packageState : "awake"}`}
        </Words>
      </Box>
      <g
        {...mark(
          `Target: CPUs are to be idle ${p.target} % of the time (cur_state). Injections of ${p.durationMs} ms; ${p.injections} so far on all CPUs together.`,
        )}
      >
        <rect x={40} y={180} width={400} height={12} class="axis" />
        <rect x={40} y={180} width={4 * Math.min(100, p.target)} height={12} style={fillOf("injected")} />
        <Words x={450} y={191}>
          {`target ${p.target} %`}
        </Words>
      </g>
      <g
        {...mark(
          `The package has really been asleep ${(100 * p.residency).toFixed(2)} % of the time since boot (package C-state residency).`,
        )}
      >
        <rect x={40} y={202} width={400} height={12} class="axis" />
        <rect x={40} y={202} width={4 * 100 * p.residency} height={12} style={fillOf("system")} />
        <Words x={450} y={213}>
          {`asleep ${(100 * p.residency).toFixed(1)} %`}
        </Words>
      </g>
      <g {...mark(`Power: the package draws ${p.watts.toFixed(2)} W now (energy_uj in /sys/class/powercap).`)}>
        <Words x={620} y={60}>
          power
        </Words>
        <text x={620} y={88} style="font-size:26px">
          {p.watts.toFixed(1)} W
        </text>
      </g>
      <g
        {...mark(
          `Temperature of the die ${p.die.toFixed(1)} °C, of the case ${p.skin.toFixed(1)} °C (/sys/class/thermal/thermal_zone0/temp). The bar goes from 20 to 100 °C.`,
        )}
      >
        <rect x={620} y={110} width={18} height={104} class="axis" />
        <rect x={621} y={110 + 104 * (1 - die)} width={16} height={104 * die} style="fill:var(--waiting)" />
        <Words x={648} y={128}>
          {`die ${p.die.toFixed(1)} °C`}
        </Words>
        <Words x={648} y={146} m>
          {`case ${p.skin.toFixed(1)} °C`}
        </Words>
      </g>
      <g
        {...mark(
          p.compensation.length === 0
            ? "Nothing is learned yet: from windows with little difference the driver learns how much more it must inject for a target."
            : `Learned: ${p.compensation.map((c) => `at ${c.pct} % inject ${c.steady} points more (confidence ${c.confidence} of 3)`).join("; ")}.`,
        )}
      >
        <Words x={780} y={60}>
          learned
        </Words>
        {p.compensation.length === 0 && (
          <Words x={780} y={80} m>
            nothing yet
          </Words>
        )}
        {p.compensation.slice(0, 7).map((c, i) => (
          <Words key={c.pct} x={780} y={80 + i * 18}>
            {`${c.pct} %: +${c.steady}  ${"●".repeat(c.confidence)}${"○".repeat(3 - c.confidence)}`}
          </Words>
        ))}
      </g>
    </Drawing>
  );
}

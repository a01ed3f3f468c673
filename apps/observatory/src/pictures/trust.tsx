/** The measurement list as a chain that ends in the register; the files with their hashes, labels and verdicts. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { fillOf } from "../page/time.js";
import type { TrustPicture } from "../scenarios/trust.js";
import { Box, Drawing, type Frame, Words } from "./parts.js";

const short = (hex: string): string => (hex === "" ? "none" : `${hex.slice(0, 10)}…`);

export function TrustPictureView({ p }: Frame<TrustPicture>): JSX.Element {
  const w = 930 / Math.max(1, p.entries.length);
  const same = p.register === p.replayed;
  return (
    <Drawing height={190 + p.files.length * 30}>
      {p.entries.map((e, i) => (
        <Box
          key={e.n}
          x={16 + i * w}
          y={16}
          w={w - 12}
          h={52}
          fill={e.violation ? fillOf("bad") : "fill:var(--panel)"}
          says={`Entry ${e.n}: ${e.path}, template ${e.template}, hash ${e.hash.slice(0, 16)}…, folded into register ${e.pcr}.${e.violation ? " A violation: what was measured may have changed meanwhile." : ""}`}
        >
          <line x1={16 + i * w + w - 12} x2={16 + i * w + w} y1={42} y2={42} style="stroke:var(--ink);stroke-width:2" />
          <rect x={20 + i * w} y={22} width={w - 20} height={40} style="fill:var(--panel)" />
          <Words x={22 + i * w} y={37}>
            {e.path.replace("/mnt/", "").slice(0, Math.floor(w / 8))}
          </Words>
          <Words x={22 + i * w} y={55} m>
            {e.violation ? "violation" : e.hash.slice(0, 8)}
          </Words>
        </Box>
      ))}
      <g {...mark(`Register 10 reads ${p.register}.`)}>
        <Words x={16} y={100}>
          {`register 10 reads   ${p.register}`}
        </Words>
      </g>
      <g
        {...mark(
          `Replaying the ${p.total} entries gives ${p.replayed}: ${same ? "the same, so the list is what was measured" : "another value, so the list is not what was measured"}.`,
        )}
      >
        <Words x={16} y={120}>
          {`the list replays to ${p.replayed}`}
        </Words>
        <text x={500} y={110} style={`font-size:15px;fill:var(${same ? "--good" : "--bad"})`}>
          {same ? "✓ the list is true" : "✗ the list is not what was measured"}
        </text>
      </g>
      <Words x={16} y={156} m>
        file
      </Words>
      <Words x={130} y={156} m>
        hash when last looked at
      </Words>
      <Words x={330} y={156} m>
        security.ima
      </Words>
      <Words x={540} y={156} m>
        version
      </Words>
      <Words x={620} y={156} m>
        verdict of appraisal
      </Words>
      {p.files.map((f, i) => {
        const y = 180 + i * 30;
        const bad = f.verdict === "fail" || f.verdict === "no_label";
        const fits = f.label.slice(4) === f.digest;
        return (
          <g
            key={f.path}
            {...mark(
              `${f.path}, ${f.size} bytes: hash ${short(f.digest)}, label ${short(f.label)} ${f.label === "" ? "(none)" : fits ? "(they fit)" : "(they do not fit)"}; verdict ${f.verdict}; ${f.measured ? "in the list" : "not in the list yet"}.`,
            )}
          >
            <rect x={10} y={y - 16} width={940} height={24} style="fill:transparent" />
            <Words x={16} y={y}>
              {f.path}
            </Words>
            <Words x={130} y={y}>
              {short(f.digest)}
            </Words>
            <Words x={330} y={y}>
              {f.label === "" ? "none" : short(f.label.slice(4))}
            </Words>
            <Words x={540} y={y}>
              {f.version}
            </Words>
            <text x={620} y={y} style={bad ? "fill:var(--bad)" : ""}>
              {`${bad ? "✗" : f.verdict === "pass" ? "✓" : "–"} ${f.verdict}${f.measured ? ", in the list" : ""}`}
            </text>
          </g>
        );
      })}
    </Drawing>
  );
}

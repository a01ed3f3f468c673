/** Each ring with its marks; the newest records of it, whom they are about, and why they are there. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import { fillOf } from "../page/time.js";
import type { LogPicture } from "../scenarios/log.js";
import { Drawing, type Frame, Words } from "./parts.js";

const ABOUT: Readonly<Record<string, number>> = { host: 0, ct1: 1, ct2: 2, kernel: 3 };
const BLOCK = 210;

export function LogPictureView({ p }: Frame<LogPicture>): JSX.Element {
  return (
    <Drawing height={p.rings.length * BLOCK + 66}>
      {p.rings.map((r, i) => {
        const y = i * BLOCK + 14;
        const span = Math.max(1, r.next - r.first);
        const x = (seq: number): number => 20 + (Math.max(0, seq - r.first) / span) * 920;
        const hand = (name: string, seq: number, what: string): JSX.Element => (
          <g {...mark(`${name} of the log of ${r.name} is at record ${seq}: ${what}`)}>
            <path d={`M${x(seq)} ${y + 30}l-5 9h10z`} style="fill:var(--ink)" />
            <text x={Math.min(880, x(seq) + 7)} y={y + 40}>
              {name}
            </text>
          </g>
        );
        return (
          <g key={r.name}>
            <g
              {...mark(
                `Log of ${r.name}: ${quantity(r.bytes)} bytes, ${quantity(r.used)} used; records ${r.first} to ${r.next - 1}. ${r.lost === 0 ? "None has been lost." : `${r.lost} were overwritten.`}`,
              )}
            >
              <Words x={20} y={y + 2}>
                {`log of ${r.name}: ${quantity(r.next - r.first)} records, ${r.lost} lost, ${Math.round((100 * r.used) / r.bytes)} % of ${r.bytes / 1024} KiB`}
              </Words>
              <rect x={20} y={y + 8} width={920} height={20} class="axis" />
              <rect x={20} y={y + 8} width={920 * Math.min(1, r.used / r.bytes)} height={20} style="fill:var(--h1)" />
            </g>
            {hand("read", r.read, "syslog(READ) and /proc/kmsg go on here, for all readers together.")}
            {hand("clear", r.clear, "what dmesg shows begins here; clearing moves this mark and deletes nothing.")}
            {r.records.map((rec, j) => {
              const yy = y + 58 + j * 18;
              const foreign = rec.about !== "kernel" && !r.name.split(", ").includes(rec.about);
              return (
                <g
                  key={rec.seq}
                  {...mark(
                    `Record ${rec.seq}, level ${rec.level}, about ${rec.about}: "${rec.text}". It is here because ${rec.why || "it was logged here"}.`,
                  )}
                >
                  <rect x={20} y={yy - 11} width={920} height={16} style="fill:transparent" />
                  <rect
                    x={20}
                    y={yy - 10}
                    width={46}
                    height={14}
                    style={
                      foreign
                        ? fillOf("bad")
                        : `fill:var(--panel);stroke:var(--c${ABOUT[rec.about] ?? 3});stroke-width:2`
                    }
                  />
                  <rect x={24} y={yy - 8} width={38} height={10} style="fill:var(--panel)" />
                  <text x={26} y={yy} style="font-size:10px">
                    {rec.about}
                  </text>
                  <Words x={74} y={yy}>
                    {`${rec.seq}  ${rec.text.slice(0, 62)}`}
                  </Words>
                  <Words x={520} y={yy} m>
                    {rec.why.slice(0, 68)}
                  </Words>
                </g>
              );
            })}
          </g>
        );
      })}
      {p.taken.map((t, i) => (
        <g
          key={t.reader}
          {...mark(
            `The log daemon of ${t.reader} has taken ${t.own} lines of its own and ${t.foreign} that are about others: what it took, no other reader of that position gets.`,
          )}
        >
          <Words x={20 + i * 310} y={p.rings.length * BLOCK + 40}>
            {`${t.reader}'s daemon took ${t.own} own, ${t.foreign} foreign`}
          </Words>
        </g>
      ))}
    </Drawing>
  );
}

/** Each ring with its marks; the newest records of it, whom they are about, and why they are there. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import { quantity } from "../page/format.js";
import { fillOf } from "../page/time.js";
import type { LogPicture } from "../scenarios/log.js";
import { Drawing, type Frame, Words } from "./parts.js";

const ABOUT: Readonly<Record<string, number>> = { host: 0, ct1: 1, ct2: 2, kernel: 3 };
const BLOCK = 160;
const ROUTES = 150;
const WHO = ["host", "ct1", "ct2"];

/** Lines from whom they are about to the ring they went to: the wider, the more; broken where that is another's ring. */
function Routes({ p }: { readonly p: LogPicture }): JSX.Element {
  const most = Math.max(1, ...p.routes.flat());
  const yOf = (i: number, n: number): number => 34 + ((i + 0.5) * 110) / n;
  const rings = [...p.rings.map((r) => `log of ${r.name}`), ...(p.routes.some((r) => r[3] > 0) ? ["nowhere"] : [])];
  const column = (ring: number): number => (ring === 3 ? rings.length - 1 : ring);
  return (
    <g>
      <Words x={20} y={18} m>
        a packet of
      </Words>
      <Words x={420} y={18} m>
        its line went to
      </Words>
      <Words x={680} y={18} m>
        who took lines there with syslog(2)
      </Words>
      {p.routes.flatMap((row, from) =>
        row.map((n, to) => {
          if (n === 0) return null;
          const own = p.ringOf[from] === to;
          const [y1, y2] = [yOf(from, 3), yOf(column(to), rings.length)];
          return (
            <g
              key={`${from * 4 + to}`}
              {...mark(
                `${n} lines about ${WHO[from]} went to ${rings[column(to)]}${own ? ", its own" : ", which is not its own: the task that happened to run decided"}.`,
                `log:${WHO[from]}`,
              )}
            >
              <path
                d={`M110 ${y1}C240 ${y1} 290 ${y2} 412 ${y2}`}
                style={`fill:none;stroke:var(${own ? `--c${from}` : "--bad"});stroke-width:${(1 + (9 * n) / most).toFixed(1)};${own ? "" : "stroke-dasharray:7 4"}`}
              />
            </g>
          );
        }),
      )}
      {WHO.map((who, i) => (
        <g
          key={who}
          {...mark(`Packets of ${who}: ${p.routes[i].reduce((a, b) => a + b, 0)} lines so far.`, `log:${who}`)}
        >
          <rect
            x={20}
            y={yOf(i, 3) - 12}
            width={90}
            height={24}
            style={`fill:var(--panel);stroke:var(--c${i});stroke-width:2`}
            rx={4}
          />
          <Words x={65} y={yOf(i, 3) + 4} mid>
            {who}
          </Words>
        </g>
      ))}
      {rings.map((name, i) => (
        <g key={name}>
          <rect
            x={414}
            y={yOf(i, rings.length) - 12}
            width={180}
            height={24}
            class="axis"
            style="fill:var(--panel)"
            rx={12}
          />
          <Words x={504} y={yOf(i, rings.length) + 4} mid>
            {name.slice(0, 24)}
          </Words>
        </g>
      ))}
      {p.taken.map((t, i) => {
        const ring = p.ringOf[i];
        return (
          <g
            key={t.reader}
            {...mark(
              `The log daemon of ${t.reader} reads ${rings[ring]} and has taken ${t.own} lines of its own and ${t.foreign} that are about others: what it took, no other reader of that position gets.`,
              `log:${t.reader}`,
            )}
          >
            <line
              x1={596}
              x2={672}
              y1={yOf(ring, rings.length)}
              y2={yOf(i, 3)}
              style={`stroke:var(--c${i});stroke-width:1.5`}
            />
            <Words x={680} y={yOf(i, 3) + 4}>
              {`${t.reader}: ${t.own} own, `}
              <tspan style={t.foreign > 0 ? "fill:var(--bad)" : ""}>{`${t.foreign} of others`}</tspan>
            </Words>
          </g>
        );
      })}
    </g>
  );
}

export function LogPictureView({ p }: Frame<LogPicture>): JSX.Element {
  return (
    <Drawing height={ROUTES + p.rings.length * BLOCK + 10}>
      <Routes p={p} />
      {p.rings.map((r, i) => {
        const y = ROUTES + i * BLOCK + 24;
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
    </Drawing>
  );
}

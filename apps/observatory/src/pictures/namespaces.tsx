/** User namespaces as nested regions, tasks with a number at each level, and the matrix of who sees whom. */
import type { JSX } from "preact";
import { mark } from "../page/figure.js";
import type { NsPicture } from "../scenarios/namespaces.js";
import { Drawing, type Frame, Words } from "./parts.js";

type User = NsPicture["users"][number];
const ROW = 22;

export function NamespacesPicture({ p }: Frame<NsPicture>): JSX.Element {
  const rows: JSX.Element[] = [];
  const regions: JSX.Element[] = [];
  let y = 16;
  const walk = (ns: User): void => {
    const top = y;
    const x = 12 + ns.level * 18;
    const map = ns.uids
      .map(([a, b, n]) => `${a} is ${b} outside${n > 1 && n < 4e9 ? ` (${n} of them)` : ""}`)
      .join(", ");
    y += 20;
    const tasks = p.tasks.filter((t) => t.userNs === ns.ino);
    for (const t of tasks) {
      const yy = y;
      rows.push(
        <g
          key={`t${t.pids.join()}`}
          {...mark(
            `${t.name}: numbers from the outside in ${t.pids.join(", ")}. Uid ${t.uid} in its own eyes, ${t.kuid} outside. Host name ${t.host}. Own namespaces: ${t.own.join(", ") || "none"}.`,
            `task:${t.pids[0]}`,
          )}
        >
          <rect x={x + 6} y={yy - 3} width={480 - x} height={ROW - 4} style="fill:transparent" />
          <Words x={x + 12} y={yy + 11}>
            {`${t.name.slice(0, 12)}  ${[...t.pids].reverse().join(" ← ")}`}
          </Words>
          {t.own.map((type, i) => (
            <g key={type}>
              <rect
                x={300 + i * 33}
                y={yy - 1}
                width={31}
                height={15}
                style={`fill:var(--panel);stroke:var(--c${i % 8})`}
              />
              <text x={303 + i * 33} y={yy + 10} style="font-size:10px">
                {type}
              </text>
            </g>
          ))}
        </g>,
      );
      y += ROW;
    }
    for (const child of p.users) if (child.parent === ns.ino && child.ino !== ns.ino) walk(child);
    y += 6;
    regions.push(
      <g
        key={ns.ino}
        {...mark(
          `User namespace ${ns.ino}, level ${ns.level}, owned by uid ${ns.owner}. ${ns.level === 0 ? "All ids as they are." : map === "" ? "No ids are mapped: everybody in it is 65534." : `Ids: ${map}.`}`,
        )}
      >
        <rect
          x={x}
          y={top}
          width={510 - ns.level * 24}
          height={y - top - 2}
          style="fill:none;stroke:var(--edge);stroke-width:1.5"
          rx={6}
        />
        <Words x={x + 8} y={top + 14} m>
          {`user:${ns.level} owner ${ns.owner}${ns.level > 0 ? `  uid ${ns.uids.map(([a, b]) => `${a}=${b}`).join(" ") || "unmapped"}` : ""}`}
        </Words>
      </g>,
    );
  };
  const roots = p.users.filter((u) => u.level === 0);
  for (const r of roots) walk(r);
  const n = p.tasks.length;
  const size = Math.min(22, 300 / Math.max(1, n));
  const left = 650;
  const ladderTop = 74 + n * size;
  const height = Math.max(y + 10, ladderTop + 150, 200);
  return (
    <Drawing height={height}>
      {regions.reverse()}
      {rows}
      <Words x={560} y={26}>
        row sees column: ● may signal, ○ its number only
      </Words>
      {p.tasks.map((a, i) => (
        <g
          key={`m${a.pids.join()}`}
          {...mark(
            `${a.name} (${a.pids.join("/")}) sees ${[...p.sees[i]].filter((c) => c !== "-").length} of ${n} and may signal ${[...p.sees[i]].filter((c) => c === "s").length}: ${p.tasks
              .filter((_, j) => p.sees[i][j] !== "-")
              .map((t) => t.name)
              .join(", ")}.`,
            `task:${a.pids[0]}`,
          )}
        >
          <Words x={left - 8} y={56 + i * size} end>
            {`${a.name.slice(0, 9)} ${a.pids[0]}`}
          </Words>
          {[...p.sees[i]].map((c, j) => (
            <g key={`c${left + j * size}`}>
              <rect x={left + j * size} y={44 + i * size} width={size - 1} height={size - 1} class="grid" />
              {c !== "-" && (
                <circle
                  cx={left + j * size + size / 2}
                  cy={44 + i * size + size / 2}
                  r={size / 4}
                  style={c === "s" ? "fill:var(--c0)" : "fill:none;stroke:var(--c0);stroke-width:1.5"}
                />
              )}
            </g>
          ))}
        </g>
      ))}
      <IdLadder p={p} x={560} y={ladderTop} />
    </Drawing>
  );
}

/** Uids inside and outside, as two axes: a line for each extent of a map, hatched where nothing is mapped. */
function IdLadder({ p, x, y }: { readonly p: NsPicture; readonly x: number; readonly y: number }): JSX.Element {
  const inner = p.users.filter((u) => u.level > 0).slice(0, 8);
  const ids = [...new Set(inner.flatMap((u) => u.uids.map(([, b]) => b)))].sort((a, b) => a - b);
  const place = (id: number): number => x + 150 + ((ids.indexOf(id) + 0.5) * 230) / Math.max(1, ids.length);
  return (
    <g>
      <Words x={x} y={y + 8}>
        which uid outside is uid 0 inside
      </Words>
      {ids.map((id) => (
        <Words key={id} x={place(id)} y={y + 28} mid m>
          {id}
        </Words>
      ))}
      <line x1={x + 150} x2={x + 380} y1={y + 34} y2={y + 34} class="axis" />
      {inner.map((u, i) => {
        const yy = y + 48 + i * 13;
        return (
          <g
            key={u.ino}
            {...mark(
              u.uids.length === 0
                ? `User namespace ${u.ino} (level ${u.level}) maps no ids: everybody in it is 65534 to itself.`
                : `User namespace ${u.ino} (level ${u.level}): ${u.uids.map(([a, b, n]) => `${a} to ${a + n - 1} inside is ${b} to ${b + n - 1} outside`).join("; ")}.`,
            )}
          >
            <Words x={x} y={yy + 4} m>
              {`ns ${u.ino} level ${u.level}`}
            </Words>
            {u.uids.length === 0 ? (
              <rect x={x + 150} y={yy - 4} width={230} height={8} style="fill:url(#t-waiting)" />
            ) : (
              u.uids.map(([a, b]) => (
                <path
                  key={b}
                  d={`M${x + 150} ${yy}H${place(b)}V${y + 34}`}
                  style={`fill:none;stroke:var(--c${a % 8});stroke-width:1.5`}
                />
              ))
            )}
          </g>
        );
      })}
    </g>
  );
}

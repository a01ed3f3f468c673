/** Rivals side by side as bars: a block for each column of numbers of a story's table. */
import type { Table } from "@kernelkit/core/stories";
import type { JSX } from "preact";
import { Figure, mark } from "./figure.js";
import { quantity } from "./format.js";

const ROW = 20;
const WIDTH = 300;
const LEFT = 150;

interface Block {
  readonly name: string;
  readonly bars: readonly { readonly label: string; readonly value: number }[];
}

/** The columns that differ between the rows; the words of a row are its label. */
function blocksOf(t: Table): Block[] {
  const rows = t.rows.slice(0, 12);
  const isNumber = (c: number): boolean => rows.every((r) => typeof r[c] === "number" && Number.isFinite(r[c]));
  const worded = rows.some((r) => r.some((v) => typeof v === "string"));
  // without a word in it a row is named by its first number
  const label = (r: Table["rows"][number]): string =>
    worded ? r.filter((v) => typeof v === "string").join(", ") : `${t.columns[0]} ${r[0]}`;
  return t.columns.flatMap((name, c) => {
    if (!isNumber(c) || (!worded && c === 0) || new Set(rows.map((r) => r[c])).size < 2) return [];
    return [{ name, bars: rows.map((r, i) => ({ label: label(r) || `row ${i + 1}`, value: Number(r[c]) })) }];
  });
}

export function Bars({ table }: { readonly table: Table }): JSX.Element | null {
  const blocks = blocksOf(table).slice(0, 4);
  if (blocks.length === 0 || table.rows.length < 2) return null;
  const rows = Math.min(12, table.rows.length);
  const height = 34 + rows * ROW;
  const columns = blocks.length > 1 ? 2 : 1;
  const [first] = blocks;
  const sorted = [...first.bars].sort((a, b) => b.value - a.value);
  return (
    <Figure
      title="Side by side"
      what="Each rival on the same load; point at a bar for its number. Bars begin at 0."
      caption={`${first.name}: the most has ${sorted[0].label} (${quantity(sorted[0].value)}), the least ${sorted.at(-1)?.label} (${quantity(sorted.at(-1)?.value ?? 0)}).`}
      table={table}
    >
      <svg viewBox={`0 0 ${columns * 480} ${Math.ceil(blocks.length / columns) * height}`} role="presentation">
        {blocks.map((b, i) => {
          const x = (i % columns) * 480;
          const y = Math.floor(i / columns) * height;
          const most = Math.max(...b.bars.map((bar) => Math.abs(bar.value)), Number.MIN_VALUE);
          return (
            <g key={b.name}>
              <text x={x + 4} y={y + 16} style="font-weight:600">
                {b.name.slice(0, 60)}
              </text>
              {b.bars.map((bar, j) => {
                const width = (Math.abs(bar.value) / most) * (WIDTH - 70);
                const yy = y + 26 + j * ROW;
                return (
                  <g key={`${bar.label} ${j * 2}`} {...mark(`${bar.label}, ${b.name}: ${quantity(bar.value)}.`)}>
                    <rect x={x} y={yy - 2} width={470} height={ROW} style="fill:transparent" />
                    <text x={x + LEFT - 6} y={yy + 11} text-anchor="end">
                      {bar.label.slice(0, 24)}
                    </text>
                    <rect
                      x={x + LEFT}
                      y={yy}
                      width={Math.max(1, width)}
                      height={ROW - 6}
                      style={`fill:var(--c${j % 8})`}
                    />
                    <text x={x + LEFT + width + 6} y={yy + 11} class="m">
                      {quantity(bar.value)}
                    </text>
                  </g>
                );
              })}
            </g>
          );
        })}
      </svg>
    </Figure>
  );
}

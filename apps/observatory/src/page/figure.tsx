/**
 * A picture: title, the drawing, a takeaway made from the data, an explanation of the mark under pointer or focus, a table, and exports.
 * One tab stop; arrow keys walk the marks.
 */
import type { Table } from "@kernelkit/core/stories";
import type { ComponentChildren, JSX } from "preact";
import { useRef, useState } from "preact/hooks";
import { csv } from "../lab/exports.js";
import { cell } from "./format.js";
import { save, svgText, toPng } from "./save.js";

/**
 * What makes an element a mark: a plain sentence, said on hover and on focus alike. `of`: the entity it stands for (`task:300`), which can
 * be followed.
 */
export const mark = (text: string, of?: string): Readonly<Record<string, unknown>> => ({
  "data-mark": text,
  ...(of !== undefined && { "data-of": of }),
  role: "img",
  "aria-label": text,
  tabIndex: -1,
});

export interface FigureProps {
  readonly title: string;
  /** What one sees here, when nothing is pointed at. */
  readonly what: string;
  readonly caption?: string;
  readonly table?: Table;
  /** The marked thing under pointer or focus is to be followed. */
  readonly onFollow?: (of: string) => void;
  readonly children: ComponentChildren;
}

export function Figure({ title, what, caption, table, onFollow, children }: FigureProps): JSX.Element {
  const [said, setSaid] = useState("");
  /** The entity that was last pointed at. */
  const [of, setOf] = useState("");
  const [open, setOpen] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const explain = (e: Event): void => {
    const m = (e.target as Element).closest?.("[data-mark]");
    if (m === null || m === undefined) return;
    setSaid(m.getAttribute("data-mark") ?? "");
    setOf(m.getAttribute("data-of") ?? "");
  };
  const walk = (e: KeyboardEvent): void => {
    if (e.key === "t") {
      setOpen(!open);
      e.stopPropagation();
      return;
    }
    if (e.key === "f" && of !== "" && onFollow !== undefined) {
      onFollow(of);
      e.stopPropagation();
      return;
    }
    const marks = [...(box.current?.querySelectorAll<SVGElement>("[data-mark]") ?? [])];
    if (marks.length === 0) return;
    const at = marks.indexOf(document.activeElement as SVGElement);
    const to = {
      ArrowRight: at + 1,
      ArrowDown: at + 1,
      ArrowLeft: at < 0 ? 0 : at - 1,
      ArrowUp: at < 0 ? 0 : at - 1,
      Home: 0,
      End: marks.length - 1,
      PageDown: at + 10,
      PageUp: at - 10,
    }[e.key];
    if (to === undefined) return;
    e.preventDefault();
    e.stopPropagation();
    marks[Math.min(marks.length - 1, Math.max(0, to))].focus();
  };
  const picture = (): SVGSVGElement | null => box.current?.querySelector("svg") ?? null;
  return (
    <figure class="panel">
      <div class="row">
        <h2 class="grow">{title}</h2>
        {table !== undefined && (
          <button type="button" aria-pressed={open} onClick={() => setOpen(!open)}>
            Table
          </button>
        )}
        <Saves
          svg={() => void savePicture(picture(), title, caption ?? what, "svg")}
          png={() => void savePicture(picture(), title, caption ?? what, "png")}
          {...(table !== undefined && {
            csv: () => save(`${title}.csv`, "text/csv", csv([table.columns, ...table.rows])),
          })}
        />
      </div>
      <div
        ref={box}
        class="picture"
        tabIndex={0}
        role="group"
        aria-label={`${title}. Arrow keys walk the parts.`}
        onMouseOver={explain}
        onFocusCapture={explain}
        onKeyDown={walk}
      >
        {children}
      </div>
      <div class="explain">
        {said === "" ? what : said}{" "}
        {of !== "" && onFollow !== undefined && (
          <button type="button" class="small" onClick={() => onFollow(of)}>
            Follow {of}
          </button>
        )}
      </div>
      {caption !== undefined && <figcaption>{caption}</figcaption>}
      {open && table !== undefined && <DataTable table={table} label={title} />}
    </figure>
  );
}

/** What a figure can be taken away as. */
export function Saves(p: {
  readonly svg: () => void;
  readonly png: () => void;
  readonly csv?: () => void;
}): JSX.Element {
  return (
    <details class="saves">
      <summary>Save</summary>
      <span class="row">
        <button type="button" onClick={p.svg}>
          SVG
        </button>
        <button type="button" onClick={p.png}>
          PNG
        </button>
        {p.csv !== undefined && (
          <button type="button" onClick={p.csv}>
            CSV
          </button>
        )}
      </span>
    </details>
  );
}

async function savePicture(
  svg: SVGSVGElement | null,
  title: string,
  caption: string,
  kind: "svg" | "png",
): Promise<void> {
  if (svg === null) return;
  const text = svgText(svg, caption, location.href);
  if (kind === "svg") save(`${title}.svg`, "image/svg+xml", text);
  else save(`${title}.png`, "image/png", await toPng(text));
}

const MOST_ROWS = 1000;

/** A table that can be sorted by any column. */
export function DataTable({ table, label }: { readonly table: Table; readonly label: string }): JSX.Element {
  const [by, setBy] = useState<{ column: number; down: boolean } | null>(null);
  const rows = by === null ? table.rows : [...table.rows].sort((a, b) => order(a[by.column], b[by.column], by.down));
  const numeric = table.columns.map((_, i) => table.rows.some((r) => typeof r[i] === "number"));
  return (
    <section class="scroll" tabIndex={0} aria-label={`${label}, as a table`}>
      <table>
        <thead>
          <tr>
            {table.columns.map((c, i) => (
              <th
                key={c}
                scope="col"
                class={numeric[i] ? "n" : ""}
                aria-sort={by?.column === i ? (by.down ? "descending" : "ascending") : "none"}
              >
                <button type="button" onClick={() => setBy({ column: i, down: by?.column === i && !by.down })}>
                  {c}
                </button>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, MOST_ROWS).map((r, i) => (
            <tr key={i}>
              {r.map((v, c) => (
                <td key={table.columns[c]} class={typeof v === "number" ? "n" : ""}>
                  {cell(v)}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > MOST_ROWS && (
        <p>
          {MOST_ROWS} of {rows.length} rows.
        </p>
      )}
    </section>
  );
}

function order(a: string | number, b: string | number, down: boolean): number {
  const d = typeof a === "number" && typeof b === "number" ? a - b : String(a) < String(b) ? -1 : 1;
  return down ? -d : d;
}

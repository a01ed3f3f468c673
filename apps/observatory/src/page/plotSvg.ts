/** A chart of lines as a drawing that stands alone: for files, and for paper. */
export interface SvgLine {
  readonly name: string;
  readonly unit: string;
  readonly limit: boolean;
  readonly y: ArrayLike<number>;
}

const W = 960;
const H = 320;
const LEFT = 70;
const BOTTOM = 34;
const escaped = (t: string): string =>
  t.replace(/[&<>"]/g, (c) => ({ "&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;" })[c] as string);

export interface PlotDrawing {
  readonly title: string;
  readonly xLabel: string;
  readonly x: ArrayLike<number>;
  readonly lines: readonly SvgLine[];
  readonly range: readonly [number, number];
  readonly top: number;
  /** What stands below: the caption, the address. */
  readonly words: readonly string[];
  /** Looks a colour token up. */
  readonly token: (name: string) => string;
}

export function plotSvg(p: PlotDrawing): string {
  const [a, b] = p.range;
  const px = (v: number): number => LEFT + ((v - a) / (b - a || 1)) * (W - LEFT - 12);
  const py = (v: number): number => H - BOTTOM - (v / (p.top || 1)) * (H - BOTTOM - 30);
  const ink = p.token("--ink");
  const out: string[] = [];
  const text = (x: number, y: number, s: string, fill: string, anchor = "start"): void =>
    void out.push(
      `<text x="${x.toFixed(1)}" y="${y.toFixed(1)}" fill="${fill}" text-anchor="${anchor}" font-family="sans-serif" font-size="12">${escaped(s)}</text>`,
    );
  text(8, 18, p.title, ink);
  for (let i = 0; i <= 4; i++) {
    const v = (p.top * i) / 4;
    out.push(`<path d="M${LEFT} ${py(v)}H${W - 12}" stroke="${p.token("--grid")}"/>`);
    text(LEFT - 6, py(v) + 4, Number(v.toPrecision(3)).toString(), p.token("--muted"), "end");
    const t = a + ((b - a) * i) / 4;
    text(px(t), H - BOTTOM + 16, Number(t.toPrecision(4)).toString(), p.token("--muted"), "middle");
  }
  text((LEFT + W) / 2, H - 4, p.xLabel, p.token("--muted"), "middle");
  p.lines.forEach((l, i) => {
    const stroke = p.token(l.limit ? "--muted" : `--c${i % 8}`);
    let d = "";
    let pen = "M";
    for (let j = 0; j < p.x.length; j++) {
      if (!Number.isFinite(l.y[j]) || p.x[j] < a || p.x[j] > b) {
        pen = "M";
        continue;
      }
      d += `${pen}${px(p.x[j]).toFixed(1)} ${py(l.y[j]).toFixed(1)}`;
      pen = "L";
    }
    out.push(
      `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="1.75"${l.limit ? ' stroke-dasharray="6 4"' : ""}/>`,
    );
    text(LEFT + 4 + (i % 4) * 215, H + 14 + Math.floor(i / 4) * 16, `■ ${l.name} (${l.unit})`.slice(0, 34), stroke);
  });
  const from = H + 34 + Math.floor((p.lines.length - 1) / 4) * 16;
  p.words.forEach((w, i) => {
    text(8, from + i * 16, w.slice(0, 150), ink);
  });
  const height = from + p.words.length * 16;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${W} ${height}" width="${W}" height="${height}"><rect width="${W}" height="${height}" fill="${p.token("--panel")}"/>${out.join("")}</svg>`;
}

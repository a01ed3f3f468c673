import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { makeLink, parseLink } from "../page/link.js";
import { plotSvg } from "../page/plotSvg.js";
import { keyMoment } from "../stories/moment.js";
import { History } from "./history.js";
import { readRunFile } from "./runFile.js";

describe("a history", () => {
  it("keeps a spike of one sample among a million visible at any zoom", () => {
    const h = new History(1e6, 1);
    const none = new Uint8Array(0);
    for (let bin = 0; bin < 1e6; bin++) h.push(bin, () => (bin === 777_777 ? 500 : 1), [], none);
    for (const width of [64, 300, 1200]) {
      const { y } = h.columns(0, 1e12, width, [false]);
      expect(y[0].length).toBeLessThanOrEqual(2 * width + 2);
      expect(Math.max(...y[0])).toBe(500);
    }
    const { y } = h.columns(777_000e6, 778_000e6, 300, [false]);
    expect(Math.max(...y[0])).toBe(500);
  });
});

describe("a link", () => {
  const state = {
    path: "see/wb",
    seed: 9,
    settings: { disk: 4 },
    beside: { design: "none" },
    at: { ns: 12_400_000_001, k: 3 },
    window: [10, 14] as const,
    filter: "pid=12 value>100",
    follow: "task:300",
    bookmarks: [{ name: "first stall", at: { ns: 5e8, k: 0 } }],
    journal: [{ ns: 1e9, k: 0, control: "limit", value: 6 }],
  };

  it("says again what it was made of", () => {
    const back = parseLink(makeLink(state) ?? "");
    expect(back.problems).toEqual([]);
    expect(back).toMatchObject({ ...state, path: ["see", "wb"], settings: { disk: "4" } });
  });

  it("that is damaged opens with its good parts and names the bad ones", () => {
    const back = parseLink(
      "#/see/wb?seed=7&t=soon&x=9..1&bm=@&fol=%3Cscript%3E&j=nonsense&seed=-1&f=pid%3D12&zz=%E0%A4%A",
    );
    expect(back.filter).toBe("pid=12");
    expect(back.problems).toHaveLength(7);
  });

  it("that would be too long is not made", () => {
    expect(makeLink({ ...state, filter: "x".repeat(7000) })).toBeNull();
  });
});

describe("a run file", () => {
  const good = {
    kkrun: 1,
    view: "wb",
    seed: 3,
    settings: { disk: 4 },
    journal: [{ ns: 5, k: 0, control: "limit", value: 6 }],
    at: { ns: 9, k: 0 },
  };

  it("is read back", () => {
    expect(readRunFile(JSON.stringify(good))).toEqual({
      view: "wb",
      seed: 3,
      settings: good.settings,
      journal: good.journal,
      at: good.at,
      problems: [],
    });
  });

  it("of another version, or damaged, is tried and says what was left out", () => {
    const odd = readRunFile(JSON.stringify({ ...good, kkrun: 7, seed: "x", journal: [...good.journal, { ns: 1 }] }));
    expect(typeof odd === "string" ? odd : odd.problems).toHaveLength(3);
    for (const text of ["", "{", "[]", "7", '{"kkrun":1}', '{"kkrun":1,"view":"__proto__"}'])
      expect(typeof readRunFile(text)).toBe("string");
  });
});

describe("the key moment of a story", () => {
  const series = (name: string, y: number[]) => ({ name, unit: "MiB", of: "seconds", x: [0, 1, 2, 3], y });
  it("is where two rivals are the furthest apart, or where one of them changes the most", () => {
    const two = keyMoment({
      series: [series("a", [1, 2, 3, 4]), series("b", [1, 2, 9, 5])],
      table: { columns: [], rows: [] },
      numbers: {},
    });
    expect(two?.x).toBe(2);
    expect(two?.says).toContain("a 3, b 9 MiB");
    const one = keyMoment({ series: [series("a", [1, 2, 9, 9])], table: { columns: [], rows: [] }, numbers: {} });
    expect(one?.says).toContain("from 2 to 9");
    expect(
      keyMoment({ series: [series("a", [1, 1, 1, 1])], table: { columns: [], rows: [] }, numbers: {} }),
    ).toBeNull();
  });
});

describe("a plot as a file", () => {
  it("has its lines, its words, and no markup of others", () => {
    const svg = plotSvg({
      title: "<b>pages",
      xLabel: "seconds",
      x: [0, 1, 2],
      lines: [{ name: "dirty & written", unit: "pages", limit: false, y: [1, Number.NaN, 3] }],
      range: [0, 2],
      top: 5,
      words: ["#/see/wb?seed=7"],
      token: () => "#000",
    });
    expect(svg).toContain("&lt;b&gt;pages");
    expect(svg).toContain("dirty &amp; written");
    expect(svg).toContain("#/see/wb?seed=7");
    // a gap is a gap
    expect(svg).toMatch(/d="M[\d. ]+M[\d. ]+"/);
  });
});

/** Relative luminance of `#rrggbb`, WCAG 2. */
function luminance(hex: string): number {
  const [r, g, b] = [1, 3, 5].map((i) => {
    const v = Number.parseInt(hex.slice(i, i + 2), 16) / 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}
const contrast = (a: string, b: string): number => {
  const [x, y] = [luminance(a), luminance(b)].sort((p, q) => q - p);
  return (x + 0.05) / (y + 0.05);
};

describe.each(["light", "dark"])("colours, %s", (theme) => {
  const css = readFileSync(new URL("../page/tokens.css", import.meta.url), "utf8");
  const block = css.split("}")[theme === "light" ? 0 : 1];
  const token = (name: string): string => new RegExp(`--${name}: (#[0-9a-f]{6})`).exec(block)?.[1] ?? "";
  it("of text stand out by 4.5 to 1 on every ground, of marks by 3 to 1", () => {
    for (const ground of ["panel", "page", "raised"])
      for (const text of ["ink", "muted", "link"]) expect(contrast(token(text), token(ground))).toBeGreaterThan(4.5);
    for (const text of ["bad", "warn", "good"]) expect(contrast(token(text), token("panel"))).toBeGreaterThan(4.5);
    const marks = [
      "c0",
      "c1",
      "c2",
      "c3",
      "c4",
      "c5",
      "c6",
      "c7",
      "busy",
      "system",
      "interrupt",
      "waiting",
      "injected",
      "flight",
      "edge",
    ];
    for (const mark of marks) expect([mark, contrast(token(mark), token("panel")) >= 3]).toEqual([mark, true]);
  });
});

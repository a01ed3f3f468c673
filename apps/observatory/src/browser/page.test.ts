import { createRequire } from "node:module";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../lab/run.js";
import { fitting } from "../lab/viewInfo.js";
import { VIEWS } from "../lab/views.js";
import { SCENARIOS } from "../scenarios/index.js";
import { runStory, storyInfos } from "../stories/storyLab.js";
import { firstLoad } from "./firstLoad.js";
import { CHROMIUM, Site } from "./site.js";

const axe = createRequire(import.meta.url).resolve("axe-core/axe.min.js");

const digest = async (page: Page): Promise<string> => (await page.locator("[data-digest]").textContent()) ?? "";
/** Wait until the page's kernel stands at an instant, as its transport says. */
async function at(page: Page, seconds: string): Promise<void> {
  await page.waitForFunction((s) => document.querySelector("output")?.textContent?.startsWith(s), seconds);
  // the digest belongs to the same frame as the time
  await page.waitForTimeout(50);
}
async function violations(page: Page): Promise<string[]> {
  if (!(await page.evaluate(() => "axe" in globalThis))) await page.addScriptTag({ path: axe });
  return await page.evaluate(async () => {
    const run = (
      globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
    ).axe;
    return (await run.run()).violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`);
  });
}
const wide = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
/** Elements that the tab key stops at. */
const stops = (page: Page): Promise<number> =>
  page.evaluate(
    () =>
      [
        ...document.querySelectorAll<HTMLElement>("a[href], button, input, select, textarea, summary, [tabindex='0']"),
      ].filter(
        (e) =>
          e.tabIndex >= 0 && e.checkVisibility({ contentVisibilityAuto: true }) && !(e as HTMLButtonElement).disabled,
      ).length,
  );

describe.runIf(CHROMIUM !== undefined)("the page, in Chromium", { timeout: 400_000 }, () => {
  let site: Site;
  /** One page for what needs no new one: a screen is gone to by its address. */
  let page: Page;
  const go = (hash: string): Promise<void> =>
    page.evaluate((h) => {
      location.hash = h;
    }, hash);
  /** Folded panels, opened. */
  const unfold = (): Promise<void> =>
    page.evaluate(() => {
      for (const d of document.querySelectorAll("details")) d.open = true;
    });
  beforeAll(async () => {
    site = await Site.open();
    page = await site.page("#/");
  }, 300_000);
  afterAll(async () => {
    await site?.close();
  });

  it("starts with a kernel that moves and has a limit to drag", async () => {
    await page.waitForFunction(() => Number.parseFloat(document.querySelector("output")?.textContent ?? "0") > 0.3);
    await page.locator("figure svg [data-mark]").first().waitFor();
    await page.keyboard.press(" ");
    const before = Number(await page.getByLabel("limit (MiB)").inputValue());
    const plot = page.locator(".plot .u-over");
    await plot.scrollIntoViewIfNeeded();
    const box = await plot.boundingBox();
    const y = await page.evaluate(() => {
      const { frame } = (globalThis as unknown as { kernelkitSession: { frame: { gauges: { y: Float64Array[] } } } })
        .kernelkitSession;
      return frame.gauges.y[2].at(-1) as number;
    });
    // the scale of the plot ends at 7500 pages
    const from = (box?.y ?? 0) + (box?.height ?? 0) * (1 - y / 7500);
    const x = (box?.x ?? 0) + 200;
    await page.mouse.move(x, from);
    await page.mouse.down();
    await page.mouse.move(x, from + 40, { steps: 4 });
    await page.mouse.up();
    await page.getByText(/Done: limit = |this is branch/).waitFor();
    const now = await page.evaluate(
      () =>
        (globalThis as unknown as { kernelkitSession: { frame: { journal: { control: string; value: number }[] } } })
          .kernelkitSession.frame.journal,
    );
    expect(now.at(-1)?.control).toBe("limit");
    expect(now.at(-1)?.value).toBeLessThan(before);
    expect(site.complaints).toEqual([]);
  });

  it.each(VIEWS.map((v) => v.id))("shows in view %s the run that Node has, and changing data", async (id) => {
    const scenario = SCENARIOS.find((s) => s.id === id) as (typeof SCENARIOS)[number];
    const run = new Run(scenario, { seed: 7, settings: fitting(scenario, {}).settings });
    await run.advance({ ns: 300e6, k: 0 });
    await go(`#/see/${id}?v=1&seed=7&t=0.300000000`);
    await page.getByRole("heading", { level: 1, name: scenario.question }).waitFor();
    await at(page, "0.300000000");
    expect(await digest(page)).toBe(run.kernel.digest());
    const before = await page.locator("figcaption").allTextContents();
    for (const second of ["1.000000000", "2.000000000"]) {
      await page.getByRole("button", { name: "a second on" }).click();
      await at(page, second);
    }
    expect(await page.locator("figcaption").allTextContents()).not.toEqual(before);
    const marks = await page
      .locator("[data-mark]")
      .evaluateAll((all) => all.map((m) => m.getAttribute("aria-label") ?? ""));
    expect(marks.length).toBeGreaterThan(3);
    expect(marks.every((m) => m.length > 10)).toBe(true);
    // what the caption says is made of the same numbers as Linux's file at this instant
    if (id === "wb") {
      await page.getByText("Read it in Linux").click();
      await page.getByRole("button", { name: "/proc/vmstat" }).click();
      const file = (await page.locator("details pre").textContent()) ?? "";
      const dirty = Number(/^nr_dirty (\d+)$/m.exec(file)?.[1]) + Number(/^nr_writeback (\d+)$/m.exec(file)?.[1]);
      expect(await page.locator("figcaption").first().textContent()).toContain(`${dirty} of `);
      expect(await page.locator("details pre mark").count()).toBeGreaterThan(2);
    }
    expect(await violations(page)).toEqual([]);
    expect(site.complaints).toEqual([]);
  });

  it("goes back and forward to the same digests, and branches where the past is changed", async () => {
    await go("#/see/wb?v=1&t=1.000000000");
    await at(page, "1.000000000");
    await page.locator("body").press("Escape");
    const one = await digest(page);
    // folded as it comes
    expect(await stops(page)).toBeLessThanOrEqual(80);
    await page.keyboard.press("}");
    await at(page, "2.000000000");
    const two = await digest(page);
    await page.keyboard.press("{");
    await at(page, "1.000000000");
    expect(await digest(page)).toBe(one);
    await page.keyboard.press(".");
    await page.waitForFunction(() => document.querySelector("output")?.textContent?.includes("+"));
    await page.keyboard.press(",");
    // before the event again: nothing has happened since, though the clock has come nearer to it
    await page.waitForFunction(() => !document.querySelector("output")?.textContent?.includes("+"));
    await page.waitForTimeout(50);
    expect(await digest(page)).toBe(one);
    // a bookmark here, and back to it
    const here = ((await page.locator("output").textContent()) ?? "").trim();
    await page.keyboard.press("m");
    await page.keyboard.press("a");
    await page.keyboard.press("}");
    await at(page, "2.000000000");
    expect(await digest(page)).toBe(two);
    await page.keyboard.press("'");
    await page.keyboard.press("a");
    await at(page, here);
    await page.getByLabel("limit (MiB)").fill("6");
    await page.getByLabel("limit (MiB)").press("Enter");
    await page.getByText("this is branch b now").waitFor();
    await page.getByRole("button", { name: "a second on" }).click();
    await at(page, "2.000000000");
    expect(await digest(page)).not.toBe(two);
    await page.getByRole("button", { name: "first difference" }).click();
    await page.getByText(/First difference: in b: /).waitFor();
    await page.getByRole("button", { name: "a", exact: true }).last().click();
    await page.getByText(/, branch a$/).waitFor();
    await page.getByRole("button", { name: "a second on" }).click();
    await at(page, "2.000000000");
    expect(await digest(page)).toBe(two);
    // a stretch of time, and one task followed
    await page.getByLabel("seconds").fill("0.5..1.5");
    await page.getByRole("button", { name: "Numbers" }).click();
    await page.getByRole("heading", { name: "From 0.500 to 1.500 s" }).waitFor();
    await page.getByLabel("its name or number").fill("300");
    await page.getByRole("button", { name: "Follow", exact: true }).click();
    await page.getByRole("heading", { name: "Followed: task:300" }).waitFor();
    await page.locator(".life li").first().waitFor();
    expect(await violations(page)).toEqual([]);
    await unfold();
    // the address made here leads here, in a new profile
    await page.getByRole("button", { name: "Link to this instant" }).click();
    await page.getByText("The address of this page now").waitFor();
    const other = await site.page(new URL(page.url()).hash);
    await at(other, "2.000000000");
    expect(await digest(other)).toBe(two);
    await other.getByRole("heading", { name: "Followed: task:300" }).waitFor();
    await other.context().close();
    expect(site.complaints).toEqual([]);
  });

  it("puts a kernel of another design on the same clock", async () => {
    await go("#/see/log?v=1&t=0.500000000&b=design:none");
    await page.getByRole("heading", { name: "B: design none" }).waitFor();
    await at(page, "0.500000000");
    await page.getByRole("button", { name: "a second on" }).click();
    await at(page, "1.000000000");
    const captions = await page.locator(".pair figcaption").allTextContents();
    expect(captions[0]).toContain("3 rings");
    expect(captions[1]).toContain("1 ring;");
    expect(await violations(page)).toEqual([]);
  });

  it("tells stories with the numbers of Node", async () => {
    const small: Record<string, Record<string, number>> = {
      "in-step": { shifts: 2, seconds: 1 },
      "misrouted-packets": { packets: 300 },
      "stable-page-stalls": { mib: 1 },
    };
    await go("#/stories");
    await page.locator(".cards li").first().waitFor();
    // OBSERVATORY_STORIES=all runs the long ones too
    const all = process.env["OBSERVATORY_STORIES"] === "all";
    const ids = storyInfos()
      .map((s) => s.id)
      .filter((id) => all || !LONG.includes(id));
    const here = await page.evaluate(
      async ([list, knobs]) => {
        const { run } = (
          globalThis as unknown as { kernelkitStories: { run: (id: string, k: object) => Promise<unknown> } }
        ).kernelkitStories;
        const out: Record<string, string> = {};
        for (const id of list) out[id] = JSON.stringify(await run(id, knobs[id] ?? {}));
        return out;
      },
      [ids, small] as const,
    );
    for (const id of ids) expect([id, here[id]]).toEqual([id, JSON.stringify(runStory(id, small[id] ?? {}))]);
    await go(`#/story/in-step?v=1&o=shifts:2,seconds:1`);
    await page.getByRole("heading", { name: "All on one clock" }).waitFor();
    expect(await page.locator("[data-moment]").textContent()).toMatch(/furthest apart|changes the most/);
    expect(await violations(page)).toEqual([]);
    expect(site.complaints).toEqual([]);
  });

  it("answers hostile input with a message and goes on", async () => {
    await go("#/see/wb?v=9&seed=-1&t=soon&x=9..1&o=writers:1e99,design:%3Cb%3E&j=nonsense&bm=@&fol=x&zz=%E0%A4%A");
    const note = page.getByRole("alert").filter({ hasText: "Parts of the address" });
    await note.waitFor();
    expect(await note.textContent()).toContain("seed=-1");
    await page
      .getByText(/There is no|design: one of/)
      .first()
      .waitFor();
    await page.getByRole("button", { name: "Pause" }).click();
    await unfold();
    const odd = "'; DROP <img src=x onerror=alert(1)> \u202e";
    const fields: readonly (readonly [string, RegExp])[] = [
      ["seed", /seed: a whole number/],
      ["filter", /at character/],
      ["watch", /EFILTER|at character|Watch/],
      ["stretch", /A stretch is FROM/],
      ["follow-name", /task: a number is needed/],
      ["bookmark", /./],
    ];
    for (const [id, answer] of fields) {
      const field = page.locator(`#${id}`);
      await field.fill(id === "filter" || id === "watch" ? "pid>>><script>" : odd);
      await field.press("Enter");
      await page.getByText(answer).first().waitFor();
    }
    // a path ends at its NUL
    await page.getByLabel("any file").fill("/proc/\u0000<img src=x onerror=alert(1)>");
    await page.getByRole("button", { name: "Read", exact: true }).click();
    await page
      .getByText(/EISDIR: illegal operation/)
      .first()
      .waitFor();
    const file = page.locator("#run-file");
    for (const [text, answer] of [
      ["{", /is no JSON/],
      ['{"kkrun":9,"view":"irq","seed":1,"journal":[5],"at":{"ns":500000000}}', /of version 9.*could not be read/],
    ] as const) {
      await file.setInputFiles({ name: "run.kkrun.json", mimeType: "application/json", buffer: Buffer.from(text) });
      await page.getByText(answer).first().waitFor();
    }
    await at(page, "0.500000000");
    await go("#/story/no%20such%20story");
    await page.getByText("There is no story").waitFor();
    expect(site.complaints).toEqual([]);
  });

  it("has a shell in the kernel, which completes names, and one in a container", async () => {
    await go("#/see/ns?v=1&t=1.000000000");
    await at(page, "1.000000000");
    await page.getByRole("button", { name: "Open a terminal" }).click();
    await page.locator(".term .xterm-rows").waitFor();
    await page.keyboard.type("cd /pro");
    await page.keyboard.press("Tab");
    await page.waitForFunction(() => /cd\s\/proc\//.test(document.querySelector(".term")?.textContent ?? ""));
    await page.keyboard.type("; echo in $(pwd), $(uname -r)");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".term")?.textContent?.match(/in\s\/proc,\s6\.18/) != null);
    await page.keyboard.press("F6");
    expect(await page.evaluate(() => document.activeElement?.closest(".term"))).toBeNull();
    await page.getByRole("button", { name: "In a container" }).click();
    const inner = page.locator(".note button", { hasText: /^ct/ }).first();
    const name = ((await inner.textContent()) ?? "").replace(/-\d+$/, "");
    await inner.click();
    await page.locator(".term:visible .xterm-rows").waitFor();
    await page.keyboard.type("echo I am $(hostname)");
    await page.keyboard.press("Enter");
    await page.waitForFunction(
      (n) =>
        [...document.querySelectorAll(".term")].some((t) => t.textContent?.replace(/\s+/g, " ").includes(`I am ${n}`)),
      name,
    );
    expect(site.complaints).toEqual([]);
  });

  it("builds a machine, weighs its packages, and refuses what cannot be", async () => {
    await go("#/build");
    await page.getByRole("button", { name: "Boot it" }).click();
    await page.getByText(/It boots and runs/).waitFor();
    expect(await page.locator("pre").last().textContent()).toContain("@kernelkit/writeback");
    const all = Number.parseFloat((await page.locator("[data-bundle]").textContent()) ?? "");
    await page.getByRole("checkbox", { name: /numa/ }).uncheck();
    const less = Number.parseFloat((await page.locator("[data-bundle]").textContent()) ?? "");
    expect(less).toBeLessThan(all - 5);
    await page.getByText("NUMA: there is none without numa").waitFor();
    await page.getByLabel(/distances/).fill("10 20");
    await page.getByRole("button", { name: "Boot it" }).click();
    await page
      .getByText(/distances/)
      .nth(1)
      .waitFor();
    expect(await violations(page)).toEqual([]);
  });

  it.each([
    ["dark", { colorScheme: "dark" }],
    ["at 380 px", { viewport: { width: 380, height: 800 }, hasTouch: true }],
    ["still, in colours of the system's", { reducedMotion: "reduce", forcedColors: "active" }],
  ] as const)("is accessible and fits: %s", async (name, o) => {
    const other = await site.page("#/", o);
    for (const hash of ["#/", "#/see/mem?v=1&t=0.200000000", "#/see/all?v=1&t=0.100000000", "#/stories", "#/truth"]) {
      await other.evaluate((h) => {
        location.hash = h;
      }, hash);
      await other.locator("main h1").waitFor();
      if (hash.includes("t=")) await at(other, hash.slice(-11));
      expect([hash, await violations(other)]).toEqual([hash, []]);
      expect([hash, await wide(other)]).toEqual([hash, 0]);
    }
    if (name.includes("380")) {
      const low = await other
        .locator("main button:visible, .transport button:visible")
        .evaluateAll((all) =>
          all
            .filter((b) => !b.closest("th, td, li") && b.getBoundingClientRect().height < 40)
            .map((b) => b.outerHTML.slice(0, 80)),
        );
      expect(low).toEqual([]);
    }
    await other.context().close();
    expect(site.complaints).toEqual([]);
  });

  it("loads at first no more than 400 kB: no terminal, no shell, no package that is not looked at", () => {
    const { page: own, kernel, files } = firstLoad(site.folder("assets"), String(site.file("index.html")));
    console.log(`first load, gzip: page ${Math.round(own / 1000)} kB, kernel ${Math.round(kernel / 1000)} kB`);
    expect(files.some((f) => /xterm|shell|numa|stories/.test(f))).toBe(false);
    expect(own).toBeLessThanOrEqual(100_000);
    expect(kernel).toBeGreaterThan(50_000);
    expect(own + kernel).toBeLessThanOrEqual(400_000);
  });
});

/** Stories that take longer than the others together. */
const LONG: readonly string[] = [
  "power-cut",
  "memory-min",
  "bigger-than-node",
  "four-threads",
  "home-nodes",
  "hot-page",
  "phases",
  "remote-sweep",
  "shared-table",
  "memory-tiers",
  "autonuma-objections",
  "changed-while-open",
  "labelling",
];

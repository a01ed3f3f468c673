import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";
import type { Page } from "playwright-core";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Run } from "../lab/run.js";
import { VIEWS } from "../lab/views.js";
import { cell } from "../page/format.js";
import { SCENARIOS } from "../scenarios/index.js";
import { runStory } from "../stories/storyLab.js";
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
  await page.addScriptTag({ path: axe });
  return await page.evaluate(async () => {
    const run = (
      globalThis as unknown as { axe: { run(): Promise<{ violations: { id: string; nodes: { html: string }[] }[] }> } }
    ).axe;
    return (await run.run()).violations.map((v) => `${v.id}: ${v.nodes[0]?.html.slice(0, 160)}`);
  });
}
const wide = (page: Page): Promise<number> =>
  page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);

describe.runIf(CHROMIUM !== undefined)("the page, in Chromium", { timeout: 400_000 }, () => {
  let site: Site;
  beforeAll(async () => {
    site = await Site.open();
  }, 300_000);
  afterAll(async () => {
    await site?.close();
  });

  it.each(VIEWS.map((v) => v.id))("shows in view %s the run that Node has, and changing data", async (id) => {
    const scenario = SCENARIOS.find((s) => s.id === id) as (typeof SCENARIOS)[number];
    const settings = Object.fromEntries(Object.entries(scenario.settings).map(([n, k]) => [n, k.default]));
    const run = new Run(scenario, { seed: 7, settings });
    await run.advance({ ns: 300e6, k: 0 });
    const page = await site.page(`#/see/${id}?v=1&seed=7&t=0.300000000`);
    await at(page, "0.300000000");
    expect(await digest(page)).toBe(run.kernel.digest());
    expect(await page.locator("main h1").textContent()).toBe(scenario.question);
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
    expect(site.complaints).toEqual([]);
    await page.context().close();
  });

  it("goes back and forward to the same digests, and branches where the past is changed", async () => {
    const page = await site.page("#/see/wb?v=1&t=1.000000000");
    await at(page, "1.000000000");
    const one = await digest(page);
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
    await page.keyboard.press("}");
    await at(page, "2.000000000");
    expect(await digest(page)).toBe(two);
    await page.keyboard.press("{");
    await at(page, "1.000000000");
    await page.getByLabel("limit (MiB)").fill("6");
    await page.getByLabel("limit (MiB)").press("Enter");
    await page.getByText("this is branch b now").waitFor();
    await page.getByRole("button", { name: "a second on" }).click();
    await at(page, "2.000000000");
    expect(await digest(page)).not.toBe(two);
    await page.getByRole("button", { name: "a", exact: true }).click();
    // the other branch stands at the same instant
    await page.getByText(/, branch a$/).waitFor();
    await at(page, "2.000000000");
    expect(await digest(page)).toBe(two);
    // the address made here leads here
    await page.getByRole("button", { name: "Link to this instant" }).click();
    const other = await site.page(new URL(page.url()).hash);
    await at(other, "2.000000000");
    expect(await digest(other)).toBe(two);
    expect(site.complaints).toEqual([]);
    await page.context().close();
    await other.context().close();
  });

  it.each([
    ["in-step", { shifts: 2, seconds: 1 }],
    ["misrouted-packets", { packets: 300 }],
    ["stable-page-stalls", { mib: 1 }],
  ])("tells story %s with the numbers of Node", async (id, knobs) => {
    const expected = runStory(id, knobs);
    const o = Object.entries(knobs).map(([n, v]) => `${n}:${v}`);
    const page = await site.page(`#/story/${id}?v=1&o=${o.join(",")}`);
    const numbers = page.locator("[data-result] table").last();
    await numbers.waitFor();
    const rows = await numbers
      .locator("tbody tr")
      .evaluateAll((all) => all.map((r) => [...r.querySelectorAll("td")].slice(0, 2).map((c) => c.textContent)));
    expect(rows).toEqual(Object.entries(expected.numbers).map(([n, v]) => [n, cell(v)]));
    expect(await violations(page)).toEqual([]);
    expect(site.complaints).toEqual([]);
    await page.context().close();
  });

  it("answers hostile input with a message and goes on", async () => {
    const page = await site.page(
      "#/see/wb?v=9&seed=-1&t=soon&x=9..1&o=writers:1e99,design:%3Cb%3E&j=nonsense&zz=%E0%A4%A",
    );
    const note = page.getByRole("alert").first();
    await note.waitFor();
    expect(await note.textContent()).toContain("seed=-1");
    await page.getByRole("button", { name: "Pause" }).click();
    await page.getByLabel("seed").fill("'; DROP TABLE");
    await page.getByLabel("seed").press("Tab");
    await page.getByText("seed: a whole number").waitFor();
    await page.locator("#filter").fill("pid>>><script>");
    await page.locator("#filter").press("Enter");
    await page.getByText(/at character/).waitFor();
    await page.getByText("Read it in Linux").click();
    // a path ends at its NUL
    await page.getByLabel("any file").fill("/proc/\u0000<img src=x onerror=alert(1)>");
    await page.getByRole("button", { name: "Read", exact: true }).click();
    await page
      .getByText(/EISDIR: illegal operation/)
      .first()
      .waitFor();
    await page.getByLabel("any file").fill("/proc/uptime");
    await page.getByRole("button", { name: "Read", exact: true }).click();
    await page.locator("details pre").waitFor();
    await page.goto(`${site.url}#/story/no%20such%20story`);
    await page.getByText("There is no story").waitFor();
    expect(site.complaints).toEqual([]);
    await page.context().close();
  });

  it("has a shell in the kernel", async () => {
    const page = await site.page("#/see/wb?v=1&t=0.100000000");
    await at(page, "0.100000000");
    await page.getByRole("button", { name: "Open a terminal" }).click();
    await page.locator(".term .xterm-rows").waitFor();
    await page.keyboard.type("cd /mnt; echo in $(pwd), $(uname -r)");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.querySelector(".term")?.textContent?.match(/in\s\/mnt,\s6\.18/) != null);
    await page.keyboard.type("pwd");
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => /#\spwd\s*\/mnt/.test(document.querySelector(".term")?.textContent ?? ""));
    expect(site.complaints).toEqual([]);
    await page.context().close();
  });

  it("builds a machine whose program names the same digest, and refuses what cannot be", async () => {
    const page = await site.page("#/build");
    await page.getByRole("button", { name: "Boot it" }).click();
    await page.getByText(/It boots and runs/).waitFor();
    expect(await page.locator("pre").last().textContent()).toContain("@kernelkit/writeback");
    await page.getByLabel(/distances/).fill("10 20");
    await page.getByRole("button", { name: "Boot it" }).click();
    await page
      .getByText(/distances/)
      .nth(1)
      .waitFor();
    expect(await violations(page)).toEqual([]);
    await page.context().close();
  });

  it.each([
    ["light", {}],
    ["dark", { colorScheme: "dark" }],
    ["narrow", { viewport: { width: 380, height: 800 } }],
    ["still", { reducedMotion: "reduce" }],
  ] as const)("is accessible and fits: %s", async (_, o) => {
    for (const hash of ["#/", "#/see/wb?v=1&t=0.200000000", "#/stories"]) {
      const page = await site.page(hash, o);
      await page.locator("main h1").waitFor();
      if (hash.includes("see")) await at(page, "0.200000000");
      expect(await violations(page)).toEqual([]);
      expect(await wide(page)).toBeLessThanOrEqual(0);
      await page.context().close();
    }
    expect(site.complaints).toEqual([]);
  });

  it("keeps terminal and shell out of the first load, and that below 0.6 MB", () => {
    const files = readdirSync(site.folder("assets"));
    const html = String(site.file("index.html"));
    const size = (f: string): number => gzipSync(site.file(`assets/${f}`)).length;
    const page = files.filter((f) => html.includes(f)).reduce((n, f) => n + size(f), 0);
    // the lab's worker is the one with the scenarios in it
    const worker = files
      .filter((f) => f.startsWith("worker") && String(site.file(`assets/${f}`)).includes("observatory.devices"))
      .reduce((n, f) => n + size(f), 0);
    console.log(`first load, gzip: page ${Math.round(page / 1024)} KiB, kernel ${Math.round(worker / 1024)} KiB`);
    expect(page).toBeLessThanOrEqual(100_000);
    expect(worker).toBeGreaterThan(50_000);
    expect(page + worker).toBeLessThanOrEqual(600_000);
  });
});

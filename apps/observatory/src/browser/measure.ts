// What the page costs, printed: `npx tsx src/browser/measure.ts [SECONDS]` in the app's folder. Nothing here is asserted: machines differ.
import type { Page } from "playwright-core";
import { Run } from "../lab/run.js";
import { fitting } from "../lab/viewInfo.js";
import { irqScenario } from "../scenarios/irq.js";
import { firstLoad } from "./firstLoad.js";
import { Site } from "./site.js";

const seconds = Number(process.argv[2] ?? 10);
const RATE = 2000;

interface Trace {
  readonly traceEvents: readonly {
    readonly name: string;
    readonly ph: string;
    readonly pid: number;
    readonly tid: number;
    readonly tdur?: number;
    readonly args?: { readonly name?: string };
  }[];
}
const session = "kernelkitSession";
const state = (page: Page): Promise<{ ns: number; frames: number; achieved: number }> =>
  page.evaluate((name) => {
    const s = (globalThis as unknown as Record<string, { frame: { now: number; achieved: number }; drawn: number }>)[
      name
    ];
    return { ns: s.frame.now, achieved: s.frame.achieved, frames: s.drawn };
  }, session);
const quantile = (of: number[], q: number): number => of.sort((a, b) => a - b)[Math.floor(q * (of.length - 1))] ?? 0;
const say = (what: string, value: string): void => console.log(`${what.padEnd(52)} ${value}`);

const site = await Site.open();
const load = firstLoad(site.folder("assets"), String(site.file("index.html")));
say("first load, gzip: page, kernel", `${(load.page / 1000).toFixed(0)} kB, ${(load.kernel / 1000).toFixed(0)} kB`);

// the best of three: other work on the machine only adds
const starts: number[] = [];
for (let i = 0; i < 3; i++) {
  const begun = performance.now();
  const page = await site.page("#/");
  await page.locator("output").waitFor();
  starts.push(performance.now() - begun);
  await page.context().close();
}
say("from the address to a moving kernel, best of 3", `${Math.min(...starts).toFixed(0)} ms`);

const { settings } = fitting(irqScenario as never, { rate: RATE });
const run = new Run(irqScenario as never, { seed: 7, settings });
const count = (): number => (run.kernel.core.events as unknown as { lastId: number }).lastId;
const first = count();
await run.advance({ ns: 1e9, k: 0 });
const perSecond = count() - first;

const page = await site.page(`#/see/irq?v=1&seed=7&o=rate:${RATE}`);
await page.locator("output").waitFor();
await page.getByLabel("speed").selectOption({ label: "max" });
const browser = page.context().browser();
if (browser === null) throw new Error("no browser");
const a = await state(page);
await browser.startTracing(page, { categories: ["toplevel"] });
await page.waitForTimeout(seconds * 1000);
const b = await state(page);
const trace = JSON.parse(String(await browser.stopTracing())) as Trace;
const mains = new Set(
  trace.traceEvents
    .filter((e) => e.name === "thread_name" && e.args?.name === "CrRendererMain")
    .map((e) => `${e.pid} ${e.tid}`),
);
const tasks = trace.traceEvents
  .filter(
    (e) =>
      e.ph === "X" &&
      e.tdur !== undefined &&
      mains.has(`${e.pid} ${e.tid}`) &&
      /RunTask|ThreadControllerImpl/.test(e.name),
  )
  .map((e) => (e.tdur ?? 0) / 1000);
const work = tasks.reduce((x, y) => x + y, 0);
say("events of the kernel per second, while drawn", `${((perSecond * (b.ns - a.ns)) / 1e9 / seconds).toFixed(0)}`);
say("virtual seconds a second", ((b.ns - a.ns) / 1e9 / seconds).toFixed(1));
say("frames drawn a second", ((b.frames - a.frames) / seconds).toFixed(1));
say("main thread, CPU ms a frame", (work / Math.max(1, b.frames - a.frames)).toFixed(2));
say(
  "main thread, tasks: p95, longest, ms of CPU",
  `${quantile(tasks, 0.95).toFixed(2)}, ${Math.max(0, ...tasks).toFixed(1)}`,
);

const pause = await page.evaluate(async (name) => {
  const s = (
    globalThis as unknown as Record<string, { pause(): Promise<unknown>; seek(at: object): Promise<unknown> }>
  )[name];
  const begun = performance.now();
  await s.pause();
  return performance.now() - begun;
}, session);
say("pause answered after", `${pause.toFixed(0)} ms`);
const seeks = await page.evaluate(async (name) => {
  const s = (
    globalThis as unknown as Record<string, { frame: { frontier: { ns: number } }; seek(at: object): Promise<unknown> }>
  )[name];
  const out: number[] = [];
  const end = Math.min(60e9, s.frame.frontier.ns);
  for (let i = 0; i < 60; i++) {
    const begun = performance.now();
    // golden section: all over the run, in no order
    await s.seek({ ns: Math.floor(end * ((i * 0.618034) % 1)), k: 0 });
    out.push(performance.now() - begun);
  }
  return out;
}, session);
say(
  "seek within 60 s: p50, p95",
  `${quantile([...seeks], 0.5).toFixed(0)}, ${quantile([...seeks], 0.95).toFixed(0)} ms`,
);

// heap: views and branches over and over
const heap = async (): Promise<number> => {
  const cdp = await page.context().newCDPSession(page);
  await cdp.send("HeapProfiler.collectGarbage");
  const { usedSize } = (await cdp.send("Runtime.getHeapUsage")) as { usedSize: number };
  await cdp.detach();
  return usedSize / 2 ** 20;
};
const turn = async (): Promise<void> => {
  for (const hash of ["#/see/wb", "#/stories", "#/see/ns", "#/build", "#/"]) {
    await page.evaluate((h) => {
      location.hash = h;
    }, hash);
    await page.locator("main h1").waitFor();
    await page.waitForTimeout(300);
  }
};
await turn();
const before = await heap();
for (let i = 0; i < Math.max(3, seconds); i++) await turn();
say(
  "heap of the page after 1 and after more rounds of screens",
  `${before.toFixed(1)}, ${(await heap()).toFixed(1)} MiB`,
);
say("workers that live after that", String(page.workers().length));
for (const c of site.complaints) console.log(c);
await site.close();

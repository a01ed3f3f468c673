// Screenshots of screens for looking at them: `npx tsx src/browser/shots.ts FOLDER [#/see/wb ...]` in the app's folder.
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { Site } from "./site.js";

const [folder = "shots", ...wanted] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const ALL = [
  ["light", {}],
  ["dark", { colorScheme: "dark" }],
  ["380", { viewport: { width: 380, height: 800 } }],
] as const;
const names = (process.env["SIZES"] ?? "light dark 380").split(" ");
const SIZES = ALL.filter(([name]) => names.includes(name));
const site = await Site.open();
const screens = wanted.length > 0 ? wanted : ["#/see/wb"];
for (const hash of screens) {
  for (const [name, o] of SIZES) {
    const page = await site.page(hash, o);
    await page.waitForTimeout(3500);
    // standing still, everything is drawn, in sight or not
    if (hash.includes("/see/")) await page.getByRole("button", { name: "Pause" }).click();
    await page.waitForTimeout(500);
    if (hash.includes("/story/")) await page.getByText("Show what happens").click();
    if (hash.includes("/story/")) await page.waitForTimeout(3000);
    await page.screenshot({ path: join(folder, `${hash.replace(/\W+/g, "-")}-${name}.png`), fullPage: true });
    await page.context().close();
  }
}
for (const c of site.complaints) console.log(c);
await site.close();

// `pnpm --filter docs build`: the generated pages, then the site, into dist.
import "./generate.js";
import { resolve } from "node:path";
import { build } from "vitepress";

await build("apps/docs/site", { outDir: resolve("apps/docs/dist") });

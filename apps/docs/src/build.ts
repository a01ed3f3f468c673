// `pnpm --filter docs build`: the generated pages, then the site, into dist.
import "./generate.js";
import { build } from "vitepress";

await build("apps/docs/site", { outDir: "../dist" });

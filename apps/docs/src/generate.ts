// Writes the generated pages: references and score, below site/generated. They are not checked in.
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { apiPages } from "./apiPages.js";
import { filesPage } from "./filesPage.js";
import { optionsPage } from "./optionsPage.js";
import { scorePage } from "./scorePage.js";
import { syscallsPage } from "./syscallsPage.js";
import { tracepointsPage } from "./tracepointsPage.js";

// Paths below are those of the repository.
process.chdir(fileURLToPath(new URL("../../../", import.meta.url)));
const OUT = join("apps", "docs", "site", "generated");

function write(path: string, text: string): void {
  const file = join(OUT, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, text);
}

rmSync(OUT, { recursive: true, force: true });
write("score.md", scorePage());
write("files.md", filesPage());
write("syscalls.md", syscallsPage());
write("options.md", optionsPage());
write("tracepoints.md", tracepointsPage());
for (const { path, text } of apiPages()) write(join("api", `${path}.md`), text);

// `pnpm check:readme`: compiles and runs the examples of the READMEs against the built packages.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { checkMarkdown } from "./markdownPrograms.js";
import { totalsLine } from "./totals.js";
import { packages } from "./workspace.js";

const readmes = ["README.md", ...packages().map((pkg) => join(pkg.path, "README.md"))].filter((file) =>
  existsSync(file),
);
const totals = checkMarkdown(readmes, join("tooling", "checks", ".cache", "readme"));
console.log(totalsLine(totals));
process.exitCode = totals.failed > 0 ? 1 : 0;

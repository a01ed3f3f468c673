// `pnpm check:docs [PAGE...]`: compiles and runs the programs in the pages of the documentation site against the built packages. Pages that
// are generated have none. PAGE: part of a path; without any, all pages.
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { checkMarkdown } from "./markdownPrograms.js";
import { totalsLine } from "./totals.js";

const SITE = join("apps", "docs", "site");
const asked = process.argv.slice(2);
const pages = readdirSync(SITE, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".md") && !/(^|\/)(node_modules|generated|\.vitepress)\//.test(name))
  .filter((name) => asked.length === 0 || asked.some((part) => name.includes(part)))
  .sort()
  .map((name) => join(SITE, name));
const totals = checkMarkdown(pages, join("apps", "docs", ".cache", "snippets"));

console.log(totalsLine(totals));
process.exitCode = totals.failed > 0 || totals.passed === 0 ? 1 : 0;

// API reference: the model of the API report, with docstrings. A page per package and, for core, per folder: a page of a thousand
// declarations would be read by nobody.
import type { ApiEntry, ApiItem } from "../../../tooling/checks/src/apiModel.js";
import { readApi } from "../../../tooling/checks/src/apiModel.js";
import { packages } from "../../../tooling/checks/src/workspace.js";
import { code, generated, prose } from "./markdown.js";

export interface Page {
  /** Below api/, without .md. */
  readonly path: string;
  readonly title: string;
  readonly text: string;
}

/** Pages longer than this are divided by folder. */
const ITEMS_A_PAGE = 250;

export function apiPages(): Page[] {
  const pages: Page[] = [];
  for (const [pkg, entries] of readApi(packages())) {
    const count = entries.reduce((n, entry) => n + entry.items.length, 0);
    if (count <= ITEMS_A_PAGE) {
      pages.push(page(pkg.folder, pkg.name, entries));
      continue;
    }
    const folders = new Map<string, ApiItem[]>();
    for (const entry of entries)
      for (const item of entry.items) {
        const folder = item.file.includes("/") ? item.file.split("/")[0] : (entry.specifier.split("/")[2] ?? "index");
        folders.set(folder, [...(folders.get(folder) ?? []), item]);
      }
    for (const [folder, items] of [...folders].sort(([a], [b]) => (a < b ? -1 : 1)))
      pages.push(
        page(`${pkg.folder}-${folder}`, `${pkg.name}: ${folder}`, [{ specifier: pkg.name, items, named: [] }]),
      );
  }
  const index = [
    ...generated("API", "reading the packages' declarations and docstrings"),
    ...pages.map(({ path, title }) => `- [${title}](./${path}.md)`),
    "",
    "The same signatures, without docstrings, are checked in as reports in `tooling/checks/api`: a change of one is seen in review and needs a changeset.",
    "",
  ];
  return [{ path: "index", title: "API", text: index.join("\n") }, ...pages];
}

function page(path: string, title: string, entries: readonly ApiEntry[]): Page {
  const out = [...generated(title, "reading its declarations and docstrings")];
  for (const { specifier, items } of entries) {
    if (entries.length > 1) out.push(`## ${specifier}`, "");
    const files = new Map<string, ApiItem[]>();
    for (const item of items) files.set(item.file, [...(files.get(item.file) ?? []), item]);
    for (const [file, own] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
      const constants = own.filter(({ text, doc }) => /^const \w+ = /.test(text) && doc === "");
      const rest = own.filter((item) => !constants.includes(item));
      out.push(`### ${file}`, "");
      if (constants.length > 0) out.push("```", ...constants.map(({ text }) => text.replace(/^const /, "")), "```", "");
      for (const { name, text, doc } of rest)
        out.push(`#### ${code(name)}`, "", ...docLines(doc), "```", text, "```", "");
    }
  }
  return { path, title, text: out.join("\n") };
}

/** Docstrings indent their examples by four, as Markdown does; what stands outside them is prose. */
function docLines(doc: string): string[] {
  if (doc === "") return [];
  return [...doc.split("\n").map((line) => (line.startsWith("    ") ? line : prose(line))), ""];
}

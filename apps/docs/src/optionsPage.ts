// Reference of options: the `*Options` interfaces that packages export, with their docstrings; and the words of the command line that
// their sources ask for.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { code, generated, prose, table } from "./markdown.js";
import { documentation } from "./syscallsPage.js";

interface Source {
  readonly package: string;
  readonly file: ts.SourceFile;
  readonly text: string;
}

function* sources(): Generator<Source> {
  for (const pkg of readdirSync("packages").sort(
    (a, b) => Number(b === "core") - Number(a === "core") || (a < b ? -1 : 1),
  )) {
    const root = join("packages", pkg, "src");
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" }).sort()) {
      if (!name.endsWith(".ts") || /\.test(-d)?\.ts$/.test(name) || /(^|\/)(stories|testing)\//.test(name)) continue;
      const text = readFileSync(join(root, name), "utf8");
      if (!/interface \w*Options\b|cmdline/.test(text)) continue;
      yield { package: pkg, file: ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true), text };
    }
  }
}

/** Words that a package looks for: `cmdline.get("name")`, `.has`, `.all`, `.moduleParams`. */
function words(text: string): string[] {
  const plain = [...text.matchAll(/cmdline\s*\.(?:get|has|all)\("([^"]+)"\)/g)].map((m) => m[1]);
  const modules = [...text.matchAll(/moduleParams\("([^"]+)"\)/g)].map((m) => `${m[1]}.PARAMETER`);
  return [...plain, ...modules];
}

export function optionsPage(): string {
  const byPackage = new Map<string, { interfaces: string[]; words: Set<string> }>();
  for (const source of sources()) {
    const own = byPackage.get(source.package) ?? { interfaces: [], words: new Set<string>() };
    byPackage.set(source.package, own);
    for (const word of words(source.text)) own.words.add(word);
    for (const node of source.file.statements) {
      if (!ts.isInterfaceDeclaration(node) || !node.name.text.endsWith("Options")) continue;
      if (!node.modifiers?.some((m) => m.kind === ts.SyntaxKind.ExportKeyword) || /^Resolved/.test(node.name.text))
        continue;
      const rows = node.members
        .filter(ts.isPropertySignature)
        .map((m) => [
          code(m.name.getText() + (m.questionToken === undefined ? "" : "?")),
          code(m.type?.getText() ?? "unknown"),
          prose(documentation(m)),
        ]);
      if (rows.length > 0)
        own.interfaces.push(
          `### ${node.name.text}`,
          "",
          prose(documentation(node)),
          "",
          ...table(["option", "type", ""], rows),
          "",
        );
    }
  }
  const out = [
    ...generated("Options", "reading the packages' option types and what they ask the command line for"),
    "Options are given to `createKernel(...)` or to a package's function. A wrong value is a TypeError or RangeError that names the option, the value and what is allowed.",
    "",
  ];
  for (const [name, { interfaces, words: own }] of byPackage) {
    if (interfaces.length === 0 && own.size === 0) continue;
    out.push(`## ${name}`, "", ...interfaces);
    if (own.size > 0) out.push("### Command line", "", [...own].sort().map(code).join(" "), "");
  }
  return out.join("\n");
}

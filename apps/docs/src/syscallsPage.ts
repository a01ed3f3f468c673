// Reference of system calls: the declarations of the `*Sys` interfaces with their docstrings, held against the tables of booted kernels.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { byPackage } from "./kernels.js";
import { code, generated, prose, table } from "./markdown.js";

interface Declared {
  readonly topic: string;
  readonly parameters: string;
  readonly result: string;
  readonly doc: string;
}

/** Where declarations of calls are: `interface XSys` in any file of a package. */
function declarations(): Map<string, Declared> {
  const found = new Map<string, Declared>();
  for (const pkg of readdirSync("packages")) {
    const root = join("packages", pkg, "src");
    for (const name of readdirSync(root, { recursive: true, encoding: "utf8" })) {
      if (!name.endsWith(".ts") || /\.test(-d)?\.ts$/.test(name) || /(^|\/)(stories|testing)\//.test(name)) continue;
      const text = readFileSync(join(root, name), "utf8");
      if (!/interface \w*Sys\b/.test(text)) continue;
      const file = ts.createSourceFile(name, text, ts.ScriptTarget.ES2023, true);
      for (const node of file.statements)
        if (ts.isInterfaceDeclaration(node) && node.name.text.endsWith("Sys")) read(node, found);
    }
  }
  return found;
}

function read(node: ts.InterfaceDeclaration, found: Map<string, Declared>): void {
  for (const member of node.members) {
    if (!ts.isMethodSignature(member)) continue;
    const name = member.name.getText();
    const result = member.type?.getText() ?? "void";
    found.set(name, {
      topic: node.name.text.replace(/Sys$/, ""),
      parameters: member.parameters.map((p) => p.getText()).join(", "),
      result: /^Ret<\s*this\["mode"\],\s*([\s\S]*)>$/.exec(result)?.[1].replace(/,\s*$/, "") ?? result,
      doc: documentation(member),
    });
  }
}

/** The docstring of a node, as one paragraph. */
export function documentation(node: ts.Node): string {
  const docs = (node as { jsDoc?: ts.JSDoc[] }).jsDoc ?? [];
  return docs
    .map((d) => ts.getTextOfJSDocComment(d.comment) ?? "")
    .join(" ")
    .replace(/\s+/g, " ")
    .trim();
}

export function syscallsPage(): string {
  const declared = declarations();
  const calls = byPackage((kernel) => new Map([...kernel.core.syscalls.byName.keys()].map((name) => [name, null])));
  const topics = new Map<string, string[][]>();
  let undeclared = 0;
  for (const [name, { package: owner }] of [...calls].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const d = declared.get(name);
    if (d === undefined) undeclared++;
    const topic = d === undefined ? `${owner}: not declared` : `${owner}: ${d.topic}`;
    const rows = topics.get(topic) ?? [];
    topics.set(topic, rows);
    const signature = `${name}(${d?.parameters ?? "..."}): ${d?.result ?? "?"}`;
    rows.push([code(signature), prose(d?.doc ?? "")]);
  }
  const out = [
    ...generated("System calls", "reading the tables of booted kernels and the declarations of their calls"),
    `${calls.size} calls, under Linux's names with Linux's arguments. Seen from a program each is \`yield*\`; from outside \`kernel.sys(task)\` drives time until it returns, \`kernel.call(task)\` does not wait.`,
    "Failures are `KernelError`s; errnos stand in the order in which they are looked for.",
    "",
  ];
  for (const [topic, rows] of [...topics].sort(([a], [b]) => order(a, b)))
    out.push(`## ${topic}`, "", ...table(["call", ""], rows), "");
  if (undeclared > calls.size / 10)
    throw new Error(
      `${undeclared} of ${calls.size} calls have no declaration: is this page still read from the right interfaces?`,
    );
  return out.join("\n");
}

const order = (a: string, b: string): number =>
  Number(b.startsWith("core:")) - Number(a.startsWith("core:")) || (a < b ? -1 : 1);

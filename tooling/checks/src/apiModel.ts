// The public API of the packages as declarations: per entry, each exported name with its declaration text, its docstring and its file.
//
// Read from the sources without a build and without type checking: `isolatedDeclarations` lets each file's declarations be written alone, and
// the compiler only has to follow the exports.
import { existsSync, readFileSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { isolatedDeclarationSync } from "oxc-transform";
import ts from "typescript";
import type { Package } from "./workspace.js";

export interface ApiItem {
  readonly name: string;
  /** Declarations without comments and private members, one after the other when several merge. */
  readonly text: string;
  /** The docstring of the first declaration that has one, as written, without its asterisks. */
  readonly doc: string;
  /** From packages/<folder>/src. */
  readonly file: string;
}

export interface ApiEntry {
  /** How it is imported: `@kernelkit/core/stories`. */
  readonly specifier: string;
  readonly items: readonly ApiItem[];
  /** What signatures of `items` name though the entry does not export it. */
  readonly named: readonly ApiItem[];
}

const sourceOf = (pkg: Package, entry: string): string =>
  join(pkg.path, "src", entry === "." ? "index.ts" : `${entry.slice(2)}.ts`);

/** Reads all entries of the packages. Throws on an export whose type is not written out. */
export function readApi(all: readonly Package[]): Map<Package, ApiEntry[]> {
  const program = declarationProgram(all.flatMap((pkg) => pkg.entries.map((entry) => sourceOf(pkg, entry))));
  const checker = program.getTypeChecker();
  const result = new Map<Package, ApiEntry[]>();
  for (const pkg of all) {
    const source = resolve(pkg.path, "src");
    const entries = pkg.entries.map((entry): ApiEntry => {
      const file = program.getSourceFile(resolve(sourceOf(pkg, entry)));
      const symbol = file && checker.getSymbolAtLocation(file);
      if (symbol === undefined) throw new Error(`${sourceOf(pkg, entry)} exports nothing`);
      return { specifier: pkg.name + entry.slice(1), ...follow(checker, symbol, source) };
    });
    result.set(pkg, entries);
  }
  return result;
}

/** Sources of packages are seen as their declarations; everything else as it is. */
function declarationProgram(roots: readonly string[]): ts.Program {
  const base = ts.readConfigFile("tsconfig.base.json", ts.sys.readFile).config as {
    compilerOptions: { paths: ts.MapLike<string[]> };
  };
  const options: ts.CompilerOptions = {
    target: ts.ScriptTarget.ES2023,
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler,
    paths: base.compilerOptions.paths,
    types: [],
    noLib: true,
    noEmit: true,
  };
  const host = ts.createCompilerHost(options);
  const ours = resolve("packages");
  const plain = host.readFile.bind(host);
  const declarations = (name: string): string => {
    const { code, errors } = isolatedDeclarationSync(name, readFileSync(name, "utf8"), { sourcemap: false });
    if (errors.length > 0) throw new Error(errors.map((e) => e.codeframe ?? `${name}: ${e.message}`).join("\n"));
    return code;
  };
  const isOurs = (name: string): boolean => resolve(name).startsWith(ours) && !name.includes("/node_modules/");
  host.readFile = (name) =>
    isOurs(name) && name.endsWith(".ts") && existsSync(name) ? declarations(name) : plain(name);
  host.getSourceFile = (name, target) => {
    const text = host.readFile(name);
    return text === undefined ? undefined : ts.createSourceFile(name, text, target, true);
  };
  return ts.createProgram({ rootNames: roots.map((r) => resolve(r)), options, host });
}

/** What a module exports, and what that names besides, within one package. */
function follow(checker: ts.TypeChecker, module: ts.Symbol, source: string): Omit<ApiEntry, "specifier"> {
  const resolved = (symbol: ts.Symbol): ts.Symbol =>
    (symbol.flags & ts.SymbolFlags.Alias) !== 0 ? checker.getAliasedSymbol(symbol) : symbol;
  const exported = new Map<ts.Symbol, string>();
  for (const symbol of checker.getExportsOfModule(module)) exported.set(resolved(symbol), symbol.name);
  const named = new Set<ts.Symbol>();
  const queue = [...exported.keys()];
  for (let symbol = queue.pop(); symbol !== undefined; symbol = queue.pop()) {
    for (const declaration of symbol.declarations ?? []) {
      const visit = (node: ts.Node): void => {
        if (isPrivate(node)) return;
        if (ts.isIdentifier(node)) {
          const at = checker.getSymbolAtLocation(node);
          const other = at && resolved(at);
          if (other !== undefined && !exported.has(other) && !named.has(other) && isOfPackage(other, source)) {
            named.add(other);
            queue.push(other);
          }
        }
        ts.forEachChild(node, visit);
      };
      if (declaration.getSourceFile().fileName.startsWith(`${source}/`)) visit(declaration);
    }
  }
  const items = [...exported].map(([symbol, name]) => item(symbol, name, source));
  const rest = [...named].map((symbol) => item(symbol, symbol.name, source));
  return { items: items.sort(byName), named: rest.sort(byName) };
}

const byName = (a: ApiItem, b: ApiItem): number =>
  a.name < b.name ? -1 : a.name > b.name ? 1 : a.file < b.file ? -1 : Number(a.file > b.file);

/** A declaration at the top of a file of the package: not a parameter, a member or a type variable. */
function isOfPackage(symbol: ts.Symbol, source: string): boolean {
  return (symbol.declarations ?? []).some(
    (d) =>
      d.getSourceFile().fileName.startsWith(`${source}/`) &&
      (ts.isInterfaceDeclaration(d) ||
        ts.isTypeAliasDeclaration(d) ||
        ts.isClassDeclaration(d) ||
        ts.isEnumDeclaration(d) ||
        ts.isFunctionDeclaration(d) ||
        (ts.isVariableDeclaration(d) && ts.isSourceFile(d.parent.parent.parent))),
  );
}

const isPrivate = (node: ts.Node): boolean =>
  ts.isClassElement(node) &&
  ((ts.getCombinedModifierFlags(node as ts.Declaration) & ts.ModifierFlags.Private) !== 0 ||
    (node.name !== undefined && ts.isPrivateIdentifier(node.name)));

const printer = ts.createPrinter({ removeComments: true });

function item(symbol: ts.Symbol, name: string, source: string): ApiItem {
  const declarations = symbol.declarations ?? [];
  const texts = declarations.map((d) => print(d));
  const doc = declarations.map(docOf).find((text) => text !== "") ?? "";
  const file = declarations[0]?.getSourceFile().fileName ?? "";
  return { name, text: [...new Set(texts)].join("\n"), doc, file: relative(source, file) };
}

/** The statement that declares: for a variable that is the list around it. */
function statement(d: ts.Declaration): ts.Node {
  return ts.isVariableDeclaration(d) ? d.parent.parent : d;
}

function print(d: ts.Declaration): string {
  if (ts.isSourceFile(d)) return `// the module ${d.fileName.split("/packages/")[1] ?? ""}`;
  const stripped = ts.transform(statement(d), [
    (context) => (root) => {
      const visit = (node: ts.Node): ts.Node | undefined =>
        isPrivate(node) ? undefined : ts.visitEachChild(node, visit, context);
      return ts.visitNode(root, visit) as ts.Node;
    },
  ]).transformed[0];
  return printer
    .printNode(ts.EmitHint.Unspecified, stripped, d.getSourceFile())
    .replace(/^(export )?(default )?(declare )?/, "");
}

/** The text of the docstring right before a declaration. */
function docOf(d: ts.Declaration): string {
  const node = statement(d);
  const text = d.getSourceFile().text;
  const range = (ts.getLeadingCommentRanges(text, node.pos) ?? []).at(-1);
  const comment = range === undefined ? "" : text.slice(range.pos, range.end);
  if (!comment.startsWith("/**")) return "";
  return comment
    .slice(3, -2)
    .split("\n")
    .map((line) => line.replace(/^\s*\* ?/, ""))
    .join("\n")
    .trim();
}

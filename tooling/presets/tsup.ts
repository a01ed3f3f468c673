// How every package and app is built: `tsup` in its folder reads this file through the one-line tsup.config.ts beside the package.json.
//
// Entries are those of src/index.ts, src/node.ts (what needs Node: the `./node` export), src/stories.ts (scenarios that compare rivals: the
// `./stories` export), src/fs.ts, src/vitest.ts, src/cli.ts and src/worker.ts (of an app) that exist, and those that `presetWith` names.
// JavaScript comes from esbuild, one file per entry. Declarations come from oxc, one per module: `isolatedDeclarations` makes every
// export's type readable without the type checker, so nine packages' declarations cost milliseconds. `pnpm check:types` checks them.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { isolatedDeclarationSync } from "oxc-transform";
import type { Options } from "tsup";

const ENTRIES = [
  "src/index.ts",
  "src/node.ts",
  "src/stories.ts",
  "src/fs.ts",
  "src/vitest.ts",
  "src/cli.ts",
  "src/worker.ts",
];
// A command and a thread are run, not imported: they ship no declarations.
const RUN = ["src/cli.ts", "src/worker.ts"];

/** Writes dist/**.d.ts for `entry` and everything it imports relatively. */
function declarations(entries: readonly string[]): void {
  const seen = new Set<string>();
  const queue = [...entries];
  for (let file = queue.pop(); file !== undefined; file = queue.pop()) {
    if (seen.has(file)) continue;
    seen.add(file);
    const { code, errors } = isolatedDeclarationSync(file, readFileSync(file, "utf8"), { sourcemap: false });
    if (errors.length > 0) throw new Error(errors.map((e) => e.codeframe ?? `${file}: ${e.message}`).join("\n"));
    const target = join("dist", relative("src", file).replace(/\.ts$/, ".d.ts"));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, code);
    for (const [, path] of code.matchAll(/(?:from|import)\s*\(?\s*"(\.[^"]+)\.js"/g))
      queue.push(join(dirname(file), `${path}.ts`));
  }
}

/** The build of a package with these entries beside the usual ones. */
export function presetWith(more: readonly string[]): Options {
  const entry = [...ENTRIES, ...more].filter((file) => existsSync(file));
  return {
    entry,
    format: ["esm"],
    target: "es2023",
    platform: entry.includes("src/node.ts") || entry.includes("src/cli.ts") ? "node" : "neutral",
    splitting: true,
    treeshake: false,
    clean: true,
    dts: false,
    silent: true,
    onSuccess: async () => declarations(entry.filter((file) => !RUN.includes(file))),
  };
}

const config: Options = presetWith([]);

export default config;

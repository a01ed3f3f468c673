/**
 * The code of a sweep as one module without imports: what workers run, on this machine or another, and what a run's id is the hash of. The
 * scenario's packages are inside, so that a result says by its code's hash exactly what made it.
 */
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { hash } from "./canonical.js";

export interface Bundle {
  readonly code: string;
  /** Hash of the code. */
  readonly hash: string;
  /** The packages inside, by name. */
  readonly versions: Readonly<Record<string, string>>;
}

/** execute.ts beside this file, as source or as built. */
const executePath = (): string => {
  const built = fileURLToPath(new URL("./execute.js", import.meta.url));
  return existsSync(built) ? built : built.replace(/\.js$/, ".ts");
};

/** Parts of CommonJS packages ask for Node's modules by `require`. */
const BANNER =
  'import { createRequire as __createRequire } from "node:module"; const require = __createRequire(import.meta.url);';

async function build(entry: string, folder: string): Promise<Bundle> {
  const esbuild = await import("esbuild");
  const common = {
    absWorkingDir: folder,
    bundle: true,
    write: false,
    format: "esm",
    platform: "node",
    target: "node20",
    logLevel: "silent",
    legalComments: "none",
  } as const;
  try {
    const whole = await esbuild.build({
      ...common,
      stdin: { contents: entry, resolveDir: folder, loader: "js" },
      metafile: true,
      nodePaths: [resolve(dirname(executePath()), "../node_modules")],
    });
    // Calls of functions without side effects are dropped only within one file: so once more, now that all is one. And without
    // comments: they hold paths, which are another on each machine.
    const shaken = await esbuild.build({
      ...common,
      stdin: { contents: whole.outputFiles[0].text, resolveDir: folder, loader: "js" },
      minifyWhitespace: true,
      banner: { js: BANNER },
    });
    const code = shaken.outputFiles[0].text;
    return { code, hash: hash(code), versions: versionsOf(Object.keys(whole.metafile.inputs), folder) };
  } catch (e) {
    throw new TypeError(`sweep: ${(e as Error).message}`);
  }
}

/** The packages that files belong to, with their versions. */
function versionsOf(inputs: readonly string[], folder: string): Record<string, string> {
  const found = new Map<string, string>();
  const seen = new Set<string>();
  for (const input of inputs) {
    for (let at = dirname(resolve(folder, input)); !seen.has(at); at = dirname(at)) {
      seen.add(at);
      const file = join(at, "package.json");
      if (!existsSync(file)) continue;
      const { name, version } = JSON.parse(readFileSync(file, "utf8")) as { name?: string; version?: string };
      if (name === undefined || version === undefined) continue;
      found.set(name, version);
      break;
    }
  }
  return Object.fromEntries([...found].sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** All that a module exports, for reading the sweep that it holds. */
export function bundleModule(path: string): Promise<Bundle> {
  return build(
    `export * from ${JSON.stringify(path)}; export { default } from ${JSON.stringify(path)};`,
    dirname(path),
  );
}

/** What workers load: the scenario, which `expression` picks from the module `m`, behind the handler of a run. */
export function bundleWorker(specifier: string, expression: string, folder: string): Promise<Bundle> {
  const module = JSON.stringify(specifier);
  // A named import lets the bundler drop what the scenario does not need, the sweep around it first of all.
  const named = /^m\.([A-Za-z_$][\w$]*)$/.exec(expression);
  const imports =
    named === null
      ? `import * as m from ${module}; const scenario = ${expression};`
      : `import { ${named[1]} as scenario } from ${module};`;
  return build(
    `${imports} import { makeRunner } from ${JSON.stringify(executePath())}; export { scenario }; export default makeRunner(scenario);`,
    folder,
  );
}

/** A folder for bundles, gone with `close()`. */
export class BundleFolder {
  readonly path: string = mkdtempSync(join(tmpdir(), "kernelkit-sweep-"));

  /** The file that holds the code. */
  write(code: string): string {
    const file = join(this.path, `${hash(code)}.mjs`);
    if (!existsSync(file)) writeFileSync(file, code);
    return file;
  }

  close(): void {
    rmSync(this.path, { recursive: true, force: true });
  }
}

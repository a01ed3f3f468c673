// Finds the benchmark files, bundles them against the packages' sources and imports them. Bundled, because that is how a user's code runs: plain
// ES modules without the helper calls that a TypeScript loader puts around every function. All files share one core.
import { existsSync, readdirSync, rmSync } from "node:fs";
import { basename, join, resolve } from "node:path";
import { pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import type { Benchmark } from "./benchmark.js";
import { folder } from "./folder.js";

export interface BenchmarkFile {
  /** The package's folder name: "core". This tool's own files, which compare peers with each other, are "peers". */
  readonly package: string;
  readonly path: string;
}

/** All benchmark files, core's first. */
export function benchmarkFiles(): BenchmarkFile[] {
  const folders = readdirSync("packages").sort(
    (a, b) => Number(b === "core") - Number(a === "core") || (a < b ? -1 : 1),
  );
  return [
    ...folders.flatMap((name) => filesIn(name, join("packages", name, "bench"))),
    ...filesIn("peers", join(folder, "bench")),
  ];
}

function filesIn(name: string, path: string): BenchmarkFile[] {
  if (!existsSync(path)) return [];
  const files = readdirSync(path).filter((file) => /\.bench\.(ts|mjs)$/.test(file));
  return files.sort().map((file) => ({ package: name, path: join(path, file) }));
}

/** Bundles and imports files; gives each one's benchmarks, in order. */
export async function loadBenchmarks(
  files: readonly BenchmarkFile[],
): Promise<(BenchmarkFile & { list: readonly Benchmark[] })[]> {
  const outdir = join(folder, ".cache", "bundle");
  rmSync(outdir, { recursive: true, force: true });
  const output = (file: BenchmarkFile): string =>
    `${file.package}-${basename(file.path).replace(/\.bench\.(ts|mjs)$/, "")}`;
  await build({
    entryPoints: files.map((file) => ({ in: resolve(file.path), out: output(file) })),
    outdir,
    outExtension: { ".js": ".mjs" },
    bundle: true,
    splitting: true,
    format: "esm",
    platform: "node",
    target: "node20",
    plugins: [sources],
    logLevel: "warning",
  });
  const loaded: (BenchmarkFile & { list: readonly Benchmark[] })[] = [];
  for (const file of files) {
    const module = (await import(pathToFileURL(join(outdir, `${output(file)}.mjs`)).href)) as { default?: unknown };
    if (!Array.isArray(module.default))
      throw new TypeError(`${file.path}: the default export must be a list of benchmarks`);
    loaded.push({ ...file, list: module.default as readonly Benchmark[] });
  }
  return loaded;
}

/** Packages of the workspace come from source, with what they depend on; the peers stay imports of the bundle. */
const sources: Plugin = {
  name: "sources",
  setup(build) {
    build.onResolve({ filter: /^[^./]/ }, ({ path, kind, importer }) => {
      if (kind === "entry-point") return undefined;
      const own = /^@kernelkit\/([a-z-]+)(\/node)?$/.exec(path);
      // What a package depends on is installed beside the package and not here: it goes into the bundle.
      if (own === null) return importer.startsWith(folder) ? { path, external: true } : undefined;
      return { path: resolve("packages", own[1], "src", own[2] === undefined ? "index.ts" : "node.ts") };
    });
  },
};

#!/usr/bin/env node
/**
 * conformance: bundles the runner and the packages from their sources and runs it. The bundle is made anew each time (a
 * fraction of a second), so no build can be stale and nothing has to be built before.
 */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build } from "esbuild";

const tool = dirname(dirname(fileURLToPath(import.meta.url)));
const packages = join(tool, "..", "..", "packages");
const argv = process.argv.slice(2);
const alone = argv.includes("--alone");
const outfile = join(tool, ".cache", `cli-${process.pid}.mjs`);

/** `@kernelkit/x` is packages/x/src; with --alone, a package that is not named is empty. */
const sources = {
  name: "kernelkit-sources",
  setup(b) {
    b.onResolve({ filter: /^@kernelkit\/[a-z-]+(\/node)?$/ }, ({ path }) => {
      const [, name, entry] = path.split("/");
      if (alone && name !== "core" && !argv.includes(name)) return { path: name, namespace: "empty" };
      return { path: join(packages, name, "src", entry === "node" ? "node.ts" : "index.ts") };
    });
    // In the form of CommonJS, so that what is imported by name is undefined instead of an error.
    b.onLoad({ filter: /.*/, namespace: "empty" }, () => ({ contents: "module.exports = {};" }));
  },
};

mkdirSync(dirname(outfile), { recursive: true });
let bundled;
try {
  bundled = await build({
    entryPoints: [join(tool, "src", "cli.ts")],
    bundle: true,
    format: "esm",
    platform: "node",
    target: "node20",
    sourcemap: "inline",
    write: false,
    logLevel: "error",
    plugins: [sources],
  });
} catch {
  // esbuild has said what is wrong.
  process.exit(2);
}
writeFileSync(outfile, bundled.outputFiles[0].contents);
try {
  process.setSourceMapsEnabled(true);
  const { main } = await import(pathToFileURL(outfile).href);
  process.exitCode = await main(argv);
} finally {
  rmSync(outfile, { force: true });
}

// Static files in dist/, with paths relative to the page so that any folder of any host serves them.
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gzipSync } from "node:zlib";
import { defineConfig, type Plugin, type UserConfig } from "vite";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** Chunks of the worker: core, each package, the stories of each; so that a view loads what it uses and nothing twice. */
function part(id: string): string | null {
  const m = /\/packages\/([a-z-]+)\/src\/(stories)?/.exec(id);
  if (m !== null) return m[2] === undefined || m[1] === "core" ? `pkg-${m[1]}` : `stories-${m[1]}`;
  return /node_modules\/.*(@noble|micro-rsa)/.test(id) ? "crypto" : null;
}

/** Writes sizes.json: what each package weighs, minified and compressed, in the bundle just made. */
function sizes(): Plugin {
  return {
    name: "sizes",
    writeBundle({ dir = "" }) {
      const out: Record<string, number> = {};
      for (const file of readdirSync(join(dir, "assets"))) {
        const name = /^(?:pkg-([a-z-]+)|(crypto))-[\w-]{8}\.js$/.exec(file);
        if (name !== null) out[name[1] ?? name[2]] = gzipSync(readFileSync(join(dir, "assets", file))).length;
      }
      writeFileSync(join(dir, "sizes.json"), JSON.stringify(out));
    },
  };
}

// the kernel knows the classes of its state by their names; the file of chunk names lets the builder say what a package weighs
const output = {
  chunkFileNames: "assets/[name]-[hash].js",
  minify: { mangle: { keepNames: { class: true, function: false } }, compress: true, codegen: true },
  codeSplitting: { groups: [{ name: part, debugName: "parts" }] },
};

const config: UserConfig = defineConfig({
  base: "./",
  plugins: [sizes()],
  resolve: {
    alias: [
      { find: /^just-bash$/, replacement: source("src/lab/justBash.ts") },
      { find: "@kernelkit/integrity/node", replacement: source("src/lab/nodeCrypto.ts") },
      { find: /^@kernelkit\/([a-z-]+)\/stories$/, replacement: source("../../packages/$1/src/stories.ts") },
      { find: /^@kernelkit\/([a-z-]+)$/, replacement: source("../../packages/$1/src/index.ts") },
      { find: "kernelkit/kernel", replacement: source("../demo/src/kernel.ts") },
      { find: "kernelkit/shell", replacement: source("../demo/src/shell/shell.ts") },
      { find: "kernelkit/stories", replacement: source("../demo/src/tour/catalogue.ts") },
    ],
  },
  worker: { format: "es", rolldownOptions: { output } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", chunkSizeWarningLimit: 3000, modulePreload: { polyfill: false } },
  preview: { port: 4173 },
});

export default config;

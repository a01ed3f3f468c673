// Static files in dist/, with paths relative to the page so that any folder of any host serves them.
import { fileURLToPath } from "node:url";
import { defineConfig, type UserConfig } from "vite";

const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

const config: UserConfig = defineConfig({
  base: "./",
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
  // the kernel knows the classes of its state by their names
  worker: { format: "es", rolldownOptions: { output: { keepNames: true } } },
  oxc: { jsx: { runtime: "automatic", importSource: "preact" } },
  build: { target: "es2022", chunkSizeWarningLimit: 3000, modulePreload: { polyfill: false } },
  preview: { port: 4173 },
});

export default config;

// The tests that look for mutants: those of MUTATION_TESTS (tooling/mutation/src/cli.ts), without type tests.
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";

const root = fileURLToPath(new URL("../../", import.meta.url));

const config: ViteUserConfig = defineConfig({
  root,
  resolve: {
    alias: [
      { find: /^@kernelkit\/([a-z-]+)\/(node|names|stories|define)$/, replacement: `${root}packages/$1/src/$2.ts` },
      { find: /^@kernelkit\/([a-z-]+)$/, replacement: `${root}packages/$1/src/index.ts` },
    ],
  },
  test: {
    include: (process.env.MUTATION_TESTS ?? "packages/*/src/**/*.test.ts").split(","),
    testTimeout: 120_000,
    hookTimeout: 120_000,
  },
});

export default config;

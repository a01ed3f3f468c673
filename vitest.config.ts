import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig, type ViteUserConfig } from "vitest/config";

// Every workspace import resolves to source, so that no build is needed to run a test.
const source = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const alias = [
  { find: /^@kernelkit\/([a-z-]+)\/(node|names|stories|define)$/, replacement: source("./packages/$1/src/$2.ts") },
  { find: /^@kernelkit\/([a-z-]+)$/, replacement: source("./packages/$1/src/index.ts") },
  { find: "kernelkit/kernel", replacement: source("./apps/demo/src/kernel.ts") },
  { find: "kernelkit/shell", replacement: source("./apps/demo/src/shell/shell.ts") },
  { find: "kernelkit/stories", replacement: source("./apps/demo/src/tour/catalogue.ts") },
  { find: /^kernelkit-conformance$/, replacement: source("./tooling/conformance/src/index.ts") },
];

const folders = ["packages/*", "tooling/*", "apps/*"];

const config: ViteUserConfig = defineConfig({
  resolve: { alias },
  test: {
    passWithNoTests: true,
    // Two workers keep a machine of two cores busy; one would leave half of it idle.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    // A test that hangs must end, but no test is about how long it takes: the machine may be slow and busy.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    projects: [
      {
        extends: true,
        test: {
          name: "unit",
          include: folders.map((f) => `${f}/src/**/*.test.ts`),
        },
      },
      {
        extends: true,
        test: {
          name: "types",
          include: [],
          typecheck: {
            enabled: true,
            only: true,
            include: folders.map((f) => `${f}/src/**/*.test-d.ts`),
            tsconfig: "./tsconfig.type-tests.json",
            ignoreSourceErrors: true,
          },
        },
      },
    ],
  },
});

export default config;

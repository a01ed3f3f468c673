// Who may import whom. A package imports core and nothing else of ours, core imports no package, and neither touches Node outside a
// `node` entry; apps put packages together.
export default {
  forbidden: [
    {
      name: "packages-import-only-core",
      comment: "Packages meet through core's contracts; an app composes them.",
      severity: "error",
      from: { path: "^packages/([^/]+)/" },
      to: { path: "^packages/", pathNot: ["^packages/$1/", "^packages/core/"] },
    },
    {
      name: "core-imports-no-package",
      severity: "error",
      from: { path: "^packages/core/" },
      to: { path: "^packages/(?!core/)" },
    },
    {
      name: "packages-reach-core-by-name",
      comment: "Through @kernelkit/core's entries, not into its files: what is not exported is core's own.",
      severity: "error",
      from: { path: "^packages/(?!core/)" },
      to: { path: "^packages/core/", pathNot: "^packages/core/(src/(index|node|names|stories)\\.ts|dist/)" },
    },
    {
      name: "packages-import-no-app-or-tool",
      severity: "error",
      from: { path: "^packages/[^/]+/src/" },
      to: { path: "^(apps|tooling)/" },
    },
    {
      name: "no-node-builtins",
      comment:
        "Packages run in a browser: what needs Node belongs in src/node.ts or src/node/. sweep is for Node alone.",
      severity: "error",
      from: { path: "^packages/(?!sweep/)[^/]+/src/", pathNot: "(/node(/|\\.ts$)|\\.test(-d)?\\.ts$)" },
      to: { dependencyTypes: ["core"] },
    },
    {
      name: "node-entry-stays-apart",
      comment: "What everyone imports must not pull in what needs Node.",
      severity: "error",
      from: { path: "^packages/[^/]+/src/", pathNot: "(/node(/|\\.ts$)|\\.test(-d)?\\.ts$)" },
      to: { path: "^packages/[^/]+/src/node(/|\\.ts$)" },
    },
    {
      name: "no-tests-in-code",
      severity: "error",
      from: { pathNot: "\\.test(-d)?\\.ts$" },
      to: { path: "\\.test(-d)?\\.ts$" },
    },
    { name: "resolvable", severity: "error", from: {}, to: { couldNotResolve: true } },
    {
      name: "no-circular",
      severity: "error",
      from: {},
      to: { circular: true, viaOnly: { dependencyTypesNot: ["type-only"] } },
    },
  ],
  options: {
    doNotFollow: { path: "node_modules" },
    exclude: { path: "(^|/)(\\.cache|tooling/conformance/cases|apps/(observatory|docs)/dist)/" },
    tsConfig: { fileName: "tsconfig.base.json" },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ["exports"],
      conditionNames: ["types", "import"],
      extensions: [".ts", ".tsx", ".js", ".mjs", ".d.ts"],
    },
  },
};

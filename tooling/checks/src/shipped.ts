// `pnpm check:shipped`: the packages as a user gets them. Each is packed; publint and are-the-types-wrong read the tarball; then all
// tarballs are installed into an empty project, which imports every entry in Node, compiles against the declarations (with nothing but
// the language's own library: no DOM, no Node types) and bundles the main entries for a browser.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { build } from "esbuild";
import { command, twoAtATime } from "./command.js";
import { totalsLine } from "./totals.js";
import { type Package, packages } from "./workspace.js";

let passed = 0;
let failed = 0;
function count(what: string, ok: boolean, output: string): void {
  if (ok) passed++;
  else {
    failed++;
    console.log(`${what}\n${output.trimEnd()}\n`);
  }
}

const bin = (name: string): string => resolve("tooling/checks/node_modules/.bin", name);
const here = mkdtempSync(join(tmpdir(), "kernelkit-shipped-"));
const tarballs = join(here, "tarballs");
const consumer = join(here, "consumer");
mkdirSync(tarballs);
mkdirSync(consumer);

async function pack(pkg: Package): Promise<void> {
  const packed = await command("pnpm", ["pack", "--pack-destination", tarballs], pkg.path);
  count(`${pkg.name}: pnpm pack`, packed.ok, packed.output);
}

const tarball = (pkg: Package): string =>
  join(tarballs, `${pkg.name.replace("@", "").replace("/", "-")}-${pkg.version}.tgz`);

async function lint(pkg: Package): Promise<void> {
  const publint = await command(bin("publint"), ["run", tarball(pkg), "--strict"]);
  count(`${pkg.name}: publint`, publint.ok, publint.output);
  const attw = await command(bin("attw"), [tarball(pkg), "--profile", "esm-only"]);
  count(`${pkg.name}: are the types wrong?`, attw.ok, attw.output);
}

/** A tarball holds the build and its papers: no source, no test, no build cache. */
async function contents(pkg: Package): Promise<void> {
  const listed = await command("tar", ["-tzf", tarball(pkg)]);
  const files = listed.output.trim().split("\n");
  const stray = files.filter(
    (f) => !/^package\/(package\.json|README\.md|LICENSE|CHANGELOG\.md|dist\/.*\.(js|d\.ts))$/.test(f),
  );
  count(`${pkg.name}: files that should not be in the tarball`, listed.ok && stray.length === 0, stray.join("\n"));
  const missing = ["package.json", "README.md", "LICENSE", "dist/index.js", "dist/index.d.ts"].filter(
    (f) => !files.includes(`package/${f}`),
  );
  count(`${pkg.name}: files missing from the tarball`, missing.length === 0, missing.join("\n"));
}

async function install(all: readonly Package[]): Promise<void> {
  const dependencies = Object.fromEntries(all.map((pkg) => [pkg.name, `file:${tarball(pkg)}`]));
  writeFileSync(
    join(consumer, "package.json"),
    JSON.stringify({
      name: "consumer",
      private: true,
      type: "module",
      dependencies,
      pnpm: { overrides: dependencies },
    }),
  );
  const installed = await command(
    "pnpm",
    ["install", "--prefer-offline", "--ignore-workspace", "--ignore-scripts"],
    consumer,
  );
  count("installing the tarballs into an empty project", installed.ok, installed.output);
}

async function use(all: readonly Package[]): Promise<void> {
  const specifiers = all.flatMap((pkg) => pkg.entries.map((entry) => pkg.name + entry.slice(1)));
  const imports = (list: readonly string[]): string =>
    `${list.map((s, i) => `import * as p${i} from ${JSON.stringify(s)};`).join("\n")}\nexport const all = [${list.map((_, i) => `p${i}`)}];\n`;

  writeFileSync(join(consumer, "node.mjs"), imports(specifiers));
  const node = await command(process.execPath, ["node.mjs"], consumer);
  count("importing every entry in Node", node.ok, node.output);

  // Entries for Node may speak of Node's types; what everyone imports must stand on the language alone.
  const nodeOnly = all.filter((pkg) => pkg.nodeOnly).map((pkg) => pkg.name);
  const main = specifiers.filter((s) => !s.endsWith("/node") && !nodeOnly.some((name) => s.startsWith(name)));
  writeFileSync(join(consumer, "main.ts"), imports(main).replace("export const all", "export const all: unknown[]"));
  const options = {
    target: "es2023",
    lib: ["ES2023"],
    types: [],
    module: "esnext",
    moduleResolution: "bundler",
    strict: true,
  };
  writeFileSync(
    join(consumer, "tsconfig.json"),
    JSON.stringify({ compilerOptions: { ...options, noEmit: true, skipLibCheck: false }, files: ["main.ts"] }),
  );
  const types = await command(bin("tsc"), ["-p", consumer]);
  count("compiling against the declarations", types.ok, types.output);

  writeFileSync(join(consumer, "browser.mjs"), imports(main));
  const outfile = join(consumer, "browser.js");
  const bundled = await build({
    entryPoints: [join(consumer, "browser.mjs")],
    bundle: true,
    format: "esm",
    platform: "browser",
    outfile,
    logLevel: "silent",
  }).then(
    () => readFileSync(outfile, "utf8"),
    (error: Error) => error,
  );
  count("bundling for a browser", typeof bundled === "string", String(bundled));
}

try {
  const all = packages();
  await twoAtATime(all, pack);
  if (readdirSync(tarballs).length === all.length) {
    await Promise.all([
      twoAtATime(all, async (pkg) => {
        await contents(pkg);
        await lint(pkg);
      }),
      install(all).then(() => use(all)),
    ]);
  }
} finally {
  rmSync(here, { recursive: true, force: true });
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

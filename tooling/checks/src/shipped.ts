// `pnpm check:shipped`: the packages as a user gets them. Each is packed; publint and are-the-types-wrong read the tarball; then the tarballs
// are installed into empty projects, which run, compile and bundle them (consumers.ts). Needs a build.
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { command, twoAtATime } from "./command.js";
import { useAsConsumers } from "./consumers.js";
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
const consumers = join(here, "consumers");
mkdirSync(tarballs);
mkdirSync(consumers);

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

/** Every entry of every package, the stories and those for Node as well, found in one project by Node. */
async function everyEntry(all: readonly Package[]): Promise<void> {
  for (const pkg of all) {
    const folder = join(consumers, `alone-${pkg.folder}`);
    const specifiers = pkg.entries.map((entry) => pkg.name + entry.slice(1));
    writeFileSync(join(folder, "entries.mjs"), specifiers.map((s) => `import ${JSON.stringify(s)};\n`).join(""));
    const node = await command(process.execPath, ["entries.mjs"], folder);
    count(`${pkg.name}: importing every entry in Node`, node.ok, node.output);
  }
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
      useAsConsumers(all, consumers, tarball, count).then(() => everyEntry(all)),
    ]);
  }
} finally {
  rmSync(here, { recursive: true, force: true });
}
console.log(totalsLine({ passed, failed }));
process.exitCode = failed > 0 ? 1 : 0;

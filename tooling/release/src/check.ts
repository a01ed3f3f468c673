// `pnpm check:release`: the way a release goes, for real, against a registry on the loopback. All packages are published; one gets a
// changeset and a second release, which must publish that one alone; a new project installs one package, and all, from the registry.
// Works on a copy, so the checkout stays as it is. Needs a build.
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { bun } from "./bun.js";
import { command, type Manifest, publishable, publishMissing } from "./publish.js";
import { startRegistry } from "./registry.js";
import { checkTarget } from "./target.js";

const SCOPE = "@kernelkit";
/** The command, which is outside the scope: a project has it from the registry by the address of its tarball. */
const COMMAND = "kernelkit";
/** The package that is released twice. */
const CHANGED = `${SCOPE}/genirq`;

let passed = 0;
let failed = 0;
function count(what: string, ok: boolean, detail = ""): void {
  if (ok) passed++;
  else {
    failed++;
    console.log(`${what}\n${detail}\n`);
  }
}

/** What is needed to version and publish: manifests, builds, papers, the changesets' settings. */
function copyWorkspace(to: string): void {
  for (const file of ["package.json", "pnpm-workspace.yaml", "LICENSE", ".changeset/config.json"]) {
    mkdirSync(join(to, file, ".."), { recursive: true });
    cpSync(file, join(to, file));
  }
  for (const { path } of publishable(".")) {
    for (const file of ["package.json", "README.md", "dist"]) {
      if (existsSync(join(path, file))) cpSync(join(path, file), join(to, path, file), { recursive: true });
    }
  }
  cpSync("tooling/conformance/package.json", join(to, "tooling/conformance/package.json"), { recursive: true });
  for (const { path } of publishable(to)) linkWorkspace(to, path);
  symlinkSync(resolve("node_modules"), join(to, "node_modules"));
}

/** What a package has from the workspace stands in its node_modules, as after an install: packing looks the versions up there. */
function linkWorkspace(root: string, path: string): void {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(path, "package.json"), "utf8"));
  for (const [name, range] of Object.entries<string>({ ...dependencies, ...devDependencies })) {
    if (!range.startsWith("workspace:")) continue;
    const link = join(path, "node_modules", name);
    mkdirSync(join(link, ".."), { recursive: true });
    symlinkSync(
      publishable(root).find((m) => m.name === name)?.path ?? join(root, "tooling", name.replace(`${COMMAND}-`, "")),
      link,
    );
  }
}

const names = (list: readonly Manifest[]): string[] => list.map((m) => m.name).sort();

/** A program that prints "true" for each package that exports something. */
const imports = (packages: readonly string[]): string =>
  packages.map((name, i) => `import * as p${i} from "${name}"; console.log(Object.keys(p${i}).length > 0);`).join("\n");

const onlyTrue = (output: string): boolean =>
  output
    .trim()
    .split("\n")
    .every((line) => line === "true");

const manifestOf = (path: string): Manifest => JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as Manifest;

/** A new project with these packages, which imports them by these names. */
async function consumer(
  folder: string,
  url: string,
  packages: readonly string[],
  modules: readonly string[] = packages,
): Promise<string> {
  mkdirSync(folder);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumer", private: true, type: "module" }));
  writeFileSync(join(folder, ".npmrc"), `${SCOPE}:registry=${url}\n`);
  await command("npm", ["install", "--no-audit", "--no-fund", "--ignore-scripts", ...packages], folder);
  writeFileSync(join(folder, "main.mjs"), imports(modules));
  return command(process.execPath, ["main.mjs"], folder);
}

const here = mkdtempSync(join(tmpdir(), "kernelkit-release-"));
const registry = await startRegistry(here, [`${SCOPE}/*`, COMMAND]);
try {
  checkTarget(registry.url, false);
  const work = join(here, "work");
  copyWorkspace(work);
  // A token is asked for though anybody may publish there. Whatever the machine has for other registries is not used.
  const npmrc = join(here, "npmrc");
  writeFileSync(npmrc, `${SCOPE}:registry=${registry.url}\n//${new URL(registry.url).host}/:_authToken=none\n`);
  const env = { ...process.env, NPM_CONFIG_USERCONFIG: npmrc, npm_config_userconfig: npmrc };
  writeFileSync(join(work, ".npmrc"), readFileSync(npmrc));

  const all = publishable(work);
  const first = await publishMissing(work, registry.url, env, false);
  count(
    "the first release publishes every package",
    names(first).join() === names(all).join(),
    names(first).join(", "),
  );
  count("again there is nothing to publish", (await publishMissing(work, registry.url, env, false)).length === 0);

  writeFileSync(join(work, ".changeset", "one.md"), `---\n"${CHANGED}": patch\n---\n\nA change of one package.\n`);
  await command("git", ["init", "-q", "-b", "main"], work);
  await command(process.execPath, [join(work, "node_modules/@changesets/cli/bin.js"), "version"], work, env);
  const second = await publishMissing(work, registry.url, env, false);
  count(
    "the second release publishes the package that changed, and no other",
    names(second).join() === CHANGED,
    names(second).join(", "),
  );
  const changelog = join(work, "packages/genirq/CHANGELOG.md");
  count(
    "its changelog says why",
    existsSync(changelog) && readFileSync(changelog, "utf8").includes("A change of one package."),
  );

  const version = second[0]?.version ?? "none";
  const one = await consumer(join(here, "one"), registry.url, [CHANGED]);
  count("an empty project installs one package, in its new version, with core", one.trim() === "true", one);
  const installed = manifestOf(join(here, "one/node_modules", CHANGED));
  count("the version is the new one", installed.version === version, installed.version);
  const scoped = all.filter(({ name }) => name !== COMMAND);
  const every = await consumer(join(here, "every"), registry.url, names(scoped));
  count("an empty project installs all", onlyTrue(every), every);
  const { path } = all.find(({ name }) => name === COMMAND) as Manifest;
  const tarball = `${registry.url}${COMMAND}/-/${COMMAND}-${manifestOf(path).version}.tgz`;
  await consumer(join(here, "command"), registry.url, [tarball], [COMMAND]);
  const shell = await command("npx", [COMMAND, "boot", "-c", "hostname; cat /proc/1/comm"], join(here, "command"));
  count("an empty project installs the command, which boots and takes a script", shell.includes("init"), shell);
  const score = await command("npx", [COMMAND, "conformance", "powerclamp"], join(here, "command"));
  count("the command has the recorded cases with it", /powerclamp +192 +192 +0/.test(score), score);
  const program = await bun();
  if (program === null) console.log("bun was not tried: its package cannot be installed here");
  else {
    // what is for Node alone is not asked to run in it
    const forAll = scoped.filter(
      ({ path }) => !readFileSync(join(path, "package.json"), "utf8").includes('"platform": "node"'),
    );
    writeFileSync(join(here, "every", "bun.mjs"), imports(names(forAll)));
    const run = await command(program, ["bun.mjs"], join(here, "every")).catch((e: Error) => e.message);
    count("bun imports all of it", onlyTrue(run), run);
  }
} catch (e) {
  count("the release", false, (e as Error).message);
} finally {
  registry.stop();
  rmSync(here, { recursive: true, force: true });
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 ? 1 : 0;

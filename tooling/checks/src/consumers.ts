// The consumers' matrix: projects that use the packed packages as their users would, each alone and three together.
//
//   what is run        a program per package that uses that package and core alone, one that composes three, one with two copies of core
//   by whom            this Node, and each other one that is found (KERNELKIT_NODES=/path/to/node:..., nvm's, and those named node22, node24)
//   compiled           TypeScript with moduleResolution node16 and bundler, strict, libraries checked, no DOM and no types of Node
//   bundled            esbuild for each, Vite and webpack for the three; each bundle runs where there is nothing of Node's
//
// All are one pnpm workspace, so that one install makes every tree; pnpm's trees let a project see only what it lists.
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, join, resolve } from "node:path";
import { runInNewContext } from "node:vm";
import { build } from "esbuild";
import { command, twoAtATime } from "./command.js";
import type { Package } from "./workspace.js";

export type Count = (what: string, ok: boolean, output: string) => void;

/** A kernel of core and one package, and the line that a file of that package begins with or holds. */
const kernelOf = (
  imports: string,
  use: string,
  path: string,
): string => `import { createKernel } from "@kernelkit/core";
${imports}
const kernel = createKernel({ machine: { cpus: 2, memory: "256M" } })${use}.boot();
kernel.run("10ms");
const text: string = kernel.sys(kernel.init).readText("${path}");
console.log(text.length > 0 ? "ok" : "empty");
`;

/** What each package's consumer does. A package that is not here is imported and must export something. */
const PROGRAMS: Readonly<Record<string, string>> = {
  core: kernelOf("", "", "/proc/uptime"),
  genirq: kernelOf('import { genirq } from "@kernelkit/genirq";', ".use(genirq())", "/proc/interrupts"),
  integrity: kernelOf(
    'import { integrity } from "@kernelkit/integrity";',
    ".use(integrity())",
    "/sys/kernel/security/ima/ascii_runtime_measurements",
  ),
  memcg: kernelOf('import { memcg } from "@kernelkit/memcg";', ".use(memcg())", "/sys/fs/cgroup/memory.stat"),
  namespaces: kernelOf(
    'import { namespaces } from "@kernelkit/namespaces";',
    ".use(namespaces())",
    "/proc/sys/user/max_user_namespaces",
  ),
  numa: kernelOf('import { numa } from "@kernelkit/numa";', ".use(numa())", "/sys/devices/system/node/node0/numastat"),
  powerclamp: kernelOf(
    'import { powerclamp } from "@kernelkit/powerclamp";',
    ".use(powerclamp({ autoload: true }))",
    "/sys/class/thermal/cooling_device0/type",
  ),
  "printk-syslog": kernelOf(
    'import { printkSyslog } from "@kernelkit/printk-syslog";',
    ".use(printkSyslog())",
    "/proc/sys/kernel/printk",
  ),
  writeback: kernelOf(
    'import { writeback } from "@kernelkit/writeback";',
    ".use(writeback())",
    "/proc/sys/vm/dirty_ratio",
  ),
};

const THREE = ["core", "genirq", "printk-syslog", "writeback"];
const THREE_PROGRAM = `import { createKernel } from "@kernelkit/core";
import { genirq } from "@kernelkit/genirq";
import { printkSyslog } from "@kernelkit/printk-syslog";
import { writeback } from "@kernelkit/writeback";
const kernel = createKernel({ machine: { cpus: 2, memory: "256M" } }).use(genirq()).use(printkSyslog()).use(writeback()).boot();
kernel.run("10ms");
const sys = kernel.sys(kernel.init);
const files: string[] = ["/proc/interrupts", "/proc/sys/kernel/printk", "/proc/sys/vm/dirty_ratio"];
console.log(files.every((file) => sys.readText(file).length > 0) ? "ok" : "empty");
`;

const imported = (name: string): string =>
  `import * as all from "${name}";\nconsole.log(Object.keys(all).length > 0 ? "ok" : "empty");\n`;

interface Consumer {
  readonly name: string;
  readonly packages: readonly Package[];
  readonly program: string;
}

const COPIES = `import { createKernel } from "@kernelkit/core";
import { genirq } from "@kernelkit/genirq";
try {
  createKernel().use(genirq()).boot();
  console.log("composed");
} catch (e) {
  console.log(e instanceof TypeError && /'genirq' was built against another copy of @kernelkit\\/core/.test(e.message) ? "ok" : String(e));
}
`;

/** Makes, installs and uses them below `folder`; `tarball` says where a package's is. */
export async function useAsConsumers(
  all: readonly Package[],
  folder: string,
  tarball: (pkg: Package) => string,
  count: Count,
): Promise<void> {
  const core = all.filter((pkg) => pkg.folder === "core");
  const alone = all.map(
    (pkg): Consumer => ({
      name: `alone-${pkg.folder}`,
      packages: pkg.folder === "core" ? core : [...core, pkg],
      program: PROGRAMS[pkg.folder] ?? imported(pkg.name),
    }),
  );
  const three: Consumer = {
    name: "three",
    packages: all.filter((pkg) => THREE.includes(pkg.folder)),
    program: THREE_PROGRAM,
  };
  const consumers = [...alone, three];

  for (const consumer of consumers) {
    const home = join(folder, consumer.name);
    mkdirSync(home, { recursive: true });
    const dependencies = Object.fromEntries(consumer.packages.map((pkg) => [pkg.name, `file:${tarball(pkg)}`]));
    writeFileSync(
      join(home, "package.json"),
      JSON.stringify({ name: consumer.name, private: true, type: "module", dependencies }),
    );
    writeFileSync(join(home, "main.ts"), consumer.program);
    writeFileSync(join(home, "main.mjs"), untyped(consumer.program));
    // what everyone may import must stand on the language alone
    const entries = consumer.packages.flatMap((pkg) => pkg.entries.map((entry) => pkg.name + entry.slice(1)));
    const forAll = entries.filter((specifier) => !specifier.endsWith("/node"));
    writeFileSync(join(home, "entries.ts"), forAll.map((s) => `import ${JSON.stringify(s)};\n`).join(""));
  }
  const overrides = all.map((pkg) => `  "${pkg.name}": "file:${tarball(pkg)}"\n`).join("");
  writeFileSync(join(folder, "pnpm-workspace.yaml"), `packages: ["*"]\noverrides:\n${overrides}`);
  writeFileSync(join(folder, "package.json"), JSON.stringify({ name: "consumers", private: true }));
  const installed = await command("pnpm", ["install", "--prefer-offline", "--ignore-scripts"], folder);
  count("installing the tarballs into empty projects", installed.ok, installed.output);
  if (!installed.ok) return;

  await runInNode(consumers, folder, count);
  await twoCopies(all, folder, tarball, count);
  await compile(consumers, folder, count);
  await bundle(consumers, folder, count);
}

/** The few types in the programs taken away: they are there for the compiler's sake. */
const untyped = (program: string): string => program.replace(/: string(\[\])?(?= =)/g, "");

/** Every Node there is, this one first. */
export function nodes(): string[] {
  const nvm = join(homedir(), ".nvm", "versions", "node");
  const others = [
    ...(process.env.KERNELKIT_NODES ?? "").split(delimiter),
    ...(existsSync(nvm) ? readdirSync(nvm).map((version) => join(nvm, version, "bin", "node")) : []),
    ...(process.env.PATH ?? "").split(delimiter).flatMap((dir) => [22, 24].map((v) => join(dir, `node${v}`))),
  ];
  return [process.execPath, ...new Set(others.filter((file) => file !== "" && existsSync(file)))];
}

async function runInNode(consumers: readonly Consumer[], folder: string, count: Count): Promise<void> {
  const found = nodes();
  const jobs = found.flatMap((node) => consumers.map((consumer) => ({ node, consumer })));
  await twoAtATime(jobs, async ({ node, consumer }) => {
    const { ok, output } = await command(node, ["main.mjs"], join(folder, consumer.name));
    count(`${consumer.name} in ${node}`, ok && output === "ok\n", output);
  });
}

/** A tree in which the package finds another copy of core than the program does, as two versions of core would make it. */
async function twoCopies(
  all: readonly Package[],
  folder: string,
  tarball: (pkg: Package) => string,
  count: Count,
): Promise<void> {
  const home = join(folder, "..", "two-copies");
  const place = async (name: string, to: string): Promise<void> => {
    const pkg = all.find((p) => p.folder === name) as Package;
    mkdirSync(to, { recursive: true });
    await command("tar", ["-xzf", tarball(pkg), "-C", to, "--strip-components=1"]);
  };
  const scope = join(home, "node_modules", "@kernelkit");
  await place("core", join(scope, "core"));
  await place("genirq", join(scope, "genirq"));
  const inner = join(scope, "genirq", "node_modules", "@kernelkit", "core");
  await place("core", inner);
  const manifest = JSON.parse(readFileSync(join(inner, "package.json"), "utf8")) as { version: string };
  writeFileSync(join(inner, "package.json"), JSON.stringify({ ...manifest, version: "0.99.0" }));
  writeFileSync(join(home, "main.mjs"), COPIES);
  const { ok, output } = await command(process.execPath, ["main.mjs"], home);
  count("two versions of core in one tree give an error that says so", ok && output === "ok\n", output);
}

async function compile(consumers: readonly Consumer[], folder: string, count: Count): Promise<void> {
  const browser = consumers.filter((c) => c.packages.every((pkg) => !pkg.nodeOnly));
  const options = { target: "es2023", lib: ["ES2023"], types: [], strict: true, noEmit: true, skipLibCheck: false };
  const kinds = [
    { moduleResolution: "node16", module: "node16" },
    { moduleResolution: "bundler", module: "esnext" },
  ];
  // the one thing of the host that the programs use
  writeFileSync(join(folder, "console.d.ts"), "declare const console: { log(text: string): void };\n");
  await twoAtATime(kinds, async (kind) => {
    const config = join(folder, `tsconfig.${kind.moduleResolution}.json`);
    const files = ["console.d.ts", ...browser.flatMap((c) => [`${c.name}/main.ts`, `${c.name}/entries.ts`])];
    writeFileSync(config, JSON.stringify({ compilerOptions: { ...options, ...kind }, files }));
    const tsc = await command(resolve("tooling/checks/node_modules/.bin/tsc"), ["-p", config]);
    count(`compiling with moduleResolution ${kind.moduleResolution}`, tsc.ok, tsc.output);
  });
}

/** Runs a bundle where there is the language and a console, and what every browser has for text. */
function runAsBrowser(file: string): string {
  const lines: string[] = [];
  const console = { log: (text: string) => lines.push(text) };
  const page = { console, TextEncoder, TextDecoder, URL, queueMicrotask };
  try {
    runInNewContext(readFileSync(file, "utf8"), page, { timeout: 60_000 });
  } catch (e) {
    lines.push((e as Error).stack ?? String(e));
  }
  return lines.join("\n");
}

async function bundle(consumers: readonly Consumer[], folder: string, count: Count): Promise<void> {
  const inBrowsers = consumers.filter((c) => c.packages.every((pkg) => !pkg.nodeOnly));
  await twoAtATime(inBrowsers, async ({ name }) => {
    const outfile = join(folder, name, "esbuild.js");
    const options = { bundle: true, format: "iife", platform: "browser", outfile, logLevel: "silent" } as const;
    const problem = await build({ entryPoints: [join(folder, name, "main.mjs")], ...options }).then(
      () => runAsBrowser(outfile),
      String,
    );
    count(`${name}: bundled by esbuild`, problem === "ok", problem);
  });
  const home = join(folder, "three");
  const tool = (name: string): string => import.meta.resolve(name);
  const bundlers: Readonly<Record<string, string>> = {
    vite: `import { build } from ${JSON.stringify(tool("vite"))};
await build({ root: ".", configFile: false, logLevel: "error", build: { outDir: "vite", minify: true,
  lib: { entry: "main.mjs", formats: ["iife"], name: "three", fileName: () => "main.js" } } });`,
    webpack: `import webpack from ${JSON.stringify(tool("webpack"))};
webpack({ mode: "production", target: "web", context: process.cwd(), entry: "./main.mjs", performance: { hints: false },
  output: { path: process.cwd() + "/webpack", filename: "main.js" } }, (error, stats) => {
  if (error || stats.hasErrors()) { console.error(error ?? stats.toString()); process.exitCode = 1; }
});`,
  };
  for (const [name, script] of Object.entries(bundlers)) {
    writeFileSync(join(home, `${name}.mjs`), script);
    rmSync(join(home, name), { recursive: true, force: true });
    const { ok, output } = await command(process.execPath, [`${name}.mjs`], home);
    const problem = ok ? runAsBrowser(join(home, name, "main.js")) : output;
    count(`three: bundled by ${name}`, problem === "ok", problem);
  }
}

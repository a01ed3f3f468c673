// Makes `npm test` and `npm run demo` work on a machine that has Node and npm and nothing else.
//
//   node tooling/bootstrap.mjs test [step...]      install what is missing, then every check (tooling/checks/src/main.ts)
//   node tooling/bootstrap.mjs demo [argument...]  install, build, then the assembled kernel (apps/demo)
//   node tooling/bootstrap.mjs release [option]    what RELEASING.md says
//   node tooling/bootstrap.mjs web                 install, build and serve the page (apps/observatory)
//
// It runs before anything is installed, so it uses Node built-ins alone. pnpm comes by npx in the one version that the lockfile was
// written with; whatever it starts finds that pnpm on its PATH (turbo needs it there).
import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { accessSync, constants, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const [pnpmName, pnpmVersion] = JSON.parse(readFileSync(join(root, "package.json"), "utf8")).packageManager.split("@");
const NODE_FLOOR = [20, 19];

/** npm and pnpm keep their caches below HOME: without a usable one they get a folder inside the checkout. */
function usableHome() {
  const home = homedir();
  try {
    if (home === "" || home === "/") throw new Error("no home");
    accessSync(home, constants.W_OK);
    return home;
  } catch {
    const own = join(root, ".cache", "home");
    mkdirSync(own, { recursive: true });
    return own;
  }
}

const env = {
  ...process.env,
  HOME: usableHome(),
  TURBO_TELEMETRY_DISABLED: "1",
  npm_config_yes: "true",
  npm_config_update_notifier: "false",
};
// Without a terminal pnpm asks nobody before it replaces an old node_modules, but only when it knows that nobody is there.
if (!process.stdout.isTTY) env.CI ??= "1";

/** Runs one command in the root with the terminal handed through; ends this process with the command's code if it fails. */
function run(command, args) {
  const done = spawnSync(command, args, { cwd: root, env, stdio: "inherit", shell: process.platform === "win32" });
  if (done.error) {
    console.error(`cannot start ${command}: ${done.error.message}`);
    process.exit(1);
  }
  if (done.status !== 0) process.exit(done.status ?? 1);
}

const pnpm = (...args) => run("npx", ["-y", `${pnpmName}@${pnpmVersion}`, ...args]);

function install() {
  const lock = createHash("sha256")
    .update(readFileSync(join(root, "pnpm-lock.yaml")))
    .digest("hex");
  const marker = join(root, "node_modules", ".installed-lockfile");
  if (existsSync(marker) && readFileSync(marker, "utf8") === lock) return;
  pnpm("install", "--frozen-lockfile", "--reporter=append-only");
  writeFileSync(marker, lock);
}

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < NODE_FLOOR[0] || (major === NODE_FLOOR[0] && minor < NODE_FLOOR[1])) {
  console.error(`Node ${NODE_FLOOR.join(".")} or newer is needed; this is ${process.versions.node}.`);
  process.exit(1);
}

const [command, ...args] = process.argv.slice(2);
if (command === "test") {
  install();
  pnpm("exec", "tsx", "tooling/checks/src/main.ts", ...args);
} else if (command === "demo") {
  install();
  pnpm("exec", "turbo", "run", "build", "--filter=kernelkit...", "--output-logs=errors-only", "--log-order=grouped");
  run(process.execPath, [join("apps", "demo", "dist", "cli.js"), ...args]);
} else if (command === "release") {
  install();
  pnpm("exec", "tsx", "tooling/release/src/cli.ts", ...args);
} else if (command === "web") {
  install();
  pnpm("--filter", "observatory", "run", "web", ...args);
} else {
  console.error("usage: node tooling/bootstrap.mjs test|demo|web|release [argument...]");
  process.exit(2);
}

// `npm run release` (also `--dry-run`): what would be released; `--version`: versions and changelogs from the changesets; `--publish`: build, check, publish
// and tag. RELEASING.md says when to use which.

import { command, publishMissing, unpublished } from "./publish.js";
import { checkTarget } from "./target.js";

const root = process.cwd();
const args = process.argv.slice(2);
const at = args.indexOf("--registry");
const registry = at < 0 ? (await command("npm", ["config", "get", "registry"], root)).trim() : args[at + 1];
const say = (text: string): void => void process.stdout.write(`${text}\n`);
const list = (names: readonly { name: string; version: string }[]): string =>
  names.map((m) => `  ${m.name}@${m.version}`).join("\n");

async function version(): Promise<void> {
  say(await command("pnpm", ["exec", "changeset", "version"], root));
  await command("pnpm", ["install", "--lockfile-only"], root);
  say("look at the versions and changelogs, then commit them");
}

async function publish(): Promise<void> {
  const ci = process.env.CI === "true" && process.env.GITHUB_ACTIONS === "true";
  checkTarget(registry, ci);
  const changes = await command("git", ["status", "--porcelain"], root);
  if (changes !== "") throw new RangeError(`there are changes that are not committed:\n${changes}`);
  await command("npm", ["test"], root);
  const published = await publishMissing(root, registry, process.env, ci);
  say(published.length === 0 ? "nothing to publish: the registry has every version" : `published\n${list(published)}`);
  for (const { name, version: v } of published) await command("git", ["tag", `${name}@${v}`], root);
  if (ci && published.length > 0) await command("git", ["push", "--tags"], root);
}

async function show(): Promise<void> {
  say(await command("pnpm", ["exec", "changeset", "status"], root).catch((e: Error) => e.message));
  const missing = await unpublished(root, registry);
  say(missing.length === 0 ? `${registry} has every version` : `${registry} lacks\n${list(missing)}`);
}

const OPTIONS = ["--version", "--publish", "--dry-run", "--registry"];
const unknown = args.find((arg, i) => !OPTIONS.includes(arg) && args[i - 1] !== "--registry");
if (unknown !== undefined) {
  process.stderr.write(`release: no option '${unknown}'; there are ${OPTIONS.join(" ")}\n`);
  process.exit(2);
}
try {
  if (args.includes("--dry-run")) await show();
  else if (args.includes("--version")) await version();
  else if (args.includes("--publish")) await publish();
  else await show();
} catch (e) {
  process.stderr.write(`release: ${(e as Error).message}\n`);
  process.exitCode = 1;
}

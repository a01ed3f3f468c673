// Publishes the packages whose version the registry does not have, core first, each to the registry that is named: never to a default.
import { execFile } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Manifest {
  readonly name: string;
  readonly version: string;
  readonly path: string;
}

/** Runs a command; rejects with what it printed. */
export function command(
  file: string,
  args: readonly string[],
  cwd: string,
  env: NodeJS.ProcessEnv = process.env,
): Promise<string> {
  return new Promise((done, fail) => {
    execFile(file, args, { cwd, env, maxBuffer: 64 << 20 }, (error, stdout, stderr) => {
      if (error === null) done(stdout);
      else fail(new Error(`${file} ${args.join(" ")}\n${stdout}${stderr}`));
    });
  });
}

/** The packages of a workspace that are published, core first: those of packages/ and apps/ that are not private. */
export function publishable(root: string): Manifest[] {
  return ["packages", "apps"]
    .filter((top) => existsSync(join(root, top)))
    .flatMap((top) => readdirSync(join(root, top)).map((folder) => join(root, top, folder)))
    .filter((path) => existsSync(join(path, "package.json")))
    .map((path) => ({ path, manifest: JSON.parse(readFileSync(join(path, "package.json"), "utf8")) }))
    .filter(({ manifest }) => manifest.private !== true)
    .map(({ path, manifest }) => ({ name: manifest.name as string, version: manifest.version as string, path }))
    .sort((a, b) => Number(b.name.endsWith("/core")) - Number(a.name.endsWith("/core")) || (a.name < b.name ? -1 : 1));
}

/** Whether the registry has the version. */
export async function isPublished({ name, version }: Manifest, registry: string): Promise<boolean> {
  const answer = await fetch(new URL(name.replace("/", "%2f"), registry));
  if (answer.status === 404) return false;
  if (!answer.ok) throw new Error(`${registry} answers ${answer.status} about ${name}`);
  const { versions } = (await answer.json()) as { versions: Record<string, unknown> };
  return Object.hasOwn(versions, version);
}

/** Those that the registry lacks. */
export async function unpublished(root: string, registry: string): Promise<Manifest[]> {
  const missing: Manifest[] = [];
  for (const manifest of publishable(root)) if (!(await isPublished(manifest, registry))) missing.push(manifest);
  return missing;
}

/** Publishes them; each must be built. Gives what was published. */
export async function publishMissing(
  root: string,
  registry: string,
  env: NodeJS.ProcessEnv,
  provenance: boolean,
): Promise<Manifest[]> {
  const missing = await unpublished(root, registry);
  for (const { path } of missing) {
    const args = ["publish", "--registry", registry, "--access", "public", "--no-git-checks"];
    await command("pnpm", provenance ? [...args, "--provenance"] : args, path, env);
  }
  return missing;
}

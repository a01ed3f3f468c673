// bun, from its package on npm and from nowhere else: installed into .cache of the checkout when it is asked for the first time.
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { command } from "./publish.js";

const VERSION = "1.4.5";
const HOME = ".cache/bun";

/** The path of the program; null where its package cannot be installed (another system, no network). */
export async function bun(): Promise<string | null> {
  const home = resolve(HOME);
  // the package's own script would look elsewhere when the part for this system is missing: it is not run
  const program = resolve(home, `node_modules/@oven/bun-${process.platform}-${process.arch}/bin/bun`);
  if (!existsSync(program)) {
    mkdirSync(home, { recursive: true });
    writeFileSync(resolve(home, "package.json"), JSON.stringify({ name: "bun-for-consumers", private: true }));
    const install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--no-save", `bun@${VERSION}`];
    await command("npm", install, home).catch(() => "");
  }
  if (!existsSync(program)) return null;
  return command(program, ["--version"], home).then(
    () => program,
    () => null,
  );
}

// The packages of the workspace, as the checks see them.
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

export interface Package {
  /** The folder below packages/. */
  readonly folder: string;
  /** Its path from the root. */
  readonly path: string;
  /** The name in its package.json, `@kernelkit/core`. */
  readonly name: string;
  readonly version: string;
  /** The ways in: "." and, where there is one, "./node". */
  readonly entries: readonly string[];
  /** It is for Node alone (`"kernelkit": { "platform": "node" }` in its package.json): no browser, and Node's types in its declarations. */
  readonly nodeOnly: boolean;
}

/** All publishable packages, core first, then by name. */
export function packages(): Package[] {
  return readdirSync("packages")
    .filter((folder) => existsSync(join("packages", folder, "package.json")))
    .sort((a, b) => Number(b === "core") - Number(a === "core") || (a < b ? -1 : 1))
    .map((folder) => {
      const path = join("packages", folder);
      const manifest = JSON.parse(readFileSync(join(path, "package.json"), "utf8")) as {
        name: string;
        version: string;
        exports: Record<string, unknown>;
        kernelkit?: { platform?: string };
      };
      const entries = Object.keys(manifest.exports).filter((entry) => !entry.endsWith(".json"));
      const nodeOnly = manifest.kernelkit?.platform === "node";
      return { folder, path, name: manifest.name, version: manifest.version, entries, nodeOnly };
    });
}

// Makes a package: its files, and its line in what lists packages by name (the examples' dependencies, the floors of coverage).
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { templates } from "./templates.js";

/** Names as the source aliases take them: letters, and hyphens between them. */
const NAME = /^[a-z]+(-[a-z]+)*$/;

/** Writes it below `root` and gives the paths written. RangeError for a name that cannot be, or is taken. */
export function scaffold(root: string, name: string): string[] {
  if (!NAME.test(name))
    throw new RangeError(`'${name}': a package is named by lower-case letters with hyphens between them`);
  if (existsSync(join(root, "packages", name))) throw new RangeError(`packages/${name} is there already`);
  const files = templates(name);
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  edit(join(root, "tooling/checks/package.json"), (manifest: { devDependencies: Record<string, string> }) => {
    manifest.devDependencies = sorted({ ...manifest.devDependencies, [`@kernelkit/${name}`]: "workspace:*" });
    return manifest;
  });
  edit(join(root, "tooling/checks/coverage.json"), (floors: Record<string, object>) =>
    sorted({ ...floors, [name]: { lines: 90, branches: 80 } }),
  );
  return Object.keys(files);
}

function edit<T>(file: string, change: (value: T) => object): void {
  writeFileSync(file, `${JSON.stringify(change(JSON.parse(readFileSync(file, "utf8")) as T), null, 2)}\n`);
}

const sorted = <T>(record: Record<string, T>): Record<string, T> =>
  Object.fromEntries(Object.entries(record).sort(([a], [b]) => (a < b ? -1 : 1)));

/**
 * loadCases: reads a folder of cases from disk, laid out `DIR/<package>/*.json` with data files below `DIR/<package>/`.
 * Node only; everything else of the runner works on what this gives.
 */
import { existsSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join, resolve, sep } from "node:path";
import { asCases, type Case, type CaseSet } from "./caseFile.js";
import { parseJson } from "./json.js";

/** The packages that `dir` holds cases of, in order of name. RangeError if there is no such folder. */
export function casePackages(dir: string): string[] {
  if (!existsSync(dir) || !statSync(dir).isDirectory()) throw new RangeError(`no folder of cases: ${dir}`);
  return readdirSync(dir, { withFileTypes: true })
    .filter((e) => e.isDirectory() && readdirSync(join(dir, e.name)).some((f) => f.endsWith(".json")))
    .map((e) => e.name)
    .sort();
}

/** All cases of one package, files in order of name. TypeError or SyntaxError naming the file that is none. */
export function loadCaseSet(dir: string, name: string): CaseSet {
  const folder = resolve(dir, name);
  const cases: Case[] = [];
  const ids = new Set<string>();
  for (const file of readdirSync(folder).sort()) {
    if (!file.endsWith(".json")) continue;
    const path = join(folder, file);
    for (const c of asCases(parse(path), path)) {
      if (ids.has(c.id)) throw new TypeError(`${path}: a second case with id ${c.id}`);
      ids.add(c.id);
      cases.push(c);
    }
  }
  return { package: name, cases, readData: (path) => readData(folder, path) };
}

function parse(path: string): ReturnType<typeof parseJson> {
  try {
    return parseJson(readFileSync(path, "utf8"));
  } catch (e) {
    throw new SyntaxError(`${path}: ${(e as Error).message}`);
  }
}

function readData(folder: string, path: string): Uint8Array | undefined {
  const full = resolve(folder, path);
  return full.startsWith(folder + sep) && existsSync(full) ? new Uint8Array(readFileSync(full)) : undefined;
}

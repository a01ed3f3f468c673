/** What the first load of the page is: the files of the start, and those that its kernel's worker takes for the writeback view. */
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";

/** Files a chunk imports statically. */
const importsOf = (text: string): string[] =>
  [...text.matchAll(/(?:import|from)\s*["'`]\.\/([\w.-]+\.js)["'`]/g)].map((m) => m[1]);

export interface FirstLoad {
  /** Bytes, compressed. */
  readonly page: number;
  readonly kernel: number;
  readonly files: readonly string[];
}

export function firstLoad(assets: string, html: string): FirstLoad {
  const all = readdirSync(assets);
  const text = (f: string): string => readFileSync(join(assets, f), "utf8");
  const closure = (from: readonly string[]): Set<string> => {
    const seen = new Set<string>();
    const walk = (f: string): void => {
      if (seen.has(f) || !all.includes(f)) return;
      seen.add(f);
      if (f.endsWith(".js")) importsOf(text(f)).forEach(walk);
    };
    from.forEach(walk);
    return seen;
  };
  const size = (files: Iterable<string>): number =>
    [...files].reduce((n, f) => n + gzipSync(readFileSync(join(assets, f))).length, 0);
  // the picture of writeback in the page, its scenario and the lab in the worker
  const own = all.filter((f) => html.includes(f));
  const pictures = all.filter((f) => /^writeback-/.test(f) && !text(f).includes("dirty_background_bytes"));
  const page = closure([...own, ...pictures]);
  const scenario = all.filter((f) => /^writeback-/.test(f) && text(f).includes("dirty_background_bytes"));
  const lab = all.filter(
    (f) => /^(part|worker)-/.test(f) && (f.startsWith("worker") || text(f).includes("a later one took its place")),
  );
  const kernel = closure([...lab, ...scenario]);
  return { page: size(page), kernel: size(kernel), files: [...page, ...kernel] };
}

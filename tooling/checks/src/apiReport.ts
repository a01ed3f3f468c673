// The text of an API report, and what changed between two.
import type { ApiEntry, ApiItem } from "./apiModel.js";

/** One block per name, in order of names, so that a change is a change of few lines. */
export function render(name: string, entries: readonly ApiEntry[]): string {
  const out = [
    `# API of ${name}`,
    "",
    "Written by `pnpm check:api --update`; private members and comments are left out.",
    "",
  ];
  for (const { specifier, items, named } of entries) {
    out.push(`## ${specifier}`, "", ...fence(items));
    if (named.length > 0) out.push(`### Named by ${specifier}, not exported`, "", ...fence(named));
  }
  return `${out.join("\n").trimEnd()}\n`;
}

function fence(items: readonly ApiItem[]): string[] {
  return [
    "```ts",
    ...items.flatMap(({ name, text, file }) => [`// ${name}: ${file}`, text, ""]).slice(0, -1),
    "```",
    "",
  ];
}

const LIMIT = 40;

/** The names that came, went and changed, one a line. */
export function changes(before: string, now: string): string {
  const old = blocks(before);
  const fresh = blocks(now);
  const lines: string[] = [];
  for (const [key, text] of fresh) {
    if (!old.has(key)) lines.push(`  + ${key}`);
    else if (old.get(key) !== text) lines.push(`  ~ ${key}`);
  }
  for (const key of old.keys()) if (!fresh.has(key)) lines.push(`  - ${key}`);
  const more = lines.length - LIMIT;
  return [...lines.slice(0, LIMIT), ...(more > 0 ? [`  and ${more} more`] : [])].join("\n");
}

/** The blocks of a report by entry and name. */
function blocks(report: string): Map<string, string> {
  const found = new Map<string, string>();
  let entry = "";
  let key = "";
  for (const line of report.split("\n")) {
    const head = /^###? (.*)$/.exec(line);
    const start = /^\/\/ (\S+): (\S+)$/.exec(line);
    if (head !== null) entry = head[1];
    if (start !== null) {
      key = `${entry}: ${start[1]}`;
      found.set(key, "");
    } else if (key !== "") found.set(key, `${found.get(key)}${line}\n`);
    if (line === "```") key = "";
  }
  return found;
}

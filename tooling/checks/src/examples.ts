// The examples in a README: every fenced block whose language is `ts`.
//
//     ```ts              a whole program: it is compiled, run, and must end by itself
//     ```ts fragment     part of a program: shown only
//
// A block right after it, fenced as ```text output, is what the program must print, to the letter.

export interface Example {
  readonly source: string;
  /** Where its first line stands in the README, counted from 1. */
  readonly line: number;
  /** What it must print; null when the README does not say. */
  readonly output: string | null;
}

/** The programs of a README, in order. */
export function examples(markdown: string): Example[] {
  const found: Example[] = [];
  const lines = markdown.split("\n");
  for (let i = 0; i < lines.length; i++) {
    const info = /^```(\S.*)$/.exec(lines[i])?.[1].trim();
    if (info === undefined) continue;
    const end = lines.indexOf("```", i + 1);
    if (end < 0) throw new Error(`the block that opens in line ${i + 1} is never closed`);
    const body = lines.slice(i + 1, end);
    const [language, ...marks] = info.split(/\s+/);
    if (language === "ts" && !marks.includes("fragment")) {
      found.push({ source: `${body.join("\n")}\n`, line: i + 2, output: outputAfter(lines, end + 1) });
    }
    i = end;
  }
  return found;
}

function outputAfter(lines: readonly string[], from: number): string | null {
  let i = from;
  while (lines[i] === "") i++;
  if (!/^```text\s+output\s*$/.test(lines[i] ?? "")) return null;
  const end = lines.indexOf("```", i + 1);
  return lines
    .slice(i + 1, end)
    .map((line) => `${line}\n`)
    .join("");
}

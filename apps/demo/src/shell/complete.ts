/** Completion at the prompt: commands for the first word of a command, files of the kernel for the others. */
import { KernelError, S_IFDIR, S_IFMT } from "@kernelkit/core";
import { getCommandNames } from "just-bash";
import { COMMANDS } from "./commands/index.js";
import type { Shell } from "./shell.js";

const KEYWORDS = [
  "cd",
  "echo",
  "exit",
  "export",
  "for",
  "if",
  "jobs",
  "read",
  "set",
  "time",
  "unset",
  "until",
  "wait",
  "while",
];

/** Names a first word can be. */
export function commandNames(): string[] {
  const own = Object.keys(COMMANDS).filter((n) => !n.startsWith("__"));
  return [...new Set([...own, ...getCommandNames(), ...KEYWORDS])].sort();
}

/** Files that begin like `word`: directories end in a slash. */
function files(shell: Shell, word: string): string[] {
  const sys = shell.kernel.sys(shell.task);
  const cut = word.lastIndexOf("/") + 1;
  const [shown, start] = [word.slice(0, cut), word.slice(cut)];
  const dir = shown.startsWith("/") ? shown : `${shell.cwd}/${shown}`;
  try {
    return sys
      .readdir(dir)
      .filter((n) => n.startsWith(start) && (start !== "" || !n.startsWith(".")))
      .sort()
      .map((n) => {
        const path = `${shown}${n}`;
        try {
          return (sys.stat(`${dir}/${n}`).mode & S_IFMT) === S_IFDIR ? `${path}/` : path;
        } catch {
          return path;
        }
      });
  } catch (e) {
    if (e instanceof KernelError) return [];
    throw e;
  }
}

/** As Node's readline wants it: what the end of the line may become, and that end. */
export function complete(shell: Shell, line: string): [string[], string] {
  const word = /[^\s;|&()<>=]*$/.exec(line)?.[0] ?? "";
  const before = line.slice(0, line.length - word.length);
  if (word.startsWith("$"))
    return [
      Object.keys(shell.vars)
        .filter((v) => v.startsWith(word.slice(1)))
        .map((v) => `$${v}`),
      word,
    ];
  const first = /(?:^|[;|&(]|\b(?:do|then|else|time|if|while|until)\s)\s*$/.test(before);
  const hits = first && !word.includes("/") ? commandNames().filter((n) => n.startsWith(word)) : files(shell, word);
  return [hits.length === 1 && !hits[0].endsWith("/") ? [`${hits[0]} `] : hits, word];
}

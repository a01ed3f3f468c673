/**
 * Command lines of tools, as getopt_long(3) reads them, with its messages. Options are named in one text:
 *
 *     getopt("unshare", args, "mount,m=? fork,f root,R=", { command: true })
 *
 * `,x` is the short form, `=` takes a value, `=?` may take one (`-m=VALUE`, `--mount=VALUE`). A long name may be cut short.
 */
import { CommandFailed } from "./command.js";

interface Option {
  readonly long: string;
  readonly short: string;
  readonly value: "no" | "required" | "optional";
}

export class Options {
  /** In the order given; the value is "" where there is none. */
  readonly given: (readonly [name: string, value: string])[] = [];
  readonly rest: string[] = [];

  has(name: string): boolean {
    return this.given.some(([n]) => n === name);
  }
  /** The last value given. */
  get(name: string): string | undefined {
    return this.given.findLast(([n]) => n === name)?.[1];
  }
}

function parseSpec(spec: string): Option[] {
  return spec.split(/\s+/).map((word) => {
    const m = /^([a-z0-9-]*)(?:,(.))?(=\??)?$/i.exec(word);
    if (m === null) throw new TypeError(`getopt: '${word}'`);
    return { long: m[1], short: m[2] ?? "", value: m[3] === undefined ? "no" : m[3] === "=" ? "required" : "optional" };
  });
}

export interface GetoptOptions {
  /** What follows the first argument that is no option is a command with options of its own. */
  readonly command?: boolean;
  /** Exit code of bad usage. Default 1. */
  readonly exitCode?: number;
  /** Words like -9 are arguments. */
  readonly numbers?: boolean;
}

/** CommandFailed for an option that is not there, or lacks its value. An option without a long name is known by its letter. */
export function getopt(tool: string, args: readonly string[], spec: string, o: GetoptOptions = {}): Options {
  const known = parseSpec(spec);
  const out = new Options();
  const bad = (text: string): never => {
    throw new CommandFailed(`${text}\nTry '${tool} --help' for more information.`, o.exitCode ?? 1);
  };
  const add = (opt: Option, value: string): void => {
    out.given.push([opt.long === "" ? opt.short : opt.long, value]);
  };
  const words = [...args];
  while (words.length > 0) {
    const word = words.shift() as string;
    if (word === "--") {
      out.rest.push(...words);
      break;
    }
    if (word === "-" || !word.startsWith("-") || (o.numbers === true && /^-\d/.test(word))) {
      out.rest.push(word);
      if (o.command === true) {
        out.rest.push(...words);
        break;
      }
      continue;
    }
    if (word.startsWith("--")) {
      const at = word.indexOf("=");
      const name = word.slice(2, at < 0 ? undefined : at);
      const fits = known.filter((k) => k.long !== "" && k.long.startsWith(name));
      const opt = fits.find((k) => k.long === name) ?? (fits.length === 1 ? fits[0] : undefined);
      if (opt === undefined)
        return bad(fits.length > 1 ? `option '${word}' is ambiguous` : `unrecognized option '--${name}'`);
      if (at >= 0 && opt.value === "no") return bad(`option '--${opt.long}' doesn't allow an argument`);
      if (at < 0 && opt.value === "required" && words.length === 0)
        return bad(`option '--${opt.long}' requires an argument`);
      add(opt, at >= 0 ? word.slice(at + 1) : opt.value === "required" ? (words.shift() as string) : "");
      continue;
    }
    for (let i = 1; i < word.length; i++) {
      const opt = known.find((k) => k.short === word[i]);
      if (opt === undefined) return bad(`invalid option -- '${word[i]}'`);
      if (opt.value === "no") {
        add(opt, "");
        continue;
      }
      const tail = word.slice(i + 1);
      // a value that may be left out stands behind `=`: other letters can follow
      if (opt.value === "optional" && !tail.startsWith("=")) {
        add(opt, "");
        continue;
      }
      if (tail === "" && opt.value === "required" && words.length === 0)
        return bad(`option requires an argument -- '${word[i]}'`);
      add(opt, tail === "" && opt.value === "required" ? (words.shift() as string) : tail.replace(/^=/, ""));
      break;
    }
  }
  return out;
}

/** A size as these tools take them: 10, 4K, 1MiB (powers of 1024), 1KB (of 1000). CommandFailed naming `what`. */
export function sizeArg(text: string, what: string): number {
  const m = /^(\d+)(?:([KMGTP])(iB|B)?)?$/i.exec(text);
  if (m === null) throw new CommandFailed(`failed to parse ${what}: '${text}'`);
  const power = m[2] === undefined ? 0 : "KMGTP".indexOf(m[2].toUpperCase()) + 1;
  return Number(m[1]) * (m[3]?.toUpperCase() === "B" ? 1000 : 1024) ** power;
}

/** A list of numbers and ranges: "0-3,7". CommandFailed naming it. */
export function listArg(text: string, what: string): number[] {
  const out: number[] = [];
  for (const part of text.split(",")) {
    const m = /^(\d+)(?:-(\d+)(?::(\d+))?)?$/.exec(part);
    if (m === null) throw new CommandFailed(`failed to parse ${what}: ${text}`);
    const last = Number(m[2] ?? m[1]);
    for (let n = Number(m[1]); n <= last; n += Number(m[3] ?? 1)) out.push(n);
  }
  return out;
}

/** A whole number. CommandFailed naming `what`. */
export function numberArg(text: string, what: string): number {
  if (!/^-?\d+$/.test(text)) throw new CommandFailed(`invalid ${what} argument: '${text}'`);
  return Number(text);
}

/** Spans of time: 5, 0.5s, 2m, 1h, 1d; in ns. */
export function timeArg(text: string): number {
  if (text === "infinity" || text === "inf") return Number.POSITIVE_INFINITY;
  const m = /^(\d+(?:\.\d*)?|\.\d+)([smhd]?)$/.exec(text);
  if (m === null) throw new CommandFailed(`invalid time interval '${text}'`);
  return Math.round(Number(m[1]) * ({ "": 1, s: 1, m: 60, h: 3600, d: 86400 }[m[2]] as number) * 1e9);
}

/** Columns as tools align them: a header, rows; `right` names those aligned to the right. The last is not padded. */
export function columns(header: readonly string[] | null, rows: readonly (readonly string[])[], right: string): string {
  const all = header === null ? rows : [header, ...rows];
  const widths = (header ?? rows[0] ?? []).map((_, i) => Math.max(...all.map((r) => r[i].length)));
  const isRight = (i: number): boolean => right[i] === "r";
  return all
    .map((r) => {
      const cells = r.map((c, i) =>
        isRight(i) ? c.padStart(widths[i]) : i === r.length - 1 ? c : c.padEnd(widths[i]),
      );
      return `${cells.join(" ")}\n`;
    })
    .join("");
}

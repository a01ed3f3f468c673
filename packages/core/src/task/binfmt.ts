/**
 * What is in an executable file: `#!kk NAME` is the program registered under that name, `#!` a script with its interpreter.
 * execve(2), "Interpreter scripts".
 */

/** How much of a file is looked at. */
export const BINPRM_BUF_SIZE = 256;

export type Binfmt =
  | { readonly kind: "program"; readonly name: string }
  | { readonly kind: "script"; readonly interpreter: string; readonly arg: string | null };

const HASH = 35;
const BANG = 33;
const blank = (c: string): boolean => c === " " || c === "\t";
const ends = (c: string | undefined): boolean => c === undefined || c === "\0" || blank(c);

/** What the first bytes of a file say; null: no format that is known (ENOEXEC). */
export function readBinfmt(head: Uint8Array): Binfmt | null {
  if (head[0] !== HASH || head[1] !== BANG) return null;
  let line = "";
  let newline = false;
  const n = Math.min(head.length, BINPRM_BUF_SIZE);
  for (let i = 2; i < n; i++) {
    if (head[i] === 10) {
      newline = true;
      break;
    }
    line += String.fromCharCode(head[i]);
  }
  const decode = (s: string): string => new TextDecoder().decode(Uint8Array.from(s, (c) => c.charCodeAt(0)));
  if (line.startsWith("kk ")) return { kind: "program", name: decode(line.slice(3).trim()) };
  let at = 0;
  while (at < line.length && blank(line[at])) at++;
  let end = at;
  while (!ends(line[end])) end++;
  // a line without anything is nothing; one that the file's end cuts names "", which is the working directory
  if (end === at && line[at] !== "\0" && (newline || n === BINPRM_BUF_SIZE)) return null;
  // a name that the buffer cuts is no name
  if (!newline && end === line.length && n === BINPRM_BUF_SIZE) return null;
  const interpreter = decode(line.slice(at, end));
  if (line[end] === "\0" || end >= line.length) return { kind: "script", interpreter, arg: null };
  const nul = line.indexOf("\0", end);
  const rest = line.slice(end, nul < 0 ? line.length : nul).replace(/^[ \t]+|[ \t]+$/g, "");
  return { kind: "script", interpreter, arg: rest === "" ? null : decode(rest) };
}

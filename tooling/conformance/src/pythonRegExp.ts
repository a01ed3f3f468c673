/**
 * pythonRegExp: the patterns of the cases, which are Python's `re.search` (https://docs.python.org/3/library/re.html),
 * as JavaScript regular expressions. The dialects differ in what `^`, `$` and `.` mean at line ends:
 *
 * | Python | here |
 * |---|---|
 * | `.`  | everything but `\n` (JavaScript's `.` also stops at `\r`, U+2028, U+2029) |
 * | `$`  | the end, or before a newline that is the last character; multi-line: before every `\n` and at the end |
 * | `^`  | the start; multi-line: also after every `\n` |
 * | `\A` `\Z` | the start, the end of the whole text |
 * | `(?m)` `(?s)` `(?i)` at the beginning | flags |
 * | `(?P<x>` `(?P=x)` | named group and reference |
 */

const START = "(?<![\\s\\S])";
const END = "(?![\\s\\S])";

const cache = new Map<string, RegExp>();

/**
 * The JavaScript expression that finds what Python's `re.search(pattern, text, flags)` finds.
 * @param multiline Python's re.MULTILINE
 * @throws SyntaxError for a pattern that is none
 */
export function pythonRegExp(pattern: string, multiline = false): RegExp {
  const key = (multiline ? "m" : "-") + pattern;
  let re = cache.get(key);
  if (re === undefined) {
    re = translate(pattern, multiline);
    cache.set(key, re);
  }
  return re;
}

function translate(pattern: string, multiline: boolean): RegExp {
  let body = pattern;
  let multi = multiline;
  let dotAll = false;
  let ignoreCase = false;
  const inline = /^\(\?([aimsu]+)\)/.exec(body);
  if (inline !== null) {
    body = body.slice(inline[0].length);
    multi ||= inline[1].includes("m");
    dotAll = inline[1].includes("s");
    ignoreCase = inline[1].includes("i");
  }
  let out = "";
  let i = 0;
  while (i < body.length) {
    const c = body[i];
    if (c === "\\") {
      const next = body[i + 1];
      if (next === "A") out += START;
      else if (next === "Z") out += END;
      else out += c + (next ?? "");
      i += 2;
    } else if (c === "[") {
      const end = classEnd(body, i);
      out += characterClass(body.slice(i, end));
      i = end;
    } else if (c === ".") {
      out += dotAll ? "[\\s\\S]" : "[^\\n]";
      i++;
    } else if (c === "^") {
      out += multi ? "(?<![^\\n])" : START;
      i++;
    } else if (c === "$") {
      out += multi ? "(?![^\\n])" : `(?=\\n?${END})`;
      i++;
    } else if (body.startsWith("(?P<", i)) {
      out += "(?<";
      i += 4;
    } else if (body.startsWith("(?P=", i)) {
      const close = body.indexOf(")", i);
      out += `\\k<${body.slice(i + 4, close)}>`;
      i = close + 1;
    } else {
      out += c;
      i++;
    }
  }
  return new RegExp(out, ignoreCase ? "i" : "");
}

/** Index after the `]` that closes the class which begins at `start`; a `]` in first place is a member. */
function classEnd(s: string, start: number): number {
  let i = start + 1;
  if (s[i] === "^") i++;
  if (s[i] === "]") i++;
  while (i < s.length && s[i] !== "]") i += s[i] === "\\" ? 2 : 1;
  return i + 1;
}

function characterClass(text: string): string {
  return text.replace(/^(\[\^?)\]/, "$1\\]");
}

/**
 * variables: the saved values and names that stand in for them in the cases. The folders were recorded by different
 * programs, so each dialect chooses its style:
 *
 * | style | forms |
 * |---|---|
 * | `dollarVariables` (core, namespaces, writeback, printk-syslog) | `"$x"`, `"$x+5"`, `"$B.pid"` as a whole text; `${x}` inside one |
 * | `taskVariables` (memcg, numa) | `$B`: pid of task B, anywhere; `$fd(x)`: number of a named descriptor |
 * | `braceVariables` (genirq) | `{A}`: number of line A, `{A:x}` as two hex digits |
 */
import { Mismatch } from "./outcome.js";

/** The value of a name; undefined if nothing has that name. */
export type Lookup = (name: string) => unknown;

/** A copy of `value` with every text in it (not the keys of objects) replaced by what `f` makes of it. */
export function mapTexts(value: unknown, f: (text: string) => unknown): unknown {
  if (typeof value === "string") return f(value);
  if (Array.isArray(value)) return value.map((v) => mapTexts(v, f));
  if (value !== null && typeof value === "object" && !(value instanceof Uint8Array)) {
    const out: Record<string, unknown> = {};
    for (const [k, v] of Object.entries(value)) out[k] = mapTexts(v, f);
    return out;
  }
  return value;
}

const WHOLE = /^\$([A-Za-z_][\w.]*?)(?:([+-])(\d+))?$/;
const INSIDE = /\$\{([\w.]+)\}/g;

/** `"$x"`, `"$x+5"` give the value itself; `${x}` its text. A `$x` that nobody saved is left as it is. */
export function dollarVariables(value: unknown, lookup: Lookup): unknown {
  return mapTexts(value, (text) => {
    const whole = WHOLE.exec(text);
    if (whole !== null) {
      const v = lookup(whole[1]);
      if (v !== undefined) return whole[2] === undefined ? v : plus(v, `${whole[2]}${whole[3]}`);
    }
    return text.replace(INSIDE, (_, name: string) => String(needed(name, lookup)));
  });
}

/** `$B` (only names that `lookup` knows) and `$fd(x)`. A text that is only that becomes the value, else its text. */
export function taskVariables(value: unknown, lookup: Lookup): unknown {
  return mapTexts(value, (text) => {
    const whole = /^\$(fd\(\w+\)|\w+)$/.exec(text);
    if (whole !== null) {
      const v = lookup(whole[1]);
      if (v !== undefined) return v;
    }
    return text.replace(/\$(fd\(\w+\)|\w+)/g, (all, name: string) => {
      const v = lookup(name);
      return v === undefined ? all : String(v);
    });
  });
}

/** `{A}` is the number's text and `{A:x}` its two hex digits, for the names that `lookup` knows; all else is left alone. */
export function braceVariables(value: unknown, lookup: Lookup): unknown {
  return mapTexts(value, (text) =>
    text.replace(/\{([A-Za-z]\w*)(:x)?\}/g, (all, name: string, hex: string | undefined) => {
      const v = lookup(name);
      if (v === undefined) return all;
      return hex === undefined ? String(v) : Number(v).toString(16).padStart(2, "0");
    }),
  );
}

function needed(name: string, lookup: Lookup): unknown {
  const v = lookup(name);
  if (v === undefined) throw new Mismatch(`a value saved as ${name}`, "nothing was saved under that name");
  return v;
}

function plus(v: unknown, offset: string): unknown {
  if (typeof v === "bigint") return v + BigInt(offset);
  const n = Number(v);
  if (Number.isNaN(n)) throw new Mismatch(`a number saved to add ${offset} to`, JSON.stringify(v));
  return n + Number(offset);
}

/** A small sum of products of numbers and `i`: "4096*i", "0+4096*i", "i*k". RangeError for anything else. */
export function evaluate(text: string, names: Readonly<Record<string, number>>): number {
  if (!/^[\w*+ -]+$/.test(text)) throw new RangeError(`cannot evaluate ${JSON.stringify(text)}`);
  let sum = 0;
  for (const term of text.split("+")) {
    let product = 1;
    for (const factor of term.split("*")) {
      const f = factor.trim();
      const n = Object.hasOwn(names, f) ? names[f] : Number(f);
      if (f === "" || Number.isNaN(n)) throw new RangeError(`cannot evaluate ${JSON.stringify(text)}`);
      product *= n;
    }
    sum += product;
  }
  return sum;
}

const UNITS: Readonly<Record<string, number>> = { ns: 1, us: 1e3, ms: 1e6, s: 1e9 };

/** "0.5s", "300ms", "20us" or a number of seconds, in ns. RangeError for anything else. */
export function durationNs(duration: unknown): number {
  if (typeof duration === "number") return Math.round(duration * 1e9);
  const m = /^(\d+(?:\.\d+)?)(ns|us|ms|s)$/.exec(String(duration));
  if (m === null)
    throw new RangeError(`${JSON.stringify(duration)} is no duration (allowed: 2s, 0.5s, 300ms, 20us, 5ns)`);
  return Math.round(Number(m[1]) * UNITS[m[2]]);
}

/**
 * names: constants by name, for whoever reads them from text: case runners, shells, strace-like printers. Whoever writes code
 * imports the constants themselves; importing this table keeps all of them in a bundle.
 *
 *     constantsByName.O_CREAT                    // 0o100
 *     parseFlags("O_RDWR|O_CREAT")               // 0o102
 */
import * as constants from "./constants.js";
import * as errno from "./errno.js";

function numbersOf(...modules: Record<string, unknown>[]): Record<string, number> {
  const out: Record<string, number> = Object.create(null);
  for (const m of modules) for (const name of Object.keys(m)) if (typeof m[name] === "number") out[name] = m[name];
  return Object.freeze(out);
}

/**
 * Every numeric constant of the system call interface, errno numbers (positive) included. RLIM_INFINITY is a bigint and thus
 * not among them.
 */
export const constantsByName: Readonly<Record<string, number>> = /* @__PURE__ */ numbersOf(constants, errno);

/**
 * The value of names and numbers joined by `|` ("O_RDWR|0100|0x80"; a leading 0 means octal), or undefined if one is unknown.
 * Values are or-ed exactly up to 2^53: the flags of clone3(2) beyond bit 31 survive.
 */
export function parseFlags(text: string): number | undefined {
  let out = 0n;
  for (const word of text.split("|")) {
    const w = word.trim();
    let v: number | undefined;
    if (/^0[0-7]+$/.test(w)) v = Number.parseInt(w, 8);
    else if (/^(0[xX][0-9a-fA-F]+|-?\d+)$/.test(w)) v = Number(w);
    else v = constantsByName[w];
    if (v === undefined) return undefined;
    out |= BigInt(v);
  }
  return Number(out);
}

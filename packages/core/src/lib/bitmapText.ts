/**
 * bitmapText: bitmaps as Linux writes and reads them: as list ("0-3,5", the *list files of sysfs and cpuset(7)) and as mask
 * (hex words of 32 bits apart by commas, highest first, `/proc/irq/N/smp_affinity`).
 *
 * The list grammar is that of the kernel document admin-guide/kernel-parameters ("cpu lists"): ranges `a-b`, `a-b:used/group`
 * for the first `used` of every `group`, `N` for the last possible bit, `all`. Parsers return a new bitmap or the `Errno`.
 */
import { EINVAL, EOVERFLOW, ERANGE } from "../abi/errno.js";
import { type Errno, errnoOf } from "../abi/errors.js";
import { bitmapAlloc, bitmapNext, bitmapSetRange } from "./bitmap.js";
import { isspace } from "./numberParsers.js";

// A list ends at a newline or NUL, as at the end of the text (NaN).
function endOfText(c: number): boolean {
  return Number.isNaN(c) || c === 10 || c === 0;
}
function separator(c: number): boolean {
  return c === 44 || isspace(c);
}

/**
 * bitmap_parselist (cpulist_parse, nodelist_parse): EINVAL for malformed text, a range backwards, an empty group or one
 * smaller than its used part; ERANGE for a bit >= nbits; EOVERFLOW for a number >= 2^32. Empty text is the empty set.
 */
export function bitmapParselist(text: string, nbits: number): Uint32Array | Errno {
  const map = bitmapAlloc(nbits);
  let pos = 0;
  let error = 0;
  const number = (): number => {
    if (text.charCodeAt(pos) === 78) {
      pos++;
      return nbits - 1;
    }
    const start = pos;
    let n = 0;
    for (let c = text.charCodeAt(pos); c >= 48 && c <= 57; c = text.charCodeAt(++pos)) n = n * 10 + c - 48;
    if (error === 0) error = pos === start ? EINVAL : n > 0xffffffff ? EOVERFLOW : 0;
    return n;
  };

  for (;;) {
    while (separator(text.charCodeAt(pos))) pos++;
    if (endOfText(text.charCodeAt(pos))) return map;
    let start = 0;
    let end = nbits - 1;
    let used = 0;
    let group = 0;
    let last = false;
    if (text.slice(pos, pos + 3).toLowerCase() === "all") pos += 3;
    else {
      start = number();
      end = start;
      if (error === 0 && text.charCodeAt(pos) === 45) {
        pos++;
        end = number();
      } else if (error === 0 && !separator(text.charCodeAt(pos)) && !endOfText(text.charCodeAt(pos))) error = EINVAL;
    }
    if (error !== 0) return errnoOf(error);
    const c = text.charCodeAt(pos);
    if (separator(c) || endOfText(c)) {
      // As in C, the length is a 32-bit number: of 4294967295 alone it is 0, and the group empty.
      used = group = (end + 1) >>> 0;
      last = endOfText(c);
    } else {
      if (c !== 58) return errnoOf(EINVAL);
      pos++;
      used = number();
      if (error === 0 && text.charCodeAt(pos++) !== 47) error = EINVAL;
      if (error === 0) group = number();
      if (error !== 0) return errnoOf(error);
    }
    if (start > end || group === 0 || used > group) return errnoOf(EINVAL);
    if (end >= nbits) return errnoOf(ERANGE);
    for (let b = start; b <= end; b += group) bitmapSetRange(map, b, Math.min(end - b + 1, used));
    if (last) return map;
  }
}

/** `%*pbl`: "0-3,5", two neighbours as a range too; empty text for the empty set. No newline. */
export function formatList(map: Uint32Array): string {
  let out = "";
  for (let b = bitmapNext(map, 0); b >= 0; ) {
    let end = b;
    while (bitmapNext(map, end + 1) === end + 1) end++;
    out += `${out === "" ? "" : ","}${end === b ? b : `${b}-${end}`}`;
    b = bitmapNext(map, end + 1);
  }
  return out;
}

function hexValue(c: number): number {
  if (c >= 48 && c <= 57) return c - 48;
  const l = c | 32;
  return l >= 97 && l <= 102 ? l - 87 : -1;
}

/**
 * bitmap_parse (cpumask_parse): hex words from the end, at most eight digits each, apart by commas or blanks, up to a
 * newline. EINVAL for a foreign character, EOVERFLOW for more digits, words or bits than nbits has room for. Empty text is the
 * empty set.
 */
export function bitmapParse(text: string, nbits: number): Uint32Array | Errno {
  const map = bitmapAlloc(nbits);
  let end = 0;
  while (end < text.length && text.charCodeAt(end) !== 10 && text.charCodeAt(end) !== 0) end++;
  let i = end - 1;
  for (let word = 0; ; word++) {
    while (i >= 0 && separator(text.charCodeAt(i))) i--;
    if (i < 0) break;
    if (word === map.length) return errnoOf(EOVERFLOW);
    let value = 0;
    let shift = 0;
    for (; shift < 32 && i >= 0 && !separator(text.charCodeAt(i)); shift += 4, i--) {
      const digit = hexValue(text.charCodeAt(i));
      if (digit < 0) return errnoOf(EINVAL);
      value |= digit << shift;
    }
    // What stands before eight digits: a ninth is too much, and any other character is passed over, as Linux does.
    if (shift === 32 && i >= 0 && !separator(text.charCodeAt(i)) && hexValue(text.charCodeAt(i--)) >= 0) {
      return errnoOf(EOVERFLOW);
    }
    map[word] = value;
  }
  const tail = nbits & 31;
  return tail !== 0 && map[map.length - 1] >>> tail !== 0 ? errnoOf(EOVERFLOW) : map;
}

/** `%*pb`: "3", "ff,ffffffff": words of eight digits, the first as long as nbits needs it. No newline. */
export function formatMask(map: Uint32Array, nbits: number): string {
  let out = "";
  for (let i = ((nbits + 31) >>> 5) - 1; i >= 0; i--) {
    const bits = out === "" && (nbits & 31) !== 0 ? nbits & 31 : 32;
    out += `${out === "" ? "" : ","}${map[i].toString(16).padStart((bits + 3) >> 2, "0")}`;
  }
  return out;
}

/**
 * Text of the log as dmesg(1) puts it on a terminal in a UTF-8 locale: letters of every script as they are; bytes that are no UTF-8, and
 * what would move the cursor or change colours, as `\xNN`.
 */
import { utf8Bytes } from "@kernelkit/core";

/** Is it shown as it is: letters, marks, spaces, tab and newline, but nothing that controls or formats? */
const SHOWN = /^[^\p{C}]$|^[\t\n\v\f\r]$/u;
const hex = (bytes: Iterable<number>): string =>
  [...bytes].map((b) => `\\x${b.toString(16).padStart(2, "0")}`).join("");

/** Bytes of the character that begins at `i`; 0: no character begins there. */
function charLength(bytes: Uint8Array, i: number): number {
  const b = bytes[i];
  const n = b < 0x80 ? 1 : b >= 0xc2 && b < 0xe0 ? 2 : b >= 0xe0 && b < 0xf0 ? 3 : b >= 0xf0 && b < 0xf5 ? 4 : 0;
  try {
    return n > 0 && new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(i, i + n)) !== "" ? n : 0;
  } catch {
    return 0;
  }
}

/** `text` has a character per byte, as records of /dev/kmsg give it, or is text already. */
export function printable(text: string): string {
  if (/^[\t\n\x20-\x7e]*$/.test(text)) return text;
  const isBytes = /^[\0-\xff]*$/.test(text);
  const bytes = isBytes ? Uint8Array.from(text, (c) => c.charCodeAt(0)) : utf8Bytes(text);
  let out = "";
  for (let i = 0; i < bytes.length; ) {
    const n = charLength(bytes, i);
    const part = bytes.subarray(i, i + Math.max(1, n));
    const char = n === 0 ? "" : new TextDecoder("utf-8", { ignoreBOM: true }).decode(part);
    out += SHOWN.test(char) ? char : hex(part);
    i += part.length;
  }
  return out;
}

/**
 * text: between strings and bytes, and the small formats that many /proc files share.
 *
 * A file is bytes. `latin1*` maps each byte to the character of the same number, so any bytes survive the way there and back;
 * `utf8*` is for text that people wrote. Below 20 characters a loop is faster than the platform's encoder, above it is the other
 * way round; results are the same. Big files are best built as one string and encoded once.
 */
const encoder = /* @__PURE__ */ new TextEncoder();
const decoder = /* @__PURE__ */ new TextDecoder("utf-8", { ignoreBOM: true });
const LOOP_BELOW = 20;

/**
 * Writes the low byte of each character at `offset`; as many as fit. Returns the bytes written.
 */
export function latin1Into(s: string, dst: Uint8Array, offset: number = 0): number {
  const n = Math.min(s.length, dst.length - offset);
  // Pure ASCII is the same in UTF-8; the first other character makes the platform's encoder stop early or write more.
  if (n >= LOOP_BELOW && n === s.length) {
    const r = encoder.encodeInto(s, offset === 0 ? dst : dst.subarray(offset, offset + n));
    if (r.read === n && r.written === n) return n;
  }
  for (let i = 0; i < n; i++) dst[offset + i] = s.charCodeAt(i);
  return n;
}

/** One byte per character, its low eight bits. */
export function latin1Bytes(s: string): Uint8Array {
  const bytes = new Uint8Array(s.length);
  latin1Into(s, bytes);
  return bytes;
}

/** One character per byte, U+0000..U+00FF. */
export function latin1Text(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  const n = end - start;
  if (n >= LOOP_BELOW) {
    // A text as long as its bytes and without replacement characters was ASCII.
    const s = decoder.decode(bytes.subarray(start, end));
    if (s.length === n && !s.includes("\ufffd")) return s;
  }
  let s = "";
  // The argument list of one call has a limit.
  for (let i = start; i < end; i += 4096) {
    s += String.fromCharCode.apply(null, bytes.subarray(i, Math.min(end, i + 4096)) as unknown as number[]);
  }
  return s;
}

/** Writes UTF-8 at `offset`, whole characters only, as many as fit. Returns the bytes written. */
export function utf8Into(s: string, dst: Uint8Array, offset: number = 0): number {
  const n = s.length;
  if (n < LOOP_BELOW && n <= dst.length - offset) {
    let i = 0;
    for (; i < n; i++) {
      const c = s.charCodeAt(i);
      if (c > 127) break;
      dst[offset + i] = c;
    }
    if (i === n) return n;
  }
  return encoder.encodeInto(s, offset === 0 ? dst : dst.subarray(offset)).written;
}

/** The UTF-8 bytes of a string; a lone surrogate becomes U+FFFD. */
export function utf8Bytes(s: string): Uint8Array {
  return encoder.encode(s);
}

/** Text of UTF-8 bytes; each malformed sequence becomes U+FFFD, a byte order mark stays. */
export function utf8Text(bytes: Uint8Array, start: number = 0, end: number = bytes.length): string {
  if (end - start < 12) {
    let s = "";
    let i = start;
    for (; i < end && bytes[i] < 128; i++) s += String.fromCharCode(bytes[i]);
    if (i === end) return s;
  }
  return decoder.decode(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end));
}

/**
 * Octal escapes of /proc/PID/mounts and mountinfo, proc_pid_mountinfo(5): blank, tab, newline and backslash become \040 \011
 * \012 \134. `chars` replaces that set (seq_path of /proc/PID/maps escapes only the newline).
 */
export function escapeOctal(s: string, chars: string = " \t\n\\"): string {
  let out = "";
  let from = 0;
  for (let i = 0; i < s.length; i++) {
    if (!chars.includes(s[i])) continue;
    out += `${s.slice(from, i)}\\${s.charCodeAt(i).toString(8).padStart(3, "0")}`;
    from = i + 1;
  }
  return from === 0 ? s : out + s.slice(from);
}

/** The inverse: backslash and three octal digits. Any other backslash stays. */
export function unescapeOctal(s: string): string {
  return s.includes("\\") ? s.replace(/\\([0-3][0-7]{2})/g, (_, d) => String.fromCharCode(Number.parseInt(d, 8))) : s;
}

// Many /proc files are columns: a table is faster than padStart.
const BLANKS: readonly string[] = /* @__PURE__ */ Array.from({ length: 24 }, (_, n) => " ".repeat(n));

/** printf's `%<width>d`: right-aligned in blanks, never cut. */
export function padLeft(v: number | bigint | string, width: number): string {
  const s = String(v);
  const n = width - s.length;
  return n <= 0 ? s : n < 24 ? BLANKS[n] + s : s.padStart(width);
}

/** printf's `%-<width>s`: left-aligned in blanks, never cut. */
export function padRight(v: number | bigint | string, width: number): string {
  return String(v).padEnd(width);
}

/** printf's `%0<width>d` of a number >= 0. */
export function zeroPad(v: number | bigint, width: number): string {
  return String(v).padStart(width, "0");
}

/** printf's `%0<width>x`. A negative number shows its 32-bit two's complement, as an unsigned int does. */
export function hex(v: number | bigint, width: number = 0): string {
  return (v < 0 && typeof v === "number" ? v >>> 0 : v).toString(16).padStart(width, "0");
}

/** printf's `%0<width>o`, with the same rule. */
export function octal(v: number | bigint, width: number = 0): string {
  return (v < 0 && typeof v === "number" ? v >>> 0 : v).toString(8).padStart(width, "0");
}

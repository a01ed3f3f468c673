/**
 * result: what a step saw, in the words of the cases.
 *
 * A handler fills in what its step can show; the expectations (`expectations.ts`) are compared with that. `fields`, `calls`
 * and whatever else a case expects stand under the key of the expectation.
 */
export interface Result {
  /** Name of the error the step ended with ("EPERM"). */
  errno?: string;
  /** What the call returned. */
  ret?: unknown;
  /** Text that was read, one character per byte (Latin-1). */
  data?: string;
  /** What an operation computed, where that is not a text or a number that was returned. */
  value?: unknown;
  fields?: Record<string, unknown>;
  /** The task did not come back from the call: how it ended. */
  dies?: string;
  [key: string]: unknown;
}

/** What `equals`, `match`, `contains`, `differs` and `range` are about. */
export function subject(result: Result): unknown {
  if ("value" in result) return result.value;
  if (result.data !== undefined) return result.data;
  return result.ret;
}

/** Bytes as text, one character per byte. */
export function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) {
    text += String.fromCharCode.apply(null, bytes.subarray(i, i + 8192) as unknown as number[]);
  }
  return text;
}

/** Text as bytes, one byte per character. RangeError for a character above U+00FF. */
export function fromLatin1(text: string): Uint8Array {
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i);
    if (c > 0xff) throw new RangeError(`a character of ${JSON.stringify(text.slice(0, 40))} does not fit in a byte`);
    bytes[i] = c;
  }
  return bytes;
}

export const toHex = (bytes: Uint8Array): string => Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");

/** Hex digits as bytes. RangeError for an odd number of digits or anything else. */
export function fromHex(hex: string): Uint8Array {
  if (!/^([0-9a-fA-F]{2})*$/.test(hex)) throw new RangeError(`${JSON.stringify(hex.slice(0, 40))} is not hex`);
  return Uint8Array.from({ length: hex.length / 2 }, (_, i) => Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16));
}

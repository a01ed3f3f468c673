/** One text for one value: JSON with sorted keys, so that a hash of it says what the value is and not how it was written down. */
import { createHash } from "node:crypto";

/**
 * JSON with sorted keys, to be hashed and not to be read: numbers that JSON lacks (NaN, infinities, -0) and bigints stand as in a program, so
 * that no string has the same text. Undefined fields are left out.
 */
export function canonical(value: unknown): string {
  switch (typeof value) {
    case "number":
      return Object.is(value, -0) ? "-0" : String(value);
    case "string":
    case "boolean":
      return JSON.stringify(value);
    case "bigint":
      return `${value}n`;
    case "object": {
      if (value === null) return "null";
      if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
      if (ArrayBuffer.isView(value)) return canonical([...(value as Uint8Array)]);
      const keys = Object.keys(value).sort();
      const o = value as Record<string, unknown>;
      const fields = keys.filter((k) => o[k] !== undefined && typeof o[k] !== "function");
      return `{${fields.map((k) => `${JSON.stringify(k)}:${canonical(o[k])}`).join(",")}}`;
    }
    default:
      return "null";
  }
}

/** SHA-256, 32 hex digits of it: enough to tell 10^15 runs apart. */
export function hash(text: string): string {
  return createHash("sha256").update(text).digest("hex").slice(0, 32);
}

/**
 * asciiList: `ascii_runtime_measurements`: a line per entry, `PCR templatehash template field field ...`.
 *
 * A field that is empty still has its blank in front, so a line of ima-sig without signature ends in one. Names are bytes, not
 * text: a line is built with one character per byte, and leaves as bytes (kernel document security/IMA-templates).
 */
import { toHex, u16be, u16le, u32be, u32le } from "../bytes.js";
import { type EntryField, type EntryView, entryFields } from "./entry.js";
import { type ListFormat, ListReader } from "./listReader.js";
import { type FieldShow, templateFields } from "./template.js";

/** One character per byte, up to the first NUL. */
function byteString(b: Uint8Array, end: number = b.length): string {
  let s = "";
  for (let i = 0; i < end && b[i] !== 0; i++) s += String.fromCharCode(b[i]);
  return s;
}

function showUint(b: Uint8Array, big: boolean): string {
  if (b.length === 4) return String((big ? u32be : u32le)(b, 0));
  if (b.length === 2) return String((big ? u16be : u16le)(b, 0));
  return b.length === 1 ? String(b[0]) : toHex(b);
}

function showField(how: FieldShow, b: Uint8Array, big: boolean): string {
  switch (how) {
    case "string":
      return byteString(b);
    case "uint":
      return showUint(b, big);
    case "digestAlgo": {
      const nul = b.indexOf(0);
      return nul < 0 ? toHex(b) : byteString(b, nul) + toHex(b, nul + 1);
    }
    default:
      return toHex(b);
  }
}

/** A line with its newline, one character per byte. */
export function asciiLine(
  pcr: number,
  templateHash: string,
  template: string,
  fields: readonly EntryField[] | null,
  opaque: string,
  bigEndian: boolean = false,
): string {
  let line = `${String(pcr).padStart(2)} ${templateHash} ${template}`;
  if (fields === null) return `${line} ${opaque}\n`;
  for (const f of fields) line += ` ${showField(templateFields.get(f.id) ?? "hex", f.bytes, bigEndian)}`;
  return `${line}\n`;
}

function viewLine(v: EntryView): string {
  const fields = entryFields(v);
  const hash = toHex(v.bytes, v.digest, v.digest + v.digestSize);
  const known = typeof fields !== "string";
  const opaque = known ? "" : toHex(v.bytes, v.data, v.end);
  return asciiLine(v.pcr, hash, v.templateName, known ? fields : null, opaque, v.bigEndian);
}

/** The bytes of text with one character per byte. */
export function latin1Bytes(s: string): Uint8Array {
  const b = new Uint8Array(s.length);
  for (let i = 0; i < b.length; i++) b[i] = s.charCodeAt(i);
  return b;
}

/**
 * The ascii form of a binary list: the bytes Linux shows for it. An entry of an unknown template, or whose fields do not
 * parse, shows its data in hexadecimal. FormatError (EINVAL, offset) if the list does not parse.
 */
export function asciiMeasurements(bytes: Uint8Array, format: ListFormat = {}): Uint8Array {
  const lines: string[] = [];
  const reader = new ListReader(format);
  reader.push(bytes, (view) => lines.push(viewLine(view)));
  reader.end();
  return latin1Bytes(lines.join(""));
}

/**
 * entry: one measurement in the binary list (`binary_runtime_measurements`), found in foreign bytes.
 *
 * An entry is u32 PCR, template digest, u32 length of the template's name, the name; then for "ima" a 20-byte digest, u32
 * length of the file name and the name; for all others u32 length of the data and the data. Native endian, little
 * with `ima_canonical_fmt`. `readEntry` looks at frames only and never behind the end; `decodeEntry` looks inside.
 */
import { hashAlgoByName, hashDigestSize } from "../abi/hashAlgo.js";
import { EVM_IMA_XATTR_DIGSIG, EVM_XATTR_PORTABLE_DIGSIG, IMA_VERITY_DIGSIG } from "../abi/xattr.js";
import { FormatError, isZero, text, u32be, u32le } from "../bytes.js";
import { lookupTemplate, type Template } from "./template.js";
import { IMA_EVENT_NAME_LEN_MAX } from "./templateData.js";

/** Longest template name, in bytes. */
export const MAX_TEMPLATE_NAME_LEN = 255;
/** Registers that a rule may name with pcr=. */
export const IMA_MAX_PCR = 64;

export interface EntryLayout {
  readonly bigEndian: boolean;
  /** Bytes of a template digest: 20, or those of the bank whose list it is. */
  readonly digestSize: number;
  /** Entries beyond this many bytes are malformed. */
  readonly maxEntryBytes: number;
}

/** Where an entry's parts lie. One object is reused for a whole list. */
export class EntryView {
  bytes: Uint8Array = new Uint8Array(0);
  start: number = 0;
  /** Behind the entry. */
  end: number = 0;
  pcr: number = 0;
  /** Template digest. */
  digest: number = 0;
  digestSize: number = 20;
  templateName: string = "";
  /** Null for a template we do not know: the entry is opaque, its hash can be checked all the same. */
  template: Template | null = null;
  /** Template data, for "ima": digest, length, name. */
  data: number = 0;
  bigEndian: boolean = false;

  // The name of the last entry as bytes, so that a list of one template looks its name up once.
  private nameBytes: Uint8Array = new Uint8Array(0);

  /** True for a violation: the template digest is all zeros. */
  isViolation(): boolean {
    return isZero(this.bytes, this.digest, this.digest + this.digestSize);
  }

  setName(start: number, end: number): void {
    const n = end - start;
    let same = n === this.nameBytes.length;
    for (let i = 0; same && i < n; i++) same = this.bytes[start + i] === this.nameBytes[i];
    if (same) return;
    this.nameBytes = this.bytes.slice(start, end);
    this.templateName = text(this.nameBytes);
    this.template = lookupTemplate(this.templateName);
  }
}

/**
 * Reads the entry at `at`. Returns true with `view` filled, false if the bytes end inside the entry.
 * FormatError (EINVAL, offset from `base`) for what can never become an entry.
 */
export function readEntry(bytes: Uint8Array, at: number, layout: EntryLayout, view: EntryView, base: number): boolean {
  const end = bytes.length;
  const u32 = layout.bigEndian ? u32be : u32le;
  const max = layout.maxEntryBytes;
  const digest = at + 4;
  const nameLength = digest + layout.digestSize;
  if (nameLength + 4 > end) return false;
  const pcr = u32(bytes, at);
  if (pcr >= IMA_MAX_PCR) throw new FormatError(`PCR ${pcr} is above ${IMA_MAX_PCR - 1}`, base + at);
  const n = u32(bytes, nameLength);
  if (n === 0 || n > MAX_TEMPLATE_NAME_LEN) {
    throw new FormatError(`template name of ${n} bytes: 1 to ${MAX_TEMPLATE_NAME_LEN} is allowed`, base + nameLength);
  }
  const name = nameLength + 4;
  if (name + n > end) return false;
  view.bytes = bytes;
  view.start = at;
  view.pcr = pcr;
  view.digest = digest;
  view.digestSize = layout.digestSize;
  view.bigEndian = layout.bigEndian;
  view.setName(name, name + n);
  let length = name + n;
  if (view.template?.legacy === true) {
    view.data = length;
    length += 20;
    if (length + 4 > end) return false;
    const size = u32(bytes, length);
    if (size > IMA_EVENT_NAME_LEN_MAX) {
      throw new FormatError(
        `name of ${size} bytes in template ima: at most ${IMA_EVENT_NAME_LEN_MAX} are allowed`,
        base + length,
      );
    }
    view.end = length + 4 + size;
  } else {
    if (length + 4 > end) return false;
    const size = u32(bytes, length);
    if (size > max) throw new FormatError(`template data of ${size} bytes: at most ${max} are allowed`, base + length);
    view.data = length + 4;
    view.end = view.data + size;
  }
  return view.end <= end;
}

export interface EntryField {
  /** Field id ("d-ng", "n-ng", ...). */
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** A measurement with its fields. */
export interface MeasurementEntry {
  /** Counted from 0. */
  readonly index: number;
  /** Bytes from the start of the list. */
  readonly offset: number;
  readonly pcr: number;
  readonly template: string;
  readonly templateHash: Uint8Array;
  readonly violation: boolean;
  /** Empty for a template we do not know and for data whose field lengths do not hold. */
  readonly fields: readonly EntryField[];
  /** What is wrong with the fields, or null. */
  readonly malformed: string | null;
  /** File name, "" without one. */
  readonly path: string;
  /** Kernel hash number of `digest`, -1 without one. */
  readonly algo: number;
  readonly digest: Uint8Array;
  /** The signature, whole with its header; null without one. */
  readonly sig: Uint8Array | null;
}

/** The fields of an entry, copied; a string says what is wrong with them. */
export function entryFields(v: EntryView): EntryField[] | string {
  const t = v.template;
  if (t === null) return "unknown template";
  const b = v.bytes;
  if (t.legacy) {
    const name = new Uint8Array(v.end - v.data - 24 + 1);
    name.set(b.subarray(v.data + 24, v.end));
    return [
      { id: "d", bytes: b.slice(v.data, v.data + 20) },
      { id: "n", bytes: name },
    ];
  }
  const out: EntryField[] = [];
  let at = v.data;
  for (const id of t.fields) {
    if (v.end - at < 4) return `field ${id} is missing`;
    const n = v.bigEndian ? u32be(b, at) : u32le(b, at);
    if (n > v.end - at - 4) return `field ${id} of ${n} bytes is longer than the entry`;
    at += 4;
    out.push({ id, bytes: b.slice(at, at + n) });
    at += n;
  }
  return at === v.end ? out : `${v.end - at} bytes behind the last field`;
}

/** Splits `sha256:\0digest` or `ima:sha256:\0digest`. Algo -1 if the name or the size is wrong. */
function splitDigest(b: Uint8Array): { algo: number; digest: Uint8Array } {
  const nul = b.indexOf(0);
  const head = nul < 0 ? "" : text(b, 0, nul);
  const name = head.endsWith(":") ? head.slice(head.lastIndexOf(":", head.length - 2) + 1, -1) : "";
  const algo = hashAlgoByName(name);
  const digest = b.subarray(nul + 1);
  return algo >= 0 && digest.length === hashDigestSize[algo] ? { algo, digest } : { algo: -1, digest: b };
}

/** The text of a NUL-terminated field; null without a NUL or with one before the end. */
function cString(b: Uint8Array): string | null {
  return b.length > 0 && b.indexOf(0) === b.length - 1 ? text(b, 0, b.length - 1) : null;
}

/** An entry with everything in it. Never throws: what does not parse is in `malformed`. */
export function decodeEntry(v: EntryView, index: number, base: number): MeasurementEntry {
  const fields = entryFields(v);
  let malformed = typeof fields === "string" ? fields : null;
  let path = "";
  let algo = -1;
  let digest: Uint8Array = new Uint8Array(0);
  let sig: Uint8Array | null = null;
  for (const f of typeof fields === "string" ? [] : fields) {
    if (f.id === "n" || f.id === "n-ng") {
      const s = cString(f.bytes);
      if (s === null) malformed = `field ${f.id} is not one NUL-terminated name`;
      else path = s;
    } else if (f.id === "d-ng" || f.id === "d-ngv2") {
      ({ algo, digest } = splitDigest(f.bytes));
      if (algo < 0) malformed = `field ${f.id} is no digest with its algorithm`;
    } else if (f.id === "d") {
      algo = hashAlgoByName("sha1");
      digest = f.bytes;
      if (digest.length !== 20) malformed = "field d has not 20 bytes";
    } else if ((f.id === "sig" || f.id === "evmsig") && f.bytes.length > 0) {
      const type = f.bytes[0];
      const known = type === EVM_IMA_XATTR_DIGSIG || type === IMA_VERITY_DIGSIG || type === EVM_XATTR_PORTABLE_DIGSIG;
      if (known) sig = f.bytes;
      else malformed = `field ${f.id} has type ${type}, which is no signature`;
    }
  }
  return {
    index,
    offset: base + v.start,
    pcr: v.pcr,
    template: v.templateName,
    templateHash: v.bytes.slice(v.digest, v.digest + v.digestSize),
    violation: v.isViolation(),
    fields: typeof fields === "string" ? [] : fields,
    malformed,
    path,
    algo,
    digest,
    sig,
  };
}

/**
 * templateData: the bytes of a measurement: its fields, each with a 32-bit little-endian length in front, as they are hashed.
 *
 *     const data = new ByteWriter();
 *     writeTemplateData(template, event, data);
 *     templateHash(template, data.bytes(), HASH_ALGO_SHA1, crypto)
 *
 * Kernel document security/IMA-templates. Blanks inside text become underscores *before* hashing; `d` is SHA-1 or MD5 only:
 * if the file was hashed with another algorithm, its SHA-1 is asked for.
 */
import { HASH_ALGO_MD5, HASH_ALGO_SHA1, hashAlgoName, hashDigestSize } from "../abi/hashAlgo.js";
import { EVM_IMA_XATTR_DIGSIG, EVM_XATTR_PORTABLE_DIGSIG, IMA_VERITY_DIGSIG } from "../abi/xattr.js";
import { putU16le, putU32le, utf8 } from "../bytes.js";
import type { CryptoProvider } from "../crypto/provider.js";
import type { Template } from "./template.js";

/** Longest name the `n` field and the template "ima" take, in bytes without the NUL. */
export const IMA_EVENT_NAME_LEN_MAX = 255;

/** What a measurement says: a file, a buffer, the boot aggregate or a violation. */
export interface TemplateEvent {
  /** Path, or the name of a buffer. */
  readonly name: string;
  /** Kernel hash number of `digest`. */
  readonly algo: number;
  /** Null for a violation: digest fields are then zeros. */
  readonly digest: Uint8Array | null;
  /** True if `digest` is an fs-verity digest. */
  readonly verity?: boolean;
  /** SHA-1 for the field `d` where `digest` is neither SHA-1 nor MD5. */
  readonly sha1?: () => Uint8Array;
  /** security.ima of the file. */
  readonly imaXattr?: Uint8Array | null;
  /** security.evm of the file. */
  readonly evmXattr?: Uint8Array | null;
  /** The buffer of a buffer measurement. */
  readonly buf?: Uint8Array;
  /** Owner and mode of the file; without it the fields that need an inode are empty. */
  readonly inode?: { readonly uid: number; readonly gid: number; readonly mode: number };
  /** The protected attributes that are present, in EVM's order. */
  readonly xattrs?: readonly (readonly [name: string, value: Uint8Array])[];
}

/** A byte buffer that grows. `bytes()` is a view that the next write may change. */
export class ByteWriter {
  buf: Uint8Array = new Uint8Array(512);
  length: number = 0;

  reset(): void {
    this.length = 0;
  }

  /** Makes room for n more bytes and returns where they begin. */
  room(n: number): number {
    const at = this.length;
    const need = at + n;
    if (need > this.buf.length) {
      const grown = new Uint8Array(Math.max(need, 2 * this.buf.length));
      grown.set(this.buf.subarray(0, at));
      this.buf = grown;
    }
    this.length = need;
    return at;
  }

  put(b: Uint8Array): void {
    const at = this.room(b.length);
    this.buf.set(b, at);
  }

  u32le(v: number): void {
    const at = this.room(4);
    putU32le(this.buf, at, v);
  }

  bytes(): Uint8Array {
    return this.buf.subarray(0, this.length);
  }
}

const EMPTY: Uint8Array = /* @__PURE__ */ new Uint8Array(0);

function underscored(s: string): string {
  return s.includes(" ") ? s.replaceAll(" ", "_") : s;
}

function nulTerminated(s: string): Uint8Array {
  return utf8(`${underscored(s)}\0`);
}

/** The field `n`: a name above 255 bytes is cut to its last component. */
function shortName(name: string): string {
  return utf8(name).length > IMA_EVENT_NAME_LEN_MAX ? name.slice(name.lastIndexOf("/") + 1) : name;
}

function legacyDigest(ev: TemplateEvent): Uint8Array {
  if (ev.digest === null) return new Uint8Array(hashDigestSize[HASH_ALGO_SHA1]);
  if (ev.algo === HASH_ALGO_SHA1 || ev.algo === HASH_ALGO_MD5) {
    // The field has SHA-1's size whatever the algorithm; MD5 leaves the last four bytes zero.
    const out = new Uint8Array(hashDigestSize[HASH_ALGO_SHA1]);
    out.set(ev.digest);
    return out;
  }
  return ev.sha1 === undefined ? new Uint8Array(hashDigestSize[HASH_ALGO_SHA1]) : ev.sha1();
}

function taggedDigest(ev: TemplateEvent, prefix: string): Uint8Array {
  const head = utf8(`${prefix}${hashAlgoName[ev.algo]}:\0`);
  const out = new Uint8Array(head.length + hashDigestSize[ev.algo]);
  out.set(head);
  if (ev.digest !== null) out.set(ev.digest, head.length);
  return out;
}

function sigField(ev: TemplateEvent): Uint8Array {
  const x = ev.imaXattr;
  if (x != null && (x[0] === EVM_IMA_XATTR_DIGSIG || x[0] === IMA_VERITY_DIGSIG)) return x;
  return evmSigField(ev);
}

function evmSigField(ev: TemplateEvent): Uint8Array {
  const x = ev.evmXattr;
  return x != null && x[0] === EVM_XATTR_PORTABLE_DIGSIG ? x : EMPTY;
}

function uint32(v: number): Uint8Array {
  const b = new Uint8Array(4);
  putU32le(b, 0, v);
  return b;
}

function uint16(v: number): Uint8Array {
  const b = new Uint8Array(2);
  putU16le(b, 0, v);
  return b;
}

function fieldBytes(id: string, ev: TemplateEvent): Uint8Array {
  switch (id) {
    case "d":
      return legacyDigest(ev);
    case "n":
      return nulTerminated(shortName(ev.name));
    case "d-ng":
      return taggedDigest(ev, "");
    case "d-ngv2":
      return taggedDigest(ev, ev.verity === true ? "verity:" : "ima:");
    case "n-ng":
      return nulTerminated(ev.name);
    case "sig":
      return sigField(ev);
    case "buf":
      return ev.buf ?? EMPTY;
    case "evmsig":
      return evmSigField(ev);
    case "iuid":
      return ev.inode === undefined ? EMPTY : uint32(ev.inode.uid);
    case "igid":
      return ev.inode === undefined ? EMPTY : uint32(ev.inode.gid);
    case "imode":
      return ev.inode === undefined ? EMPTY : uint16(ev.inode.mode);
    default:
      return xattrField(id, ev);
  }
}

function xattrField(id: string, ev: TemplateEvent): Uint8Array {
  const xattrs = ev.xattrs ?? [];
  if (xattrs.length === 0) return EMPTY;
  if (id === "xattrnames") return nulTerminated(xattrs.map(([name]) => name).join("|"));
  const w = new ByteWriter();
  if (id === "xattrlengths") for (const [, value] of xattrs) w.u32le(value.length);
  else if (id === "xattrvalues") for (const [, value] of xattrs) w.put(value);
  // What is left are the fields of appended module signatures, which are always empty here.
  return w.bytes();
}

/** Appends the template data of an event: for each field its length (u32, little endian) and its bytes. */
export function writeTemplateData(template: Template, ev: TemplateEvent, out: ByteWriter): void {
  for (const id of template.fields) {
    const b = fieldBytes(id, ev);
    out.u32le(b.length);
    out.put(b);
  }
}

const LEGACY_SIZE = 20 + IMA_EVENT_NAME_LEN_MAX + 1;

/**
 * What is hashed of template data: the data itself, but for the template "ima" its digest (20 bytes) and its name padded with
 * NUL to 256 bytes, without lengths. `data` has lengths in front of the fields for every template.
 */
export function hashedTemplateData(template: Template, data: Uint8Array): Uint8Array {
  if (!template.legacy) return data;
  const out = new Uint8Array(LEGACY_SIZE);
  out.set(data.subarray(4, 24));
  out.set(data.subarray(28, Math.min(data.length, 28 + IMA_EVENT_NAME_LEN_MAX + 1)), 20);
  return out;
}

/** Template digest: the hash of an algorithm over template data. */
export function templateHash(template: Template, data: Uint8Array, algo: number, crypto: CryptoProvider): Uint8Array {
  return crypto.digest(algo, hashedTemplateData(template, data));
}

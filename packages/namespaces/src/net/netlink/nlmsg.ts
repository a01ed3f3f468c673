/** Messages of netlink(7) as bytes: a header, a fixed part, attributes of type, length and value, all aligned to four bytes. */

export const NLMSG_HDRLEN = 16;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;
/** Types below are netlink's own. */
export const NLMSG_MIN_TYPE = 16;

export const NLM_F_REQUEST = 1;
export const NLM_F_MULTI = 2;
export const NLM_F_ACK = 4;
export const NLM_F_DUMP = 0x300;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;

/** Bits of an attribute's type that are flags. */
const NLA_TYPE_MASK = 0x3fff;
const NLA_HDRLEN = 4;

export interface NlMessage {
  type: number;
  flags: number;
  seq: number;
  pid: number;
  /** Behind the header. */
  payload: Uint8Array;
}

export const align4 = (n: number): number => (n + 3) & ~3;
export const view = (b: Uint8Array): DataView => new DataView(b.buffer, b.byteOffset, b.byteLength);

/** The messages of a datagram, up to one that is broken. */
export function parseMessages(data: Uint8Array): NlMessage[] {
  const out: NlMessage[] = [];
  for (let at = 0; data.length - at >= NLMSG_HDRLEN; ) {
    const v = view(data.subarray(at));
    const len = v.getUint32(0, true);
    if (len < NLMSG_HDRLEN || len > data.length - at) break;
    out.push({
      type: v.getUint16(4, true),
      flags: v.getUint16(6, true),
      seq: v.getUint32(8, true),
      pid: v.getUint32(12, true),
      payload: data.slice(at + NLMSG_HDRLEN, at + len),
    });
    at += align4(len);
  }
  return out;
}

export function encodeMessage(m: NlMessage): Uint8Array {
  const out = new Uint8Array(NLMSG_HDRLEN + m.payload.length);
  const v = view(out);
  v.setUint32(0, out.length, true);
  v.setUint16(4, m.type, true);
  v.setUint16(6, m.flags, true);
  v.setUint32(8, m.seq, true);
  v.setUint32(12, m.pid, true);
  out.set(m.payload, NLMSG_HDRLEN);
  return out;
}

/** Attributes by type; of several of one type the last. Null: they do not fit their room. */
export function parseAttributes(data: Uint8Array): Map<number, Uint8Array> | null {
  const out = new Map<number, Uint8Array>();
  let at = 0;
  while (data.length - at >= NLA_HDRLEN) {
    const v = view(data.subarray(at));
    const len = v.getUint16(0, true);
    if (len < NLA_HDRLEN || len > data.length - at) return null;
    out.set(v.getUint16(2, true) & NLA_TYPE_MASK, data.slice(at + NLA_HDRLEN, at + len));
    at += align4(len);
  }
  return out;
}

export function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) {
    out.set(p, at);
    at += p.length;
  }
  return out;
}

export function attribute(type: number, value: Uint8Array): Uint8Array {
  const out = new Uint8Array(align4(NLA_HDRLEN + value.length));
  const v = view(out);
  v.setUint16(0, NLA_HDRLEN + value.length, true);
  v.setUint16(2, type, true);
  out.set(value, NLA_HDRLEN);
  return out;
}

export function u32(n: number): Uint8Array {
  const out = new Uint8Array(4);
  view(out).setUint32(0, n, true);
  return out;
}
/** Text with its NUL. */
export function cstring(text: string): Uint8Array {
  const out = new Uint8Array(text.length + 1);
  for (let i = 0; i < text.length; i++) out[i] = text.charCodeAt(i);
  return out;
}

export const asU32 = (b: Uint8Array | undefined): number | undefined =>
  b === undefined || b.length < 4 ? undefined : view(b).getUint32(0, true);
export const asText = (b: Uint8Array | undefined): string | undefined =>
  b === undefined ? undefined : String.fromCharCode(...b).replace(/\0.*$/s, "");

/**
 * Addresses of IPv4 (a number, 0..2^32-1) and IPv6 (a bigint) and their text. inet(3), inet_pton(3), RFC 5952.
 */

export type Ip = number | bigint;

export const INADDR_ANY = 0;
export const INADDR_LOOPBACK = 0x7f000001;
export const INADDR_BROADCAST = 0xffffffff;
export const IN6ADDR_ANY = 0n;
export const IN6ADDR_LOOPBACK = 1n;

const V4_MAPPED = 0xffffn << 32n;

export function isV4(ip: Ip): ip is number {
  return typeof ip === "number";
}
/** Bits of an address. */
export function width(ip: Ip): number {
  return isV4(ip) ? 32 : 128;
}

/** "10.0.0.1": four decimal numbers. */
export function parseIp4(text: string): number | null {
  const m = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (m === null) return null;
  let n = 0;
  for (let i = 1; i <= 4; i++) {
    const part = m[i];
    if (Number(part) > 255 || (part.length > 1 && part[0] === "0")) return null;
    n = n * 256 + Number(part);
  }
  return n;
}

/** "fe80::1", "::ffff:10.0.0.1". */
export function parseIp6(text: string): bigint | null {
  let t = text;
  const dot = t.lastIndexOf(":");
  if (dot >= 0 && t.includes(".")) {
    const v4 = parseIp4(t.slice(dot + 1));
    if (v4 === null) return null;
    t = `${t.slice(0, dot + 1)}${(v4 >>> 16).toString(16)}:${(v4 & 0xffff).toString(16)}`;
  }
  const halves = t.split("::");
  if (halves.length > 2) return null;
  const groups = (s: string): string[] => (s === "" ? [] : s.split(":"));
  const head = groups(halves[0]);
  const tail = halves.length === 2 ? groups(halves[1]) : [];
  const gap = 8 - head.length - tail.length;
  if (halves.length === 2 ? gap < 1 : gap !== 0) return null;
  let n = 0n;
  for (const g of [...head, ...new Array<string>(gap).fill("0"), ...tail]) {
    if (!/^[0-9a-fA-F]{1,4}$/.test(g)) return null;
    n = (n << 16n) | BigInt(Number.parseInt(g, 16));
  }
  return n;
}

export function parseIp(text: string): Ip | null {
  return text.includes(":") ? parseIp6(text) : parseIp4(text);
}

/** "10.0.0.0/8"; without a length the whole address. Null: no address, or a length that is too long. */
export function parsePrefix(text: string): { ip: Ip; len: number } | null {
  const [addr, length] = text.split("/", 2) as [string, string | undefined];
  const ip = parseIp(addr);
  if (ip === null) return null;
  if (length === undefined) return { ip, len: width(ip) };
  return /^\d{1,3}$/.test(length) && Number(length) <= width(ip) ? { ip, len: Number(length) } : null;
}

function formatIp6(ip: bigint): string {
  if (ip >> 32n === 0xffffn) return `::ffff:${formatIp(Number(ip & 0xffffffffn))}`;
  const g: number[] = [];
  for (let i = 7; i >= 0; i--) g.push(Number((ip >> BigInt(16 * i)) & 0xffffn));
  // the longest run of zeros, the first of equal ones, of two or more
  let best = -1;
  let bestLen = 1;
  for (let i = 0; i < 8; i++) {
    let n = 0;
    while (i + n < 8 && g[i + n] === 0) n++;
    if (n > bestLen) {
      best = i;
      bestLen = n;
    }
    i += n > 0 ? n - 1 : 0;
  }
  const text = (part: number[]): string => part.map((n) => n.toString(16)).join(":");
  return best < 0 ? text(g) : `${text(g.slice(0, best))}::${text(g.slice(best + bestLen))}`;
}

export function formatIp(ip: Ip): string {
  if (!isV4(ip)) return formatIp6(ip);
  return `${ip >>> 24}.${(ip >>> 16) & 255}.${(ip >>> 8) & 255}.${ip & 255}`;
}

/** An address with all bits behind the first `len` zero. */
export function network(ip: Ip, len: number): Ip {
  if (isV4(ip)) return len === 0 ? 0 : (ip & (-1 << (32 - len))) >>> 0;
  const shift = BigInt(128 - len);
  return (ip >> shift) << shift;
}
/** The last address of a network. */
export function broadcastOf(ip: number, len: number): number {
  return len >= 32 ? ip : (ip | (0xffffffff >>> len)) >>> 0;
}
export function inNetwork(ip: Ip, net: Ip, len: number): boolean {
  return isV4(ip) === isV4(net) && network(ip, len) === network(net, len);
}
export function anyOf(like: Ip): Ip {
  return isV4(like) ? INADDR_ANY : IN6ADDR_ANY;
}
export function isAny(ip: Ip): boolean {
  return ip === 0 || ip === 0n;
}
export function isMulticast(ip: Ip): boolean {
  return isV4(ip) ? ip >>> 28 === 14 : ip >> 120n === 0xffn;
}
export function isLoopback(ip: Ip): boolean {
  return isV4(ip) ? ip >>> 24 === 127 : ip === IN6ADDR_LOOPBACK;
}
export function isLinkLocal6(ip: Ip): boolean {
  return !isV4(ip) && ip >> 118n === 0x3fan;
}
/** ::ffff:a.b.c.d as the IPv4 address it stands for. */
export function unmapped(ip: Ip): Ip {
  return !isV4(ip) && ip >> 32n === 0xffffn ? Number(ip & 0xffffffffn) : ip;
}
export function mapped(ip: Ip): bigint {
  return isV4(ip) ? V4_MAPPED | BigInt(ip) : ip;
}

/** As files of /proc/net show it: words as they lie in the memory of a little-endian machine. */
export function procHex(ip: Ip): string {
  const word = (n: number): string => {
    const b = ((n & 0xff) << 24) | ((n & 0xff00) << 8) | ((n >>> 8) & 0xff00) | (n >>> 24);
    return (b >>> 0).toString(16).toUpperCase().padStart(8, "0");
  };
  if (isV4(ip)) return word(ip);
  let out = "";
  for (let i = 3; i >= 0; i--) out += word(Number((ip >> BigInt(32 * i)) & 0xffffffffn));
  return out;
}

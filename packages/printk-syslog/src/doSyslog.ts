/**
 * do_syslog(): the logic of syslog(2) and /proc/kmsg. Records are printed as `<prio>[time] text` lines; the READ position and the
 * clear position are shared by everybody who reads this log. syslog(2), "klogctl".
 */
import {
  type Ctx,
  EFAULT,
  EINVAL,
  fail,
  SYSLOG_ACTION_CLEAR,
  SYSLOG_ACTION_CLOSE,
  SYSLOG_ACTION_CONSOLE_LEVEL,
  SYSLOG_ACTION_CONSOLE_OFF,
  SYSLOG_ACTION_CONSOLE_ON,
  SYSLOG_ACTION_OPEN,
  SYSLOG_ACTION_READ,
  SYSLOG_ACTION_READ_ALL,
  SYSLOG_ACTION_READ_CLEAR,
  SYSLOG_ACTION_SIZE_BUFFER,
  SYSLOG_ACTION_SIZE_UNREAD,
  type Wait,
} from "@kernelkit/core";
import { checkSyslogPermissions } from "./permission.js";
import type { Printk } from "./printk.js";
import { syslogInto, syslogLength } from "./recordText.js";
import { SYSLOG_ACTION_NEW_NS } from "./syslogActions.js";
import type { SyslogNs } from "./syslogNs.js";

/** Where the bytes go: a buffer, none (null), or an address that is not there. */
export type SyslogBuffer = Uint8Array | null | "bad";

/** Whole actions, permission included: what syslog(2) does. Reading actions return the bytes, the others a number. */
export function doSyslog(c: Ctx, p: Printk, type: number, buf: SyslogBuffer, len: number): number | Uint8Array | Wait {
  if (type === SYSLOG_ACTION_NEW_NS && p.design.create !== undefined) {
    p.design.create(p, c.task);
    return 0;
  }
  checkSyslogPermissions(c, p, type);
  const ns = p.nsOf(c.task);
  switch (type) {
    case SYSLOG_ACTION_CLOSE:
    case SYSLOG_ACTION_OPEN:
      return 0;
    case SYSLOG_ACTION_READ: {
      if (buf === null || len < 0) return fail(EINVAL);
      if (len === 0) return 0;
      if (buf === "bad") return fail(EFAULT);
      if (unread(ns) === false) return c.sleep(ns.logWait);
      return syslogPrint(ns, p, len);
    }
    case SYSLOG_ACTION_READ_ALL:
    case SYSLOG_ACTION_READ_CLEAR: {
      if (buf === null || len < 0) return fail(EINVAL);
      if (len === 0) return 0;
      return printAll(ns, p, buf, len, type === SYSLOG_ACTION_READ_CLEAR);
    }
    case SYSLOG_ACTION_CLEAR:
      ns.clearSeq = ns.ring.nextSeq;
      return 0;
    case SYSLOG_ACTION_CONSOLE_OFF:
      if (ns.savedConsoleLevel < 0) ns.savedConsoleLevel = p.levels[0];
      p.levels[0] = p.levels[2];
      return 0;
    case SYSLOG_ACTION_CONSOLE_ON:
      if (ns.savedConsoleLevel >= 0) {
        p.levels[0] = ns.savedConsoleLevel;
        ns.savedConsoleLevel = -1;
      }
      return 0;
    case SYSLOG_ACTION_CONSOLE_LEVEL:
      if (len < 1 || len > 8) return fail(EINVAL);
      p.levels[0] = Math.max(len, p.levels[2]);
      ns.savedConsoleLevel = -1;
      return 0;
    case SYSLOG_ACTION_SIZE_UNREAD:
      return sizeUnread(ns, p);
    case SYSLOG_ACTION_SIZE_BUFFER:
      return ns.ring.size;
    default:
      return fail(EINVAL);
  }
}

/** Is there a record at the READ position? A position that was overwritten moves to the oldest. */
export function unread(ns: SyslogNs): boolean {
  const { ring } = ns;
  if (ns.syslogSeq < ring.firstSeq) {
    ns.syslogSeq = ring.firstSeq;
    ns.syslogPartial = 0;
  }
  return ns.syslogSeq < ring.nextSeq;
}

/** READ: whole records while they fit; of the first one as much as fits, the rest next time. */
export function syslogPrint(ns: SyslogNs, p: Printk, len: number): Uint8Array {
  const out: Uint8Array[] = [];
  let n = 0;
  while (n < len && unread(ns)) {
    // the time setting stays as it was for a line that is given in parts
    if (ns.syslogPartial === 0) ns.syslogTime = p.time;
    const format = { prefix: true, time: ns.syslogTime };
    const length = syslogLength(ns.ring, ns.syslogSeq, format);
    const rest = length - ns.syslogPartial;
    if (rest > len - n && n > 0) break;
    const text = new Uint8Array(length);
    syslogInto(ns.ring, ns.syslogSeq, format, text, 0);
    const take = Math.min(rest, len - n);
    out.push(text.subarray(ns.syslogPartial, ns.syslogPartial + take));
    n += take;
    ns.syslogPartial += take;
    if (take === rest) {
      ns.syslogSeq++;
      ns.syslogPartial = 0;
    }
  }
  return concat(out, n);
}

/** READ_ALL: the newest records since the clear position that fit whole. */
function printAll(ns: SyslogNs, p: Printk, buf: SyslogBuffer, len: number, clear: boolean): Uint8Array {
  const { ring } = ns;
  const format = { prefix: true, time: p.time };
  const next = ring.nextSeq;
  const oldest = Math.max(ns.clearSeq, ring.firstSeq);
  let first = next;
  let total = 0;
  while (first > oldest) {
    const n = syslogLength(ring, first - 1, format);
    if (total + n > len) break;
    total += n;
    first--;
  }
  if (buf === "bad" && first < next) return fail(EFAULT);
  const out = new Uint8Array(total);
  let at = 0;
  for (let seq = first; seq < next; seq++) at = syslogInto(ring, seq, format, out, at);
  if (clear) ns.clearSeq = next;
  return out;
}

/** Bytes that READ would return in all. */
function sizeUnread(ns: SyslogNs, p: Printk): number {
  if (!unread(ns)) return 0;
  let n = -ns.syslogPartial;
  let time = ns.syslogPartial > 0 ? ns.syslogTime : p.time;
  for (let seq = ns.syslogSeq; seq < ns.ring.nextSeq; seq++) {
    n += syslogLength(ns.ring, seq, { prefix: true, time });
    time = p.time;
  }
  return n;
}

function concat(parts: readonly Uint8Array[], length: number): Uint8Array {
  if (parts.length === 1) return parts[0];
  const out = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}

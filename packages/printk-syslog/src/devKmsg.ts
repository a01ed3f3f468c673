/**
 * /dev/kmsg: one record per read, each open description with its own position; a write is a record of user space. dev-kmsg (ABI
 * documentation).
 */
import {
  EAGAIN,
  EINVAL,
  EPERM,
  EPIPE,
  ESPIPE,
  FileOps,
  FMODE_READ,
  FMODE_STREAM,
  fail,
  O_NONBLOCK,
  type OpenFile,
  POLLERR,
  POLLIN,
  POLLPRI,
  POLLRDNORM,
  readBuffer,
} from "@kernelkit/core";
import { ROUTE_OPEN_FILE } from "./logNamespaces/design.js";
import { checkKmsgReader } from "./permission.js";
import type { Printk } from "./printk.js";
import { RatelimitState } from "./ratelimit.js";
import { devkmsgInto, devkmsgLength } from "./recordText.js";
import type { SyslogNs } from "./syslogNs.js";

const SEEK_SET = 0;
const SEEK_END = 2;
const SEEK_DATA = 3;
const LOG_USER = 1;

/** What an open description keeps. */
export class DevkmsgUser {
  seq: number;

  constructor(
    readonly ns: SyslogNs,
    readonly rs: RatelimitState,
    /** Who opened it, for the message about suppressed lines. */
    readonly comm: string,
  ) {
    this.seq = ns.ring.firstSeq;
  }
}

function userOf(file: OpenFile): DevkmsgUser {
  return file.data as DevkmsgUser;
}

/** `<N>` in front of user space's text: decimal digits only. */
function parsePrefix(data: Uint8Array): { prio: number; length: number } | null {
  if (data[0] !== 0x3c) return null;
  let v = 0;
  for (let i = 1; i < data.length; i++) {
    const b = data[i];
    if (b === 0x3e) return { prio: v, length: i + 1 };
    if (b < 0x30 || b > 0x39) return null;
    v = (v * 10 + b - 0x30) % 4294967296;
  }
  return null;
}

export function devKmsgOps(p: Printk): FileOps {
  return new FileOps({
    open(c, _inode, file) {
      if (p.devkmsg === "off") return fail(EPERM);
      if ((file.mode & FMODE_READ) !== 0) checkKmsgReader(c, p);
      file.mode |= FMODE_STREAM;
      const rs = new RatelimitState(5 * c.k.time.hz, 10, true);
      file.data = new DevkmsgUser(p.nsOf(c.task), rs, c.task.comm);
      return undefined;
    },
    read(c, file, count, _pos, buf) {
      const u = userOf(file);
      const { ring } = u.ns;
      if (u.seq >= ring.nextSeq) return (file.flags & O_NONBLOCK) !== 0 ? fail(EAGAIN) : c.sleep(u.ns.logWait);
      if (u.seq < ring.firstSeq) {
        u.seq = ring.firstSeq;
        return fail(EPIPE);
      }
      // a record that does not fit is consumed all the same
      const seq = u.seq++;
      const length = devkmsgLength(ring, seq, p.caller);
      if (length > count) return fail(EINVAL);
      const out = readBuffer(buf, length);
      devkmsgInto(ring, seq, p.caller, out, 0);
      return out;
    },
    write(c, file, data) {
      const u = userOf(file);
      if (data.length > p.recordMax) return fail(EINVAL);
      if (p.devkmsg === "off") return data.length;
      if (p.devkmsg === "ratelimit" && !u.rs.pass(c.k.time.ticks, () => {})) return data.length;
      let facility = LOG_USER;
      let level = p.levels[1];
      let text = data;
      const prefix = parsePrefix(data);
      if (prefix !== null) {
        level = prefix.prio & 7;
        facility = (prefix.prio >>> 3) & 0xff || LOG_USER;
        text = data.subarray(prefix.length);
      }
      const nul = text.indexOf(0);
      p.nsvprintkEmit(u.ns, ROUTE_OPEN_FILE, facility, level, "", nul < 0 ? text : text.subarray(0, nul));
      return data.length;
    },
    llseek(_c, file, offset, whence) {
      const u = userOf(file);
      if (offset !== 0) return fail(ESPIPE);
      switch (whence) {
        case SEEK_SET:
          u.seq = u.ns.ring.firstSeq;
          return 0;
        case SEEK_DATA:
          u.seq = u.ns.clearSeq;
          return 0;
        case SEEK_END:
          u.seq = u.ns.ring.nextSeq;
          return 0;
        default:
          return fail(EINVAL);
      }
    },
    poll(_c, file, pt) {
      const u = userOf(file);
      if ((file.mode & FMODE_READ) === 0) return 0;
      pt?.add(u.ns.logWait);
      const { ring } = u.ns;
      if (u.seq >= ring.nextSeq) return 0;
      return POLLIN | POLLRDNORM | (u.seq < ring.firstSeq ? POLLERR | POLLPRI : 0);
    },
    release(_k, file) {
      const { rs, comm } = userOf(file);
      if (rs.missed > 0) p.pr(4, `printk: ${comm}: ${rs.missed} output lines suppressed due to ratelimiting`);
    },
  });
}

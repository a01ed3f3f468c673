/** /proc/kmsg: SYSLOG_ACTION_READ as a file; everybody who reads it takes from one position. proc(5). */
import {
  EAGAIN,
  EIO,
  FileOps,
  fail,
  O_NONBLOCK,
  POLLIN,
  POLLRDNORM,
  readBuffer,
  SYSLOG_ACTION_OPEN,
} from "@kernelkit/core";
import { syslogPrint, unread } from "./doSyslog.js";
import { checkSyslogPermissions } from "./permission.js";
import type { Printk } from "./printk.js";
import type { SyslogNs } from "./syslogNs.js";

export function procKmsgOps(p: Printk): FileOps {
  return new FileOps({
    open(c, _inode, file) {
      checkSyslogPermissions(c, p, SYSLOG_ACTION_OPEN);
      file.data = p.nsOf(c.task);
      return undefined;
    },
    read(c, file, count, _pos, buf) {
      const ns = file.data as SyslogNs;
      if (count === 0) return readBuffer(buf, 0);
      if (!unread(ns)) return (file.flags & O_NONBLOCK) !== 0 ? fail(EAGAIN) : c.sleep(ns.logWait);
      const bytes = syslogPrint(ns, p, count);
      if (buf === null) return bytes;
      const out = readBuffer(buf, bytes.length);
      out.set(bytes);
      return out;
    },
    write: () => fail(EIO),
    llseek: () => 0,
    poll(_c, file, pt) {
      const ns = file.data as SyslogNs;
      pt?.add(ns.logWait);
      return unread(ns) ? POLLIN | POLLRDNORM : 0;
    },
  });
}

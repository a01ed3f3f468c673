/** A kernel log with everything that reads it: real Linux has one; the log-namespace designs have one per namespace. */
import { type Namespace, type NsType, type UserNamespace, WaitQueue } from "@kernelkit/core";
import type { Console } from "./console.js";
import { PrintkRing } from "./ringBuffer.js";

export class SyslogNs implements Namespace {
  ring: PrintkRing;
  /** READ_ALL and SEEK_DATA begin here. */
  clearSeq = 0;
  /** Position of SYSLOG_ACTION_READ and /proc/kmsg, shared by all readers: record, bytes of it already given, its time setting. */
  syslogSeq = 0;
  syslogPartial = 0;
  syslogTime = true;
  /** console_loglevel put aside by CONSOLE_OFF, -1: none. */
  savedConsoleLevel = -1;
  readonly consoles: Console[] = [];
  /** Woken when a record can be read. */
  readonly logWait: WaitQueue = new WaitQueue("kernel log");
  /** Proxies and files that hold it, in the design where it is one of a task's namespaces. */
  refs = 1;
  /** Nobody is in it any more; open files may still have it. */
  ended = false;

  constructor(
    readonly id: number,
    size: number,
    recordMax: number,
    readonly type: NsType,
    /** Owner: CAP_SYSLOG is asked there. */
    public userNs: UserNamespace,
  ) {
    this.ring = new PrintkRing(size, recordMax);
  }

  /** Inode number in nsfs. */
  get ino(): number {
    return this.id === 0 ? 4026531833 : 4026540000 + this.id;
  }

  /** Bytes it costs: the text and its columns. */
  get bytes(): number {
    return this.ring.size + this.ring.overheadBytes;
  }
}

/** A kernel log with everything that reads it: real Linux has one; the log-namespace designs have one per namespace. */
import { WaitQueue } from "@kernelkit/core";
import type { Console } from "./console.js";
import { PrintkRing } from "./ringBuffer.js";

export class SyslogNs {
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

  constructor(
    readonly id: number,
    size: number,
  ) {
    this.ring = new PrintkRing(size);
  }
}

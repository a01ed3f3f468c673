/**
 * The kernel log as a package: `createKernel().use(printkSyslog()).boot()`. Everything core and other packages log with `k.log` goes
 * into the log; `kernel.printk` writes, reads and watches it.
 */
import type { Core, Feature, Impl, Ret, SysBase } from "@kernelkit/core";
import { Console } from "./console.js";
import { DevkmsgUser } from "./devKmsg.js";
import { devPrintk, type PrintkDevice } from "./devPrintk.js";
import { doSyslog, type SyslogBuffer } from "./doSyslog.js";
import { installFiles } from "./files.js";
import { Printk } from "./printk.js";
import { RatelimitState } from "./ratelimit.js";
import { syslogText } from "./recordText.js";
import { PrintkRing } from "./ringBuffer.js";
import { SyslogNs } from "./syslogNs.js";
import { Trouble } from "./trouble.js";

export interface PrintkOptions {
  /** Records say who logged them (`,caller=T12`), as a kernel with CONFIG_PRINTK_CALLER. Default false. */
  printkCaller?: boolean;
}

export interface PrintkSys extends SysBase {
  /**
   * syslog(2), glibc's klogctl(3): `type` is SYSLOG_ACTION_*, 0..10. Reading actions return the bytes (at most `len`), the others a number.
   * EPERM first (sysctl kernel.dmesg_restrict, CAP_SYSLOG); EINVAL type, buffer null, len < 0; EFAULT; EINTR. READ sleeps.
   */
  syslog(type: number, buf?: SyslogBuffer, len?: number): Ret<this["mode"], number | Uint8Array>;
}

export interface PrintkApi {
  /** printk(): markers ("\x01" + level or "c") in front, the line ends with a newline. Bytes stored. */
  printk(text: string): number;
  /** The whole log as dmesg(1) prints it: `[    0.000000] text` lines. */
  dmesg(): string;
  /** Register a console; `write` gets text as it is printed (left out: `output()` keeps it). */
  registerConsole(name: string, flags?: number, write?: (text: string) => void): boolean;
  /** dev_printk(): a message about a device, with its dictionary. */
  devPrintk(level: number, device: PrintkDevice, text: string): number;
  /** The log itself. */
  readonly log: Printk;
  /** Taint, WARN, oops, panic, kmsg dumpers. */
  readonly trouble: Trouble;
}

/**
 * The kernel log: ring, /dev/kmsg, /proc/kmsg, syslog(2), consoles.
 *
 *     const kernel = createKernel().use(printkSyslog()).boot();
 *     console.log(kernel.printk.dmesg());
 */
export function printkSyslog(o: PrintkOptions = {}): Feature<"printk", PrintkApi, PrintkSys> {
  for (const key of Object.keys(o))
    if (key !== "printkCaller") throw new TypeError(`printkSyslog.${key}: unknown option; allowed is printkCaller`);
  if (o.printkCaller !== undefined && typeof o.printkCaller !== "boolean")
    throw new TypeError(`printkSyslog.printkCaller: must be true or false, not ${String(o.printkCaller)}`);
  return {
    name: "printk",
    install(k: Core) {
      k.state.class(PrintkRing, SyslogNs, Console, RatelimitState, DevkmsgUser);
      const p = new Printk(k, o.printkCaller ?? false);
      k.state.root("printk", p);
      for (const line of k.takeEarlyLog()) p.logLine(line);
      k.hooks.log.tap(0, "printk", (line) => p.logLine(line));
      const sys: Impl<PrintkSys> = {
        syslog: (c, type, buf = null, len = 0) =>
          doSyslog(c, p, type | 0, buf === null || buf instanceof Uint8Array ? buf : "bad", len | 0),
      };
      const trouble = new Trouble(k, p);
      k.state.root("printk.trouble", trouble);
      k.hooks.warn.tap(0, "printk", (text) => trouble.warn(text));
      k.hooks.panic.tap(0, "printk", (text) => trouble.panic(text));
      if (k.vfs !== undefined) installFiles(k, p, trouble);
      return {
        api: {
          printk: (text) => p.printk(text),
          dmesg: () => dmesg(p),
          registerConsole: (name, flags = 0, write) =>
            p.registerConsole(name, flags, write === undefined ? {} : { write }),
          devPrintk: (level, device, text) => devPrintk(p, level, device, text),
          log: p,
          trouble,
        },
        sys,
      };
    },
  };
}

function dmesg(p: Printk): string {
  const { ring } = p.init;
  let out = "";
  for (let seq = ring.firstSeq; seq < ring.nextSeq; seq++)
    out += syslogText(ring, seq, { prefix: false, time: p.time });
  return out;
}

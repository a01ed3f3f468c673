/**
 * The kernel log as a package: `createKernel().use(printkSyslog()).boot()`. Everything core and other packages log with `k.log` goes
 * into the log; `kernel.printk` writes, reads and watches it.
 */
import {
  type Core,
  coreInstance,
  type Feature,
  type Impl,
  type Namespace,
  type Ret,
  type SysBase,
  type Task,
} from "@kernelkit/core";
import { Console } from "./console.js";
import { DevkmsgUser } from "./devKmsg.js";
import { devPrintk, type PrintkDevice } from "./devPrintk.js";
import { doSyslog, type SyslogBuffer } from "./doSyslog.js";
import { installFiles } from "./files.js";
import { LOG_NAMESPACE_DESIGNS } from "./logNamespaces/byName.js";
import type { LogNamespaces } from "./logNamespaces/design.js";
import { NsproxyLogs } from "./logNamespaces/nsproxy.js";
import { type Explanation, Printk, type Semantics } from "./printk.js";
import { RatelimitState } from "./ratelimit.js";
import { syslogText } from "./recordText.js";
import { PrintkRing } from "./ringBuffer.js";
import { StackWatch } from "./stackWatch.js";
import { SyslogNs } from "./syslogNs.js";
import { Trouble } from "./trouble.js";

export interface PrintkOptions {
  /** Which design of log namespaces: "none" is Linux, and the default. The last three are other names of designs. */
  logNamespaces?: LogNamespaces | "userns-tied" | "in-userns" | "naive-current";
  /** Where kernels differ, the one that is followed. Default "6.18". */
  semantics?: Semantics;
  /** Most log namespaces that one user namespace may have given out (then ENOSPC). Default: no limit. */
  maxSyslogNs?: number;
  /** Records say who logged them (`,caller=T12`), as a kernel with CONFIG_PRINTK_CALLER. Default false. */
  printkCaller?: boolean;
  /** Bytes of a task's kernel stack. Default 16384; 8192 as before Linux 3.15. */
  threadSize?: 16384 | 8192;
  /** Bytes of kernel stack that no task should use more of: those that do are warned of. Default: no such guard. */
  stackGuard?: number;
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
  /** Register a console, by `task` where logs have consoles of their own; `write` gets text as it is printed (left out: it is kept). */
  registerConsole(name: string, flags?: number, write?: (text: string) => void, task?: Task | null): boolean;
  /** nsprintk(): as `printk`, into the log that `task` is in. */
  nsprintk(task: Task, text: string): number;
  /** A line of netfilter's LOG target about a packet of network namespace `net` (null: the initial one). `level` 0..7, default 4. */
  nfLogPacket(net: Namespace | null, text: string, level?: number): number;
  /** Which log a record is in, and why: record `seq` (default: the last) of the log of `task` (default: of the machine). */
  explain(task?: Task | null, seq?: number): Explanation | null;
  /** CLONE_SYSLOG for unshare(2) and clone(2) in the design `nsproxy`; 0 in the others. */
  readonly cloneSyslog: number;
  /** dev_printk(): a message about a device, with its dictionary. */
  devPrintk(level: number, device: PrintkDevice, text: string): number;
  /** `task` is `bytes` deep in its kernel stack: the deepest is told at exit, over the end is a panic. RangeError: no number of bytes. */
  stackUsed(task: Task, bytes: number): void;
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
  checkOptions(o);
  return {
    name: "printk",
    core: coreInstance,
    install(k: Core) {
      k.state.class(PrintkRing, SyslogNs, Console, RatelimitState, DevkmsgUser, NsproxyLogs);
      const design = LOG_NAMESPACE_DESIGNS[o.logNamespaces ?? "none"];
      k.state.static("printk.design", design);
      const p = new Printk(k, design, o.printkCaller, o.semantics, o.maxSyslogNs);
      if (design.install !== undefined) design.install(k, p);
      else k.state.static("printk.nsType", p.init.type);
      k.state.root("printk", p);
      for (const line of k.takeEarlyLog()) p.logLine(line);
      k.hooks.log.tap(0, "printk", (line) => p.logLine(line));
      k.hooks.packetLog.tap(0, "printk", (net, { level, text }) => void p.nfLogPacket(net as Namespace, level, text));
      const sys: Impl<PrintkSys> = {
        syslog: (c, type, buf = null, len = 0) =>
          doSyslog(c, p, type | 0, buf === null || buf instanceof Uint8Array ? buf : "bad", len | 0),
      };
      const trouble = new Trouble(k, p);
      k.state.root("printk.trouble", trouble);
      const stacks = new StackWatch(k, trouble, o.threadSize, o.stackGuard);
      k.state.root("printk.stacks", stacks);
      k.hooks.exit.tap(0, "printk", (t) => stacks.exit(t));
      k.hooks.warn.tap(0, "printk", (text, at) => trouble.warn(text, at));
      k.hooks.panic.tap(0, "printk", (text) => trouble.panic(text));
      if (k.vfs !== undefined) installFiles(k, p, trouble);
      return {
        api: {
          printk: (text) => p.printk(text),
          dmesg: () => dmesg(p),
          registerConsole: (name, flags = 0, write, task = null) =>
            p.registerConsole(name, flags, { ns: design.ofConsole(p, task), ...(write !== undefined && { write }) }),
          nsprintk: (task, text) => p.nsprintk(p.nsOf(task), text),
          nfLogPacket: (net, text, level = 4) => p.nfLogPacket(net, level, text),
          explain: (task = null, seq) => p.explain(task === null ? p.init : p.nsOf(task), seq),
          get cloneSyslog() {
            return design.name === "nsproxy" ? p.init.type.flag : 0;
          },
          devPrintk: (level, device, text) => devPrintk(p, level, device, text),
          stackUsed: (task, bytes) => stacks.used(task, bytes),
          log: p,
          trouble,
        },
        sys,
        boot() {
          design.boot?.(k, p);
          p.serialConsoles();
        },
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

function checkOptions(o: PrintkOptions): void {
  const allowed: Readonly<Record<keyof PrintkOptions, readonly unknown[] | null>> = {
    logNamespaces: Object.keys(LOG_NAMESPACE_DESIGNS),
    semantics: ["6.18", "6.1"],
    printkCaller: [true, false],
    threadSize: [16384, 8192],
    maxSyslogNs: null,
    stackGuard: null,
  };
  for (const [key, value] of Object.entries(o)) {
    if (!(key in allowed))
      throw new TypeError(`printkSyslog.${key}: unknown option; allowed are ${Object.keys(allowed).join(", ")}`);
    const values = allowed[key as keyof PrintkOptions];
    if (value !== undefined && values !== null && !values.includes(value))
      throw new TypeError(`printkSyslog.${key}: must be one of ${values.join(", ")}, not ${String(value)}`);
  }
  for (const key of ["maxSyslogNs", "stackGuard"] as const) {
    const value = o[key];
    if (value !== undefined && !(value >= 0))
      throw new RangeError(`printkSyslog.${key}: must be a number of 0 or more, not ${String(value)}`);
  }
}

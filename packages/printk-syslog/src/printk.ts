/**
 * printk: everything that writes the log, and what must happen when a record is complete (readers woken, consoles printed).
 * printk-basics, printk-formats (kernel documentation), sysctl kernel.printk.
 */
import {
  type Core,
  type LogLine,
  type Namespace,
  type Task,
  type Tracepoint,
  type UserNamespace,
  utf8Text,
} from "@kernelkit/core";
import {
  CON_ANYTIME,
  CON_BOOT,
  CON_CONSDEV,
  CON_ENABLED,
  CON_PRINTBUFFER,
  Console,
  type ConsoleSettings,
  consoleFlush,
} from "./console.js";
import { type LogNamespaceDesign, ROUTE_NAMED, ROUTE_REASONS } from "./logNamespaces/design.js";
import { NsproxyLogs, syslogNsType } from "./logNamespaces/nsproxy.js";
import { RatelimitState } from "./ratelimit.js";
import { devkmsgText } from "./recordText.js";
import { LOG_CONT, LOG_NEWLINE, RECORD_MAX } from "./ringBuffer.js";
import { SyslogNs } from "./syslogNs.js";

/** Default size of the log in bytes. */
export const LOG_BUF_LEN: number = 1 << 17;
/** Console levels, as they boot: console, default message, minimum console, default console. */
export const PRINTK_LEVELS: readonly number[] = [7, 4, 1, 7];
const SOH = "\u0001";
const SOH_CODE = 1;
const LARGEST_LOG = 2 ** 31;
/** 6.1 keeps 32 bytes of 1024 for the prefix. */
const RECORD_MAX_61 = 992;

/** The kernel whose behaviour is shown where kernels differ. */
export type Semantics = "6.18" | "6.1";

/** What /dev/kmsg does with writes. */
export type DevkmsgLog = "on" | "off" | "ratelimit";

export class Printk {
  static readonly transient: readonly string[] = ["writers", "trace"];
  /** Sysctl kernel.printk. */
  readonly levels: number[] = [...PRINTK_LEVELS];
  devkmsg: DevkmsgLog = "ratelimit";
  devkmsgLocked = false;
  dmesgRestrict = 1;
  delayMs = 0;
  /** /sys/module/printk/parameters */
  time = true;
  ignoreLoglevel = false;
  consoleSuspend = true;
  alwaysKmsgDump = false;
  consoleNoAutoVerbose = false;
  syslogFormat = false;
  readonly rsPrintk: RatelimitState;
  readonly rsNet: RatelimitState;
  /** Names on the command line, the last is preferred. */
  readonly consoleNames: string[] = [];
  /** The log of the machine. */
  readonly init: SyslogNs;
  /** All logs that have not ended, the machine's first. */
  readonly namespaces: SyslogNs[] = [];
  readonly nsproxyLogs: NsproxyLogs = new NsproxyLogs();
  lastNsId = 0;
  /** Most bytes of a record, terminator included. */
  readonly recordMax: number;
  /** A 6.1 kernel has warned of CAP_SYS_ADMIN without CAP_SYSLOG. */
  sysAdminWarned = false;
  /** printk:console: every message as it is logged, whatever consoles print. */
  readonly trace: Tracepoint<[msg: string]>;
  /** Writers of consoles by name: not state. */
  readonly writers: Map<string, (text: string) => void> = new Map();

  constructor(
    readonly k: Core,
    readonly design: LogNamespaceDesign,
    /** Records are shown with who logged them. */
    readonly caller: boolean = false,
    readonly semantics: Semantics = "6.18",
    /** Most logs of namespaces with one parent. */
    readonly maxSyslogNs: number = Number.POSITIVE_INFINITY,
  ) {
    const { hz } = k.time;
    this.rsPrintk = new RatelimitState(5 * hz, 10);
    this.rsNet = new RatelimitState(5 * hz, 10);
    this.trace = k.trace.define("printk", "console", (msg: string) => msg);
    this.trace.format = { fields: [["__data_loc char[]", "msg", 4, 0]], print: '"%s", __get_str(msg)' };
    this.recordMax = semantics === "6.1" ? RECORD_MAX_61 : RECORD_MAX;
    this.init = new SyslogNs(0, this.bufferSize(), this.recordMax, syslogNsType(this), k.tasks.initUserNs);
    this.namespaces.push(this.init);
    this.bootParameters();
  }

  private bufferSize(): number {
    const { cmdline, cpus } = this.k;
    const asked = cmdline.get("log_buf_len");
    const m = asked === undefined ? null : /^(\d+)([kKmMgG]?)/.exec(asked);
    if (m !== null) {
      const bytes =
        Number(m[1]) * { "": 1, k: 2 ** 10, m: 2 ** 20, g: 2 ** 30 }[m[2].toLowerCase() as "" | "k" | "m" | "g"];
      const size = 2 ** Math.ceil(Math.log2(Math.max(1, Math.min(bytes, LARGEST_LOG))));
      if (size > LOG_BUF_LEN) return size;
    } else {
      const extra = (cpus.nr - 1) * 4096;
      if (extra > LOG_BUF_LEN / 2) return 2 ** Math.ceil(Math.log2(LOG_BUF_LEN + extra));
    }
    return LOG_BUF_LEN;
  }

  private bootParameters(): void {
    const { cmdline } = this.k;
    for (const [name, value] of cmdline.words) {
      if (name === "quiet") this.levels[0] = 4;
      else if (name === "debug") this.levels[0] = 10;
      else if (name === "loglevel" && /^-?\d+/.test(value ?? "")) this.levels[0] = Number.parseInt(value as string, 10);
      else if (name === "ignore_loglevel") this.ignoreLoglevel = true;
      else if (name === "printk.devkmsg" && ["on", "off", "ratelimit"].includes(value ?? "")) {
        this.devkmsg = value as DevkmsgLog;
        this.devkmsgLocked = true;
      } else if (name === "printk.time") this.time = value === null || /^[1yY]/.test(value);
      else if (name === "console" && value !== null) this.consoleNames.push(value.split(",")[0]);
      else if (name === "console_msg_format") this.syslogFormat = value === "syslog";
    }
  }

  // --- writing ---

  /** Who is logging, as a caller id: the pid of the task, or 2^31 + CPU in interrupt context. */
  callerId(): number {
    const { irq, current, currentCpu } = this.k;
    if (irq.inInterrupt()) return 0x80000000 + currentCpu;
    return current === null ? 0 : current.nr;
  }

  /**
   * printk(): `text` may begin with markers ("\x01" and a level 0..7, "c" to continue the last line, "d" for the default level) and ends
   * its line with a newline. Returns the bytes stored.
   */
  printk(text: string): number {
    return this.vprintkEmit(0, -1, "", text);
  }

  /** A line of the kernel's own: level, text without newline. */
  pr(level: number, text: string): number {
    return this.vprintkEmit(0, level, "", `${text}\n`);
  }

  /** nsprintk(): into the log of a namespace. */
  nsprintk(ns: SyslogNs, text: string): number {
    return this.nsvprintkEmit(ns, ROUTE_NAMED, 0, -1, "", text);
  }

  /**
   * A line of netfilter's LOG target about a packet of network namespace `net` (null: the initial one), level 0..7. It may come in an
   * interrupt: the current task has nothing to do with it.
   */
  nfLogPacket(net: Namespace | null, level: number, text: string): number {
    const { design } = this;
    const ns = design.ofPacket(this, this.k.current, net);
    return this.nsvprintkEmit(ns, design.packetRoute, 0, level, "", `${text}\n`);
  }

  /** vprintk_emit(): into the log that plain printk goes to. */
  vprintkEmit(
    facility: number,
    level: number,
    dict: string,
    text: string | Uint8Array,
    timeNs: number = this.k.now,
    callerId: number = this.callerId(),
  ): number {
    const { design } = this;
    const ns = design.ofPrintk(this, this.k.current);
    return this.nsvprintkEmit(ns, design.printkRoute, facility, level, dict, text, timeNs, callerId);
  }

  /**
   * The one way into a log. facility 0: the kernel's, whose text may have markers; level -1: from markers or the default; `dict`: a device
   * message, complete at once. Returns the bytes of text stored.
   */
  nsvprintkEmit(
    ns: SyslogNs,
    route: number,
    facility: number,
    level: number,
    dict: string,
    text: string | Uint8Array,
    timeNs: number = this.k.now,
    callerId: number = this.callerId(),
  ): number {
    let lvl = level;
    let flags = 0;
    let body = text;
    if (facility === 0 && typeof body === "string") {
      while (body.length >= 2 && body.charCodeAt(0) === SOH_CODE) {
        const c = body[1];
        if (c >= "0" && c <= "7") {
          if (lvl < 0) lvl = Number(c);
        } else if (c === "c") flags |= LOG_CONT;
        else if (c !== "d") break;
        body = body.slice(2);
      }
    }
    if (lvl < 0) lvl = this.levels[1];
    // what does not fit the record's buffer is cut, a newline at its end too
    const max = this.recordMax - 1;
    if (body.length > max) body = typeof body === "string" ? cutUtf8(body, max) : body.subarray(0, max);
    let end = body.length;
    if (end > 0 && (typeof body === "string" ? body.charCodeAt(end - 1) : body[end - 1]) === 0x0a) {
      flags |= LOG_NEWLINE;
      end--;
    }
    if (dict !== "") flags |= LOG_NEWLINE;
    if (this.trace.on) this.trace.emit(typeof body === "string" ? body.slice(0, end) : utf8Text(body.subarray(0, end)));
    const { ring } = ns;
    if ((flags & LOG_CONT) !== 0) {
      const n = ring.extend(body, flags, callerId, end);
      if (n >= 0) {
        if (ring.open === 0) this.completed(ns);
        return n;
      }
    }
    if (this.delayMs > 0) this.delay();
    const before = ring.nextSeq;
    const n = ring.store(body, facility, lvl, flags, timeNs, callerId, dict, route, end);
    if (ring.nextSeq > before) this.completed(ns);
    return n;
  }

  /** kernel.printk_delay: the CPU is busy for so long with each message. */
  private delay(): void {
    const { sched, currentCpu } = this.k;
    sched.addIrqTime(currentCpu, this.delayMs * 1e6);
  }

  /** Records can be read that could not before. */
  private completed(ns: SyslogNs): void {
    if (ns.logWait.head !== null) this.k.sched.wakeUp(ns.logWait);
    if (ns.consoles.length > 0) this.flushConsoles(ns);
  }

  /** A line that core or a package logged by `k.log`. */
  logLine(line: LogLine): void {
    const caller = line.inInterrupt ? 0x80000000 + line.cpu : (line.task?.nr ?? 0);
    const text = line.cont ? `${SOH}c${line.text}\n` : `${line.text}\n`;
    this.vprintkEmit(line.facility, line.level, line.dict, text, line.timeNs, caller);
  }

  // --- rate limits ---

  /** printk_ratelimit(): five seconds, ten messages. `func` is named when some were suppressed. */
  printkRatelimit(func: string): boolean {
    return this.limited(this.rsPrintk, func);
  }

  netRatelimit(func: string): boolean {
    return this.limited(this.rsNet, func);
  }

  limited(rs: RatelimitState, func: string): boolean {
    return rs.pass(this.k.time.ticks, (n) => this.pr(4, `${func}: ${n} callbacks suppressed`));
  }

  // --- consoles ---

  get consoleSettings(): ConsoleSettings {
    return {
      level: this.levels[0],
      ignoreLoglevel: this.ignoreLoglevel,
      time: this.time,
      syslogFormat: this.syslogFormat,
      caller: this.caller,
    };
  }

  /**
   * Register a console: it prints from the newest record on (CON_PRINTBUFFER: from what no log reader has taken yet). `write` gets
   * Latin-1 text; left out, the output is kept. False: the command line names others.
   */
  registerConsole(
    name: string,
    flags: number,
    o: { index?: number; write?: (text: string) => void; ns?: SyslogNs; device?: string } = {},
  ): boolean {
    const ns = o.ns ?? this.init;
    const { index = 0 } = o;
    const title = `${name}${index}`;
    const boot = (flags & CON_BOOT) !== 0;
    if (boot && ns.consoles.some((c) => (c.flags & CON_BOOT) === 0)) return false;
    const named = this.consoleNames.indexOf(title);
    if (!boot && (flags & CON_ENABLED) === 0 && this.consoleNames.length > 0 && named < 0) return false;
    const con = new Console(name, index, flags | CON_ENABLED, o.write === undefined ? "" : title, o.device);
    if (o.write !== undefined) this.writers.set(title, o.write);
    if (named >= 0 && named === this.consoleNames.length - 1) con.flags |= CON_CONSDEV;
    else if (!boot && !ns.consoles.some((c) => (c.flags & (CON_BOOT | CON_CONSDEV)) === CON_CONSDEV))
      con.flags |= CON_CONSDEV;
    con.seq = (flags & CON_PRINTBUFFER) !== 0 ? ns.syslogSeq : ns.ring.nextSeq;
    ns.consoles.push(con);
    this.sayConsole(con, "enabled", ns);
    if (!boot && !this.k.cmdline.has("keep_bootcon"))
      for (const c of ns.consoles.filter((x) => (x.flags & CON_BOOT) !== 0)) this.unregisterConsole(c, ns);
    return true;
  }

  /** The serial ports that console= names; what they print is kept. */
  serialConsoles(): void {
    for (const name of this.consoleNames) {
      const m = /^ttyS(\d{1,2})$/.exec(name);
      if (m === null || this.init.consoles.some((c) => c.title === name)) continue;
      const index = Number(m[1]);
      this.registerConsole("ttyS", CON_PRINTBUFFER | CON_ANYTIME, { index, device: `4:${64 + index}` });
    }
  }

  unregisterConsole(con: Console, ns: SyslogNs = this.init): boolean {
    const i = ns.consoles.indexOf(con);
    if (i < 0) return false;
    this.sayConsole(con, "disabled", ns);
    ns.consoles.splice(ns.consoles.indexOf(con), 1);
    this.writers.delete(con.writer);
    return true;
  }

  private sayConsole(con: Console, what: string, ns: SyslogNs): void {
    const kind = `${this.semantics === "6.1" ? "" : "legacy "}${(con.flags & CON_BOOT) !== 0 ? "bootconsole" : "console"}`;
    this.nsvprintkEmit(ns, ROUTE_NAMED, 0, 6, "", `printk: ${kind} [${con.title}] ${what}\n`);
  }

  /** Nothing is printed until consoles are resumed (console_suspend parameter permitting). */
  suspendConsoles(): void {
    if (this.consoleSuspend) for (const c of this.init.consoles) c.suspended = true;
  }

  /** Consoles catch up. */
  resumeConsoles(): void {
    for (const c of this.init.consoles) c.suspended = false;
    this.flushConsoles(this.init);
  }

  flushConsoles(ns: SyslogNs): void {
    const settings = this.consoleSettings;
    for (const con of ns.consoles) {
      const write = this.writers.get(con.writer);
      consoleFlush(ns, con, settings, (text) => {
        if (write === undefined) con.keep(text);
        else write(text);
      });
    }
  }

  // --- namespaces ---

  /** The log that a task's syslog(2), /dev/kmsg and /proc/kmsg act on. */
  nsOf(t: Task): SyslogNs {
    return this.design.ofTask(this, t);
  }

  /** A log as large as the machine's, empty; its records are numbered from 0. */
  newNamespace(owner: UserNamespace): SyslogNs {
    const { init } = this;
    const ns = new SyslogNs(++this.lastNsId, init.ring.size, this.recordMax, init.type, owner);
    this.namespaces.push(ns);
    return ns;
  }

  /** Nobody is in it any more. */
  endNamespace(ns: SyslogNs): void {
    const i = this.namespaces.indexOf(ns);
    if (i < 0) return;
    this.namespaces.splice(i, 1);
    ns.ended = true;
    for (const con of ns.consoles) this.writers.delete(con.writer);
    ns.consoles.length = 0;
  }

  /**
   * Which record is it, in which log, and why there? null: no log has it (any more). `seq` is a record's number in `ns`, left out the
   * last one.
   */
  explain(ns: SyslogNs = this.init, seq: number = ns.ring.headSeq - 1): Explanation | null {
    const { ring } = ns;
    if (!(seq >= ring.firstSeq && seq < ring.headSeq)) return null;
    return {
      design: this.design.name,
      ns: ns.id,
      owner: ns.userNs.level === 0 ? "the initial user namespace" : `user namespace ${ns.userNs.ino}`,
      seq,
      record: devkmsgText(ring, seq, true),
      readable: seq < ring.nextSeq,
      why: ROUTE_REASONS[ring.route[ring.index(seq)]],
    };
  }
}

/** What `explain` tells of a record. */
export interface Explanation {
  readonly design: string;
  /** Number of the log, 0 the machine's, and whose it is. */
  readonly ns: number;
  readonly owner: string;
  readonly seq: number;
  /** As /dev/kmsg gives it, with its caller. */
  readonly record: string;
  /** False: its line has no end yet, so no reader sees it. */
  readonly readable: boolean;
  readonly why: string;
}

/** The part of a string that fits the record's buffer in UTF-8, whole characters only. */
function cutUtf8(s: string, max: number): string {
  let bytes = 0;
  let i = 0;
  for (; i < s.length; i++) {
    const c = s.codePointAt(i) as number;
    const n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (bytes + n > max) break;
    bytes += n;
    if (n === 4) i++;
  }
  return s.slice(0, i);
}

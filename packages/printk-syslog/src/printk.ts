/**
 * printk: everything that writes the log, and what must happen when a record is complete (readers woken, consoles printed).
 * printk-basics, printk-formats (kernel documentation), sysctl kernel.printk.
 */
import type { Core, LogLine, Task } from "@kernelkit/core";
import {
  CON_BOOT,
  CON_CONSDEV,
  CON_ENABLED,
  CON_PRINTBUFFER,
  Console,
  type ConsoleSettings,
  consoleFlush,
} from "./console.js";
import { RatelimitState } from "./ratelimit.js";
import { LOG_CONT, LOG_NEWLINE, RECORD_MAX } from "./ringBuffer.js";
import { SyslogNs } from "./syslogNs.js";

/** Default size of the log in bytes. */
export const LOG_BUF_LEN: number = 1 << 17;
/** Console levels, as they boot: console, default message, minimum console, default console. */
export const PRINTK_LEVELS: readonly number[] = [7, 4, 1, 7];
const SOH = "\u0001";
const LARGEST_LOG = 2 ** 31;

/** What /dev/kmsg does with writes. */
export type DevkmsgLog = "on" | "off" | "ratelimit";

export class Printk {
  static readonly transient: readonly string[] = ["writers"];
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
  /** The one log of the machine. */
  readonly init: SyslogNs;
  lastNsId = 0;
  /** Writers of consoles by name: not state. */
  readonly writers: Map<string, (text: string) => void> = new Map();

  constructor(
    readonly k: Core,
    readonly caller: boolean,
  ) {
    const { hz } = k.time;
    this.rsPrintk = new RatelimitState(5 * hz, 10);
    this.rsNet = new RatelimitState(5 * hz, 10);
    this.init = new SyslogNs(0, this.bufferSize());
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
  printk(text: string, ns: SyslogNs = this.init): number {
    return this.vprintkEmit(0, -1, "", text, ns);
  }

  /** A line of the kernel's own: level, text without newline. */
  pr(level: number, text: string, ns: SyslogNs = this.init): number {
    return this.vprintkEmit(0, level, "", `${text}\n`, ns);
  }

  /**
   * The one way into a log. facility 0: the kernel's, whose text may have markers; level -1: from markers or the default; `dict`: a device
   * message, complete at once. Returns the bytes of text stored.
   */
  vprintkEmit(
    facility: number,
    level: number,
    dict: string,
    text: string | Uint8Array,
    ns: SyslogNs = this.init,
    timeNs: number = this.k.now,
    callerId: number = this.callerId(),
  ): number {
    let lvl = level;
    let flags = 0;
    let body = text;
    if (facility === 0 && typeof body === "string") {
      while (body.length >= 2 && body.startsWith(SOH)) {
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
    if (body.length >= RECORD_MAX) body = typeof body === "string" ? cutUtf8(body) : body.subarray(0, RECORD_MAX - 1);
    const last = body.length - 1;
    if (last >= 0 && (typeof body === "string" ? body.charCodeAt(last) : body[last]) === 0x0a) {
      flags |= LOG_NEWLINE;
      body = typeof body === "string" ? body.slice(0, last) : body.subarray(0, last);
    }
    if (dict !== "") flags |= LOG_NEWLINE;
    const { ring } = ns;
    if ((flags & LOG_CONT) !== 0) {
      const n = ring.extend(body, flags, callerId);
      if (n >= 0) {
        if (ring.open === 0) this.completed(ns);
        return n;
      }
    }
    const before = ring.nextSeq;
    const n = ring.store(body, facility, lvl, flags, timeNs, callerId, dict);
    if (ring.nextSeq > before) this.completed(ns);
    return n;
  }

  /** Records can be read that could not before. */
  private completed(ns: SyslogNs): void {
    if (ns.logWait.head !== null) this.k.sched.wakeUp(ns.logWait);
    if (ns.consoles.length > 0) this.flushConsoles(ns);
    const tp = this.consoleTrace;
    if (tp?.on) tp.emit(ns);
  }

  /** Tracepoint printk:console. */
  consoleTrace: { on: boolean; emit(ns: SyslogNs): void } | null = null;

  /** A line that core or a package logged by `k.log`. */
  logLine(line: LogLine): void {
    const caller = line.inInterrupt ? 0x80000000 + line.cpu : (line.task?.nr ?? 0);
    const text = line.cont ? `${SOH}c${line.text}\n` : `${line.text}\n`;
    this.vprintkEmit(line.facility, line.level, line.dict, text, this.init, line.timeNs, caller);
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
    o: { index?: number; write?: (text: string) => void; ns?: SyslogNs } = {},
  ): boolean {
    const ns = o.ns ?? this.init;
    const { index = -1 } = o;
    const title = `${name}${index < 0 ? "" : index}`;
    const boot = (flags & CON_BOOT) !== 0;
    if (boot && ns.consoles.some((c) => (c.flags & CON_BOOT) === 0)) return false;
    const named = this.consoleNames.indexOf(title);
    if (!boot && (flags & CON_ENABLED) === 0 && this.consoleNames.length > 0 && named < 0) return false;
    const con = new Console(name, index, flags | CON_ENABLED, o.write === undefined ? "" : title);
    if (o.write !== undefined) this.writers.set(title, o.write);
    if (named >= 0 && named === this.consoleNames.length - 1) con.flags |= CON_CONSDEV;
    else if (!boot && !ns.consoles.some((c) => (c.flags & (CON_BOOT | CON_CONSDEV)) === CON_CONSDEV))
      con.flags |= CON_CONSDEV;
    con.seq = (flags & CON_PRINTBUFFER) !== 0 ? ns.syslogSeq : ns.ring.nextSeq;
    con.flags &= ~CON_PRINTBUFFER;
    ns.consoles.push(con);
    this.pr(6, `printk: ${boot ? "legacy bootconsole" : "legacy console"} [${title}] enabled`, ns);
    if (!boot && !this.k.cmdline.has("keep_bootcon"))
      for (const c of ns.consoles.filter((x) => (x.flags & CON_BOOT) !== 0)) this.unregisterConsole(c, ns);
    return true;
  }

  unregisterConsole(con: Console, ns: SyslogNs = this.init): boolean {
    const i = ns.consoles.indexOf(con);
    if (i < 0) return false;
    const boot = (con.flags & CON_BOOT) !== 0;
    this.pr(
      6,
      `printk: ${boot ? "legacy bootconsole" : "legacy console"} [${con.name}${con.index < 0 ? "" : con.index}] disabled`,
      ns,
    );
    ns.consoles.splice(ns.consoles.indexOf(con), 1);
    this.writers.delete(con.writer);
    return true;
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
        if (write === undefined) con.output += text;
        else write(text);
      });
    }
  }

  // --- namespaces ---

  /** The log that a task's syslog(2), /dev/kmsg and /proc/kmsg act on. */
  nsOf(_t: Task): SyslogNs {
    return this.init;
  }
}

/** The part of a string that fits the record's buffer in UTF-8, whole characters only. */
function cutUtf8(s: string): string {
  let bytes = 0;
  let i = 0;
  for (; i < s.length; i++) {
    const c = s.codePointAt(i) as number;
    const n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    if (bytes + n > RECORD_MAX - 1) break;
    bytes += n;
    if (n === 4) i++;
  }
  return s.slice(0, i);
}

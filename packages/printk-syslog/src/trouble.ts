/**
 * When something is wrong: WARN, oops, panic, the header and trace they print, the taint they leave, and the kmsg dumpers that take
 * the log before the machine stops. tainted-kernels, sysctl kernel.panic*, kmsg_dump (kernel documentation).
 */
import { type Core, EBUSY, EINVAL, type Task } from "@kernelkit/core";
import type { Printk } from "./printk.js";
import { syslogLength, syslogText } from "./recordText.js";
import { printTainted, printTaintedVerbose, TAINT_DIE, TAINT_MASK, TAINT_WARN } from "./taint.js";

export const KMSG_DUMP_PANIC = 1;
export const KMSG_DUMP_OOPS = 2;
export const KMSG_DUMP_EMERG = 3;
export const KMSG_DUMP_SHUTDOWN = 4;
/** Names by reason. */
export const KMSG_DUMP_REASONS: readonly string[] = ["Unknown", "Panic", "Oops", "Emergency", "Shutdown"];

/** What a dumper is told; it reads the log through the iterator. */
export interface KmsgDumper {
  readonly name: string;
  /** Reasons above this are not for it; 0: up to Oops. */
  readonly maxReason: number;
  dump(reason: number, iter: KmsgDumpIter): void;
}

/** Position of a dumper in the log: lines from `seq` on, buffers of newest lines up to `nextSeq`. */
export interface KmsgDumpIter {
  seq: number;
  nextSeq: number;
}

export class Trouble {
  static readonly transient: readonly string[] = ["dumpers"];
  taint = 0;
  oopses = 0;
  /** Mask of panic_on_taint=, and its nousertaint. */
  panicOnTaint = 0;
  noUserTaint = false;
  panicOnWarn = false;
  panicOnOops = false;
  panicked = false;
  private readonly dumpers: KmsgDumper[] = [];

  constructor(
    readonly k: Core,
    readonly p: Printk,
  ) {
    const { cmdline } = k;
    const mask = cmdline.get("panic_on_taint");
    if (mask !== undefined) {
      const [hex, word] = mask.split(",");
      const bits = Number.parseInt(hex, 16);
      if (Number.isInteger(bits)) this.panicOnTaint = bits & TAINT_MASK;
      this.noUserTaint = word === "nousertaint";
    }
    this.panicOnWarn = cmdline.has("panic_on_warn") && cmdline.get("panic_on_warn") !== "0";
    this.panicOnOops = cmdline.get("oops") === "panic";
  }

  // --- taint ---

  /** add_taint(): never clears; a new bit of the panic_on_taint mask panics. */
  addTaint(bit: number): void {
    this.orTaint(2 ** bit);
  }

  /** Set several bits. */
  orTaint(bits: number): void {
    const fresh = bits & TAINT_MASK & ~this.taint;
    this.taint |= bits & TAINT_MASK;
    if ((fresh & this.panicOnTaint) !== 0) {
      this.panicOnTaint = 0;
      this.panic("panic_on_taint set ...");
    }
  }

  // --- headers ---

  /** `CPU: 1 UID: 0 PID: 23567 Comm: sh Not tainted 6.18.44 #1 PREEMPT(none) ` */
  header(): string {
    const { k } = this;
    const t: Task | null = k.current ?? k.cpus.currentOf(k.currentCpu);
    const { release } = k.options.machine;
    if (this.p.semantics === "6.1")
      return `CPU: ${k.currentCpu} PID: ${t?.nr ?? 0} Comm: ${t?.comm ?? `swapper/${k.currentCpu}`} ${printTainted(this.taint)} ${release} #1`;
    return `CPU: ${k.currentCpu} UID: ${t?.cred.uid ?? 0} PID: ${t?.nr ?? 0} Comm: ${t?.comm ?? `swapper/${k.currentCpu}`} ${printTainted(this.taint)} ${release} #1 PREEMPT(none) `;
  }

  /** dump_stack(): header and call trace. */
  dumpStack(level = -1): void {
    const say = (text: string): void => {
      if (level < 0) this.p.printk(`${text}\n`);
      else this.p.pr(level, text);
    };
    say(this.header());
    const verbose = printTaintedVerbose(this.taint);
    if (verbose !== "" && this.p.semantics !== "6.1") say(verbose);
    say("Hardware name: kernelkit virtual machine");
    say("Call Trace:");
    say(" <TASK>");
    say(" </TASK>");
  }

  /** WARN(): the kernel goes on. `at`: a file and a function of Linux. The header shows the taint from before. */
  warn(text: string, at = ""): void {
    const { p, k } = this;
    const [file, fn] = (at === "" ? "kernel/kernelkit.c warn" : at).split(" ");
    p.pr(4, "------------[ cut here ]------------");
    // as every message of a subsystem: whoever listens to the log sees what the warning is about
    if (text !== "") k.log(4, text.endsWith("\n") ? text.slice(0, -1) : text);
    const t = k.current ?? k.cpus.currentOf(k.currentCpu);
    k.log(4, `WARNING: CPU: ${k.currentCpu} PID: ${t?.nr ?? 0} at ${file}:1 ${fn}+0x0/0x0`);
    this.dumpStack(4);
    p.pr(4, "---[ end trace 0000000000000000 ]---");
    if (this.panicOnWarn) this.panic("kernel: panic_on_warn set ...");
    this.addTaint(TAINT_WARN);
  }

  /** A fault of the kernel itself in the current task: the task dies, or the machine. */
  oops(text: string, address = 0): void {
    const { p, k } = this;
    p.pr(1, `BUG: ${text}, address: ${address.toString(16).padStart(16, "0")}`);
    p.pr(1, "#PF: supervisor write access in kernel mode");
    p.pr(1, "#PF: error_code(0x0002) - not-present page");
    p.pr(4, `Oops: Oops: 0002 [#${++this.oopses}] SMP NOPTI`);
    this.dumpStack(4);
    p.pr(4, "---[ end trace 0000000000000000 ]---");
    this.kmsgDump(KMSG_DUMP_OOPS);
    this.addTaint(TAINT_DIE);
    if (this.panicOnOops) this.panic("Fatal exception");
    const t = k.current;
    if (t !== null) k.signals.kill(t);
  }

  /** panic(): all consoles see everything, dumpers take the log, the machine is stopped (`panicked`). */
  panic(text: string): void {
    const { p, k } = this;
    if (this.panicked) return;
    this.panicked = true;
    if (!p.consoleNoAutoVerbose && p.levels[0] !== 0) p.levels[0] = 15;
    p.pr(0, `Kernel panic - not syncing: ${text}`);
    this.dumpStack(0);
    this.kmsgDump(KMSG_DUMP_PANIC);
    const seconds = Number(k.cmdline.get("panic") ?? "0");
    if (seconds > 0) p.pr(0, `Rebooting in ${seconds} seconds..`);
    p.pr(0, `---[ end Kernel panic - not syncing: ${text} ]---`);
  }

  // --- kmsg dumpers ---

  /** 0, or EBUSY if it is registered. */
  kmsgDumpRegister(d: KmsgDumper): number {
    if (this.dumpers.includes(d)) return EBUSY;
    this.dumpers.push(d);
    return 0;
  }

  /** 0, or EINVAL if it is not registered. */
  kmsgDumpUnregister(d: KmsgDumper): number {
    const i = this.dumpers.indexOf(d);
    if (i < 0) return EINVAL;
    this.dumpers.splice(i, 1);
    return 0;
  }

  kmsgDump(reason: number): void {
    for (const d of this.dumpers) {
      const max = d.maxReason === 0 ? (this.p.alwaysKmsgDump ? KMSG_DUMP_SHUTDOWN : KMSG_DUMP_OOPS) : d.maxReason;
      if (reason > max) continue;
      d.dump(reason, this.kmsgDumpRewind());
    }
  }

  /** A position at the clear mark. */
  kmsgDumpRewind(): KmsgDumpIter {
    const { ring, clearSeq } = this.p.init;
    return { seq: Math.max(clearSeq, ring.firstSeq), nextSeq: ring.nextSeq };
  }

  /** The next record as syslog lines, oldest first; null at the end. `syslog`: with `<N>`. */
  kmsgDumpGetLine(iter: KmsgDumpIter, syslog: boolean): string | null {
    const { ring } = this.p.init;
    iter.seq = Math.max(iter.seq, ring.firstSeq);
    if (iter.seq >= Math.min(iter.nextSeq, ring.nextSeq)) return null;
    return syslogText(ring, iter.seq++, { prefix: syslog, time: this.p.time });
  }

  /** The newest whole lines that fit `size` bytes; the next call gives those before. null: nothing is left. */
  kmsgDumpGetBuffer(iter: KmsgDumpIter, syslog: boolean, size: number): string | null {
    const { ring } = this.p.init;
    const f = { prefix: syslog, time: this.p.time };
    const oldest = Math.max(iter.seq, ring.firstSeq);
    if (oldest >= iter.nextSeq) return null;
    let first = iter.nextSeq;
    let total = 0;
    while (first > oldest) {
      const n = syslogLength(ring, first - 1, f);
      if (total + n > size) break;
      total += n;
      first--;
    }
    let out = "";
    for (let seq = first; seq < iter.nextSeq; seq++) out += syslogText(ring, seq, f);
    iter.nextSeq = first;
    return out;
  }
}

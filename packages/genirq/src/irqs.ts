/**
 * The interrupt lines: what the layer knows of each, in columns indexed by line number (struct irq_desc and struct irq_data).
 *
 * Everything a flow touches is in typed arrays or parallel arrays of `Irqs`; what is looked at rarely is in the line's
 * `IrqDesc`. Changes of the state word go through the helpers of chip/mask.ts and manage/startup.ts.
 * Documentation/core-api/genericirq.rst.
 */
import { bitmapAlloc, type Core, EEXIST, EINVAL, ENOMEM, EPERM } from "@kernelkit/core";
import { IRQD_AFFINITY_MANAGED, IRQD_IRQ_DISABLED, IRQD_IRQ_MASKED, IRQD_MANAGED_SHUTDOWN } from "./abi.js";
import type { IrqChipGeneric } from "./chip/genericChip.js";
import { type FlowHandler, type IrqAction, IrqData, IrqDesc } from "./desc.js";
import type { IrqDomain } from "./domain/irqDomain.js";
import type { IrqFiles } from "./files/lineFiles.js";
import type { Ksoftirqd } from "./softirq/ksoftirqd.js";
import { Tasklet } from "./softirq/tasklet.js";
import type { IrqTrace } from "./trace.js";

/** Counters: 32 bits wide as Linux's, or exact to 2^53. */
export type Counters = Uint32Array | Float64Array;

/** What lower layers call that is written in terms of them. */
export interface IrqCalls {
  /** The flow of a line nobody has set up. */
  readonly badFlow: FlowHandler;
  /** The one big handler. */
  readonly doIrq: FlowHandler;
  /** The spurious detector. */
  readonly noteInterrupt: (g: Irqs, irq: number, ret: number) => void;
  readonly resendTask: (data: unknown) => void;
}

/** A row of /proc/interrupts that is no line: name, text, a count per CPU (or one in all). */
export interface ArchRow {
  label: string;
  text: string;
  single: boolean;
  counts: number[];
}

const MAX_IRQS = 1 << 20;

export class Irqs {
  static readonly transient: readonly string[] = ["calls", "files", "entry", "exit", "trace"];
  readonly nrCpus: number;
  /** Lines a machine of this size may have before more are asked for: width of tables and files. */
  nrIrqs: number;
  private cap = 0;

  readonly trace: IrqTrace;
  /** The two tracepoints of handlers. */
  readonly entry: IrqTrace["handlerEntry"];
  readonly exit: IrqTrace["handlerExit"];
  /** ns of a tick if they are whole (asked for each unhandled interrupt), else 0; and ticks of a tenth of a second. */
  private readonly tickNs: number;
  readonly tenth: number;
  /** Interrupt context of the kernel. */
  private readonly ctx: Core["irq"];

  // --- columns ---
  /** IRQD_ and IRQS_ bits. */
  state!: Int32Array;
  /** IRQ_ bits. */
  settings!: Int32Array;
  depth!: Int32Array;
  wakeDepth!: Int32Array;
  irqCount!: Int32Array;
  irqsUnhandled!: Int32Array;
  /** jiffies of the last unhandled one, 0: never. */
  lastUnhandled!: Float64Array;
  threadsHandled!: Int32Array;
  /** Value seen last; bit 31: judging was deferred. */
  threadsHandledLast!: Int32Array;
  /** Threads that must be done before a oneshot line is unmasked: words [2*irq], [2*irq+1]. */
  threadsOneshot!: Int32Array;
  threadsActive!: Int32Array;
  nrActions!: Int32Array;
  noSuspendDepth!: Int32Array;
  condSuspendDepth!: Int32Array;
  forceResumeDepth!: Int32Array;
  /** [irq * nrCpus + cpu] */
  kstat!: Counters;
  total!: Counters;

  // --- parallel arrays ---
  readonly flow: (FlowHandler | null)[] = [];
  readonly data: (IrqData | null)[] = [];
  readonly action: (IrqAction | null)[] = [];
  readonly desc: (IrqDesc | null)[] = [];

  /** Interrupts of each CPU since boot. */
  readonly irqsSum: Float64Array;
  readonly defaultAffinity: Uint32Array;
  readonly domains: IrqDomain[] = [];
  defaultDomain: IrqDomain | null = null;
  readonly genericChips: IrqChipGeneric[] = [];
  /** The action of all chained lines. */
  chained: IrqAction | null = null;
  /** Lines to resend, the last one first. */
  readonly resendList: number[] = [];
  readonly archRows: ArchRow[] = [];
  /** Managed requests by device. */
  readonly devres: Map<object, { irq: number; dev: unknown }[]> = new Map();
  /** `entry` is the one big handler of before 2006. */
  superHandler = false;
  counterBits: 32 | 64 = 32;
  strictTriggers = false;
  noirqdebug = false;
  irqfixup = 0;
  threadirqs = false;
  /** Timer of the poll for stormed lines, -1: never armed. */
  pollTimer = -1;
  /** Reports of bogus return values left. */
  badReports = 100;
  /** Named warnings that are given once. */
  readonly warned: Set<string> = new Set();
  /** The interrupt that woke the machine from suspend, 0: none. */
  wakeupIrq = 0;
  /** First error thrown by a handler of the arrival that is going on. */
  caught: { error: unknown } | null = null;
  /** Arrivals on other CPUs that wait for a running handler's end. */
  waiters = 0;
  /** Kinds of directories, null: a machine without files. */
  files: IrqFiles | null = null;
  /** Number of the poll's timer function, and of the event that runs irq_work. */
  pollFn = -1;
  workEvent = -1;
  /** Work that tells of moves. */
  notifyWork = -1;
  /** CPUs that managed lines keep off (isolcpus=managed_irq), null: none. */
  isolated: Uint32Array | null = null;
  readonly resendTasklet: Tasklet;
  /** Tasklets to run: [cpu] of vector TASKLET, [nrCpus + cpu] of vector HI. */
  readonly tasklets: Tasklet[][] = [];
  /** The soft interrupt threads that have been needed. */
  readonly ksoftirqd: (Ksoftirqd | null)[];

  constructor(
    readonly k: Core,
    trace: IrqTrace,
    readonly calls: IrqCalls,
    nrIrqs: number,
    /** The lowest number that is given out unasked. */
    readonly dynirqBase: number,
  ) {
    this.nrCpus = k.cpus.nr;
    this.trace = trace;
    this.entry = trace.handlerEntry;
    this.exit = trace.handlerExit;
    this.ctx = k.irq;
    const { hz } = k.time;
    this.tickNs = 1e9 % hz === 0 ? 1e9 / hz : 0;
    this.tenth = Math.floor(hz / 10);
    this.nrIrqs = nrIrqs;
    this.irqsSum = new Float64Array(this.nrCpus);
    this.defaultAffinity = bitmapAlloc(this.nrCpus);
    for (let c = 0; c < this.nrCpus; c++) this.defaultAffinity[c >> 5] |= 1 << (c & 31);
    this.ksoftirqd = new Array(this.nrCpus).fill(null);
    for (let i = 0; i < 2 * this.nrCpus; i++) this.tasklets.push([]);
    this.resendTasklet = new Tasklet("resend_tasklet", calls.resendTask, this);
    this.resize(64);
  }

  private resize(cap: number): void {
    const i32 = (a: Int32Array | undefined, per = 1): Int32Array => {
      const b = new Int32Array(cap * per);
      if (a !== undefined) b.set(a);
      return b;
    };
    this.state = i32(this.state);
    this.settings = i32(this.settings);
    this.depth = i32(this.depth);
    this.wakeDepth = i32(this.wakeDepth);
    this.irqCount = i32(this.irqCount);
    this.irqsUnhandled = i32(this.irqsUnhandled);
    const last = new Float64Array(cap);
    if (this.lastUnhandled !== undefined) last.set(this.lastUnhandled);
    this.lastUnhandled = last;
    this.threadsHandled = i32(this.threadsHandled);
    this.threadsHandledLast = i32(this.threadsHandledLast);
    this.threadsOneshot = i32(this.threadsOneshot, 2);
    this.threadsActive = i32(this.threadsActive);
    this.nrActions = i32(this.nrActions);
    this.noSuspendDepth = i32(this.noSuspendDepth);
    this.condSuspendDepth = i32(this.condSuspendDepth);
    this.forceResumeDepth = i32(this.forceResumeDepth);
    this.kstat = this.counters(this.kstat, cap * this.nrCpus);
    this.total = this.counters(this.total, cap);
    this.cap = cap;
  }

  private counters(old: Counters | undefined, n: number): Counters {
    const b = this.counterBits === 32 ? new Uint32Array(n) : new Float64Array(n);
    if (old !== undefined) b.set(old);
    return b;
  }

  /** Change the width of the counters; what they hold is kept (modulo 2^32 when they get narrower). */
  setCounterBits(bits: 32 | 64): void {
    this.counterBits = bits;
    this.kstat = this.counters(this.kstat, this.kstat.length);
    this.total = this.counters(this.total, this.total.length);
  }

  /** Bytes that each line takes in columns: 15 words, a double, a counter per CPU and one in all. */
  get bytesPerLine(): number {
    return 16 * 4 + 8 + (this.nrCpus + 1) * (this.counterBits / 8);
  }

  /** Is there such a line? */
  has(irq: number): boolean {
    const d = this.desc[irq];
    return d !== undefined && d !== null;
  }

  /**
   * An interrupt arrives on a line: generic_handle_irq() for flows, which demultiplex to other lines. An error thrown by a handler
   * is kept for the caller of the first arrival (`rethrow`). 0; -EINVAL: no such line; -EPERM: not in hard interrupt context.
   */
  handle(irq: number): number {
    const flow = this.flow[irq];
    if (flow === undefined || flow === null) return -EINVAL;
    if (this.state[irq] < 0 && !this.inHardirq()) {
      this.warnOnce("irqdesc.c", "handle_irq_desc");
      return -EPERM;
    }
    if (this.superHandler) this.calls.doIrq(this, irq);
    else flow(this, irq);
    return 0;
  }

  private inHardirq(): boolean {
    const { cpus, irq } = this.k;
    return irq.currentCpu >= 0 && cpus.irqDepth[irq.currentCpu] > 0;
  }

  /** Count an interrupt that is no line's (a row of letters in /proc/interrupts). */
  archIncr(label: string, cpu: number, by = 1): void {
    const row = this.archRows.find((r) => r.label === label);
    if (row === undefined) throw new RangeError(`no row '${label}' in /proc/interrupts`);
    row.counts[row.single ? 0 : cpu] += by;
  }

  /** Throw what a handler has thrown. */
  rethrow(): void {
    if (this.caught === null) return;
    const { error } = this.caught;
    this.caught = null;
    throw error;
  }

  /** First of `cnt` new lines at or after `from`, or a negative errno. See `irqAllocDescs`. */
  alloc(irq: number, from: number, cnt: number, node: number, managed: readonly Uint32Array[] | null): number {
    if (!Number.isInteger(cnt) || cnt <= 0 || (irq >= 0 && from > irq)) return -EINVAL;
    let start = irq >= 0 ? irq : Math.max(from, this.dynirqBase);
    for (let n = 0; n < cnt; n++) {
      if (!this.has(start + n)) continue;
      if (irq >= 0) return -EEXIST;
      start += n + 1;
      n = -1;
    }
    const end = start + cnt;
    if (end > MAX_IRQS) return -ENOMEM;
    if (end > this.nrIrqs) this.nrIrqs = end;
    if (end > this.cap) this.resize(Math.max(end, this.cap * 2));
    while (this.desc.length < end) {
      this.desc.push(null);
      this.flow.push(null);
      this.data.push(null);
      this.action.push(null);
    }
    for (let i = start; i < end; i++) {
      const d = new IrqDesc(i, new IrqData(this, i), managed?.[i - start] ?? this.defaultAffinity, node);
      this.desc[i] = d;
      this.data[i] = d.data;
      this.setDefaults(i);
      if (managed !== null) this.state[i] |= IRQD_AFFINITY_MANAGED | IRQD_MANAGED_SHUTDOWN;
    }
    return start;
  }

  private setDefaults(i: number): void {
    this.state[i] = IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED;
    this.settings[i] = 0;
    this.depth[i] = 1;
    this.wakeDepth[i] = this.irqCount[i] = this.irqsUnhandled[i] = this.lastUnhandled[i] = 0;
    this.threadsHandled[i] = this.threadsHandledLast[i] = this.threadsActive[i] = 0;
    this.threadsOneshot[2 * i] = this.threadsOneshot[2 * i + 1] = 0;
    this.nrActions[i] = this.noSuspendDepth[i] = this.condSuspendDepth[i] = this.forceResumeDepth[i] = 0;
    this.total[i] = 0;
    this.kstat.fill(0, i * this.nrCpus, (i + 1) * this.nrCpus);
    this.action[i] = null;
    this.flow[i] = this.calls.badFlow;
  }

  /** Forget a line. */
  release(irq: number): void {
    this.desc[irq] = null;
    this.data[irq] = null;
    this.action[irq] = null;
    this.flow[irq] = null;
    const at = this.resendList.indexOf(irq);
    if (at >= 0) this.resendList.splice(at, 1);
  }

  /** Does the layer alone say where the line goes? */
  isManaged(irq: number): boolean {
    return (this.state[irq] & IRQD_AFFINITY_MANAGED) !== 0;
  }

  /** The CPU that works now. */
  get cpu(): number {
    const c = this.ctx.currentCpu;
    return c >= 0 ? c : this.k.currentCpu;
  }

  /** Linux's jiffies: 300 s before the 32-bit wrap at boot. */
  get jiffies(): number {
    const { now, time } = this.k;
    return 2 ** 32 - 300 * time.hz + (this.tickNs > 0 ? Math.floor(now / this.tickNs) : time.ticks);
  }

  /** WARN() at a place of Linux's source. */
  warn(file: string, fn: string, text = ""): void {
    this.k.warn(text, `kernel/irq/${file} ${fn}`);
  }

  /** WARN_ONCE(): once per boot and place. */
  warnOnce(file: string, fn: string, text = ""): void {
    const key = `${file} ${fn} ${text}`;
    if (this.warned.has(key)) return;
    this.warned.add(key);
    this.warn(file, fn, text);
  }

  /** State may hold this function from now on. */
  adopt(kind: string, fn: object | null): void {
    if (fn === null || this.k.state.isStatic(fn)) return;
    const name = `genirq.${kind}.${(fn as { name?: string }).name || "unnamed"}`;
    let n = name;
    for (let i = 2; this.k.state.staticNamed(n) !== undefined; i++) n = `${name}#${i}`;
    this.k.state.static(n, fn);
  }
}

/**
 * The objects of a line: as each of its controllers sees it (IrqData), what is rarely looked at (IrqDesc), its requests (IrqAction).
 * What flows look at is in the columns of `Irqs`.
 */
import { bitmapAlloc, type Ctx, type Task, type Wait, type WaitQueue } from "@kernelkit/core";
import { type IrqChip, noIrqChip } from "./chip/irqChip.js";
import type { IrqDomain } from "./domain/irqDomain.js";
import type { Irqs } from "./irqs.js";

/**
 * A primary handler: hard interrupt context, returns IRQ_NONE, IRQ_HANDLED or IRQ_WAKE_THREAD. `dev` is what the request gave
 * (of a per-CPU request: this CPU's entry).
 */
export type IrqHandler = { f(irq: number, dev: unknown): number }["f"];
/** A thread function: process context; a step function that may sleep (`return c.sleep(...)`, then called again from the top). */
export type IrqThreadFn = { f(irq: number, dev: unknown, c: Ctx): number | Wait }["f"];
/** A flow function: what turns one arrival on a line into chip calls and handler calls. */
export type FlowHandler = (g: Irqs, irq: number) => void;

/** A line as one interrupt controller of its hierarchy sees it (struct irq_data). */
export class IrqData {
  hwirq = 0;
  chip: IrqChip = noIrqChip;
  /** The chip's own; state (plain data). */
  chipData: unknown = null;
  domain: IrqDomain | null = null;
  parentData: IrqData | null = null;

  constructor(
    readonly g: Irqs,
    readonly irq: number,
  ) {}
}

/** What is rarely looked at of a line. */
export class IrqDesc {
  /** Name of the flow ("edge"), null: none. */
  name: string | null = null;
  /** Where it may be handled, and where the chip has put it; words of 32 CPUs. */
  affinity: Uint32Array;
  readonly effective: Uint32Array;
  /** A move waits for the next interrupt. */
  pending: Uint32Array | null = null;
  hint: Uint32Array | null = null;
  /** CPUs on which a per-CPU line is enabled; null: not a per-CPU device line. */
  percpuEnabled: Uint32Array | null = null;
  notify: IrqAffinityNotify | null = null;
  /** Of a nested line: the one it is resent through. 0: none. */
  parentIrq = 0;
  /** The flow's own (chained handlers); state. */
  handlerData: unknown = null;
  /** Sleepers until no thread of the line is active. */
  waitForThreads: WaitQueue | null = null;
  /** On the list of lines to resend. */
  resendQueued = false;
  /** CPUs whose arrival waits until the running handler is done. */
  waiting: number[] | null = null;
  warnedEffective = false;
  /** Node of /proc/irq/N and names of the actions that have a directory there. */
  procDir: unknown = null;
  sysfsDir: unknown = null;

  constructor(
    readonly irq: number,
    readonly data: IrqData,
    affinity: Uint32Array,
    readonly node: number,
  ) {
    this.affinity = affinity.slice();
    this.effective = bitmapAlloc(affinity.length * 32);
  }
}

/** Somebody wants to know when a line moves (struct irq_affinity_notify). */
export interface IrqAffinityNotify {
  irq: number;
  /** Process context. Register it as a static if checkpoints are taken. */
  notify(n: IrqAffinityNotify, mask: Uint32Array): void;
  release?(n: IrqAffinityNotify): void;
}

/** One request of a line (struct irqaction). */
export class IrqAction {
  next: IrqAction | null = null;
  irq = 0;
  threadFn: IrqThreadFn | null = null;
  /** Bit in threadsOneshot: low and high word. */
  maskLo = 0;
  maskHi = 0;
  /** Woken, and not yet at work. */
  runThread = false;
  /** Its thread is in its function. */
  running = false;
  /** The handler was threaded by `threadirqs`. */
  forced = false;
  /** Has been told of a missing thread function. */
  warned = false;
  /** The request is gone: the thread ends. */
  stop = false;
  thread: Task | null = null;
  more: WaitQueue | null = null;
  secondary: IrqAction | null = null;
  /** It has a directory in /proc/irq/N. */
  dir: unknown = null;

  constructor(
    readonly g: Irqs,
    public handler: IrqHandler,
    public flags: number,
    readonly name: string,
    /** dev_id; null: none. State. */
    readonly dev: unknown,
    /** `dev` is what the handler gets; if not, one entry per CPU. */
    readonly plain: boolean,
  ) {}
}

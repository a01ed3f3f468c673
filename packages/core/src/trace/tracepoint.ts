/**
 * Tracepoints under Linux's names: `{system}:{name}` with fields in a fixed order and Linux's print format. A call site is
 *
 *     if (tp.on) tp.emit(...)
 *
 * so a tracepoint that nobody listens to costs one test. Enabled ones put a record (time, CPU, task, cause, arguments) into
 * a ring; `Trace.text()` prints it as ftrace does, `toJson()` for trace viewers. Documentation/trace/ftrace, events.
 */
import type { Task } from "../task/task.js";

export interface TraceRecord {
  tp: Tracepoint<never[]>;
  timeNs: number;
  cpu: number;
  pid: number;
  comm: string;
  /** Event during which it happened and the event that scheduled that one. */
  event: number;
  cause: number;
  args: readonly unknown[];
}

/** Fields of a record behind the common ones, and the print format as C code, as tracefs shows them. */
export interface TraceFormat {
  readonly fields: readonly (readonly [type: string, name: string, size: number, signed: number])[];
  readonly print: string;
}

export interface TraceSink {
  record(tp: Tracepoint<never[]>, args: readonly unknown[], task: Task | null | undefined, cpu: number): void;
}

export class Tracepoint<A extends unknown[]> {
  on = false;
  listeners: ((...args: A) => void)[] = [];
  /** What its `format` file in tracefs says; null: nothing of its own fields. */
  format: TraceFormat | null = null;

  constructor(
    private readonly sink: TraceSink,
    readonly system: string,
    readonly name: string,
    /** The text after "name: ". */
    readonly print: (...args: A) => string,
    /** Which task and CPU a record belongs to, if not the current one's. */
    readonly where: ((...args: A) => { task?: Task | null; cpu?: number }) | null,
  ) {}

  emit(...args: A): void {
    const w = this.where === null ? null : this.where(...args);
    this.sink.record(this as unknown as Tracepoint<never[]>, args, w === null ? undefined : w.task, w?.cpu ?? -1);
    for (let i = 0; i < this.listeners.length; i++) this.listeners[i](...args);
  }
}

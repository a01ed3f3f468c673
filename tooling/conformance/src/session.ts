/**
 * session: one case while it runs - its kernel, its tasks by name, what was saved, and the calls that have not returned.
 *
 * Tasks are driven from outside: `s.perform(name, plan)` makes a system call as that task, `s.begin(name, plan)` starts one
 * that must not return yet, `s.join(name)` takes its result.
 */
import { KernelError, type Task } from "@kernelkit/core";
import type { Case } from "./caseFile.js";
import type { SysView } from "./composition.js";
import type { Dialect } from "./dialect.js";
import { Mismatch, NotYet } from "./outcome.js";
import type { Result } from "./result.js";
import { show } from "./value.js";

/** What the runner uses of a kernel; its packages' own properties are looked up by name (`api`). */
export interface CaseKernel {
  readonly now: number;
  readonly init: Task;
  readonly tasks: { all(): Task[] };
  sys(task: Task): SysView;
  call(task: Task): Readonly<Record<string, ((...args: unknown[]) => PendingCall) | undefined>>;
  advance(durationNs: number): void;
  /** Runs until `stop()` (asked after every event) or for that long; true if it was stopped. */
  runUntil(stop: () => boolean, limitNs: number): boolean;
  readonly [property: string]: unknown;
}

export interface PendingCall {
  readonly done: boolean;
  readonly value: unknown;
  readonly error: Error | null;
}

/** A system call, ready to be made: as the given view has it, and what its result is in the words of the cases. */
export interface CallPlan {
  /** The call. It must make exactly one system call if it is to be started without waiting. */
  readonly invoke: (sys: SysView) => unknown;
  readonly convert: (value: unknown) => Result;
}

/** Several calls of one task, one after the other: yields each call, is handed its result, returns the step's. */
export type Script = Generator<CallPlan, Result, Result>;

/** What has been started and not yet been joined. */
interface Begun {
  /** The call that is out. */
  pending: PendingCall;
  convert: (value: unknown) => Result;
  /** What goes on when it returns; null: a single call. */
  readonly script: Script | null;
  /** The end of a script. */
  result: Result | undefined;
}

/** Time between two looks at what is out. */
const SLICE_NS = 1_000_000;
/** Events after which a case is given up, while time passes. */
const EVENT_BUDGET = 20_000_000;
/** How long a started call may take to end once it is waited for. */
const JOIN_LIMIT_NS = 60_000_000_000;

export class Session {
  /** Saved values. */
  readonly vars: Map<string, unknown> = new Map();
  readonly tasks: Map<string, Task> = new Map();
  /** Whatever a dialect keeps for the time of the case. */
  readonly extra: Map<string, unknown> = new Map();
  private readonly begun: Map<string, Begun> = new Map();
  /** Events so far. */
  private events = 0;

  constructor(
    readonly kernel: CaseKernel,
    readonly spec: Case,
    readonly dialect: Dialect,
    readonly readData: (path: string) => Uint8Array | undefined,
  ) {}

  /** The task of that name. Mismatch if no step has made it. */
  task(name: string): Task {
    const t = this.tasks.get(name);
    if (t === undefined) throw new Mismatch(`a task ${name}`, "no such task");
    return t;
  }

  /** A package's own interface, by the name of its property on the kernel. NotYet if it is not there. */
  api<T>(name: string): T {
    const api = this.kernel[name];
    if (api === undefined || api === null) throw new NotYet(`package ${name}`);
    return api as T;
  }

  /** What was kept under `key`, made at first use. */
  state<T>(key: string, init: () => T): T {
    if (!this.extra.has(key)) this.extra.set(key, init());
    return this.extra.get(key) as T;
  }

  /** Is there a system call of that name? */
  has(syscall: string): boolean {
    return typeof this.kernel.sys(this.kernel.init)[syscall] === "function";
  }

  /** A system call of a task by its man-page name; the value it returns. KernelError as Linux has it. */
  syscall<T>(name: string, syscall: string, ...args: unknown[]): T {
    const view = this.kernel.sys(this.task(name));
    const f = view[syscall];
    if (f === undefined) throw new NotYet(`system call ${syscall}`);
    return f.apply(view, args) as T;
  }

  /** Time passes. Scripts that are out go on meanwhile. */
  advance(ns: number): void {
    for (let left = ns; left > 0; left -= SLICE_NS) {
      if (![...this.begun.values()].some((b) => b.script !== null && b.result === undefined)) {
        this.run(left);
        return;
      }
      this.run(Math.min(left, SLICE_NS));
      this.pump();
    }
  }

  /** Runs the kernel for so long, within the case's budget of events. */
  private run(ns: number): void {
    const { kernel } = this;
    const end = kernel.now + ns;
    if (kernel.runUntil(() => ++this.events > EVENT_BUDGET, ns)) {
      throw new Mismatch("an end of the case", `more than ${EVENT_BUDGET} events`);
    }
    if (kernel.now < end) kernel.advance(end - kernel.now);
  }

  /** Makes a call and waits for it, in virtual time. */
  perform(name: string, plan: CallPlan): Result {
    const task = this.task(name);
    const value = plan.invoke(this.kernel.sys(task));
    this.pump();
    return value === undefined ? { dies: this.fate(task) } : plan.convert(value);
  }

  /** Makes the calls of a script, waiting for each. */
  performAll(name: string, script: Script): Result {
    let turn = script.next();
    while (!turn.done) {
      let result: Result;
      try {
        result = this.perform(name, turn.value);
      } catch (e) {
        result = this.errorResult(e);
      }
      turn = script.next(result);
    }
    return turn.value;
  }

  /** Starts a call and lets `ns` pass: it must not have returned. */
  begin(name: string, work: CallPlan | Script, ns: number): void {
    this.start(name, work);
    if (ns > 0) this.advance(ns);
    if (this.isBlocked(name)) return;
    throw new Mismatch("the call blocks", `it returned: ${show(this.join(name, 0))}`);
  }

  /** Starts a call, or a script of calls; the result is for `join`. */
  start(name: string, work: CallPlan | Script): void {
    if (this.begun.has(name)) throw new Mismatch(`task ${name} makes a call`, "its last one has not returned");
    if ("invoke" in work) {
      this.begun.set(name, { pending: this.send(name, work), convert: work.convert, script: null, result: undefined });
      return;
    }
    const first = work.next();
    if (first.done) throw new Error("a script makes at least one call");
    this.begun.set(name, {
      pending: this.send(name, first.value),
      convert: first.value.convert,
      script: work,
      result: undefined,
    });
    this.pump();
  }

  private send(name: string, plan: CallPlan): PendingCall {
    return plan.invoke(this.kernel.call(this.task(name)) as SysView) as PendingCall;
  }

  /** Lets every script go on whose call has returned. */
  private pump(): void {
    for (const [name, b] of this.begun) {
      while (b.script !== null && b.result === undefined && b.pending.done) {
        const turn = b.script.next(this.resultOf(name, b));
        if (turn.done) {
          b.result = turn.value;
        } else {
          b.pending = this.send(name, turn.value);
          b.convert = turn.value.convert;
        }
      }
    }
  }

  private resultOf(name: string, b: Begun): Result {
    if (b.pending.error !== null) return this.errorResult(b.pending.error);
    const value = b.pending.value;
    return value === undefined ? { dies: this.fate(this.task(name)) } : b.convert(value);
  }

  /** Has what that task started not come to its end? */
  isBlocked(name: string): boolean {
    const b = this.begunOf(name);
    return b.script === null ? !b.pending.done : b.result === undefined;
  }

  /** Waits for what that task started (at most `limitNs` of virtual time) and takes its result. Mismatch if it does not end. */
  join(name: string, limitNs: number = JOIN_LIMIT_NS): Result {
    const b = this.begunOf(name);
    for (let ns = 0; this.isBlocked(name) && ns < limitNs; ns += SLICE_NS) this.advance(SLICE_NS);
    if (this.isBlocked(name)) throw new Mismatch("the call returns", `still blocked after ${limitNs / 1e9} s`);
    this.begun.delete(name);
    return b.result ?? this.resultOf(name, b);
  }

  private begunOf(name: string): Begun {
    const b = this.begun.get(name);
    if (b === undefined) throw new Mismatch(`task ${name} is in a call that was started`, "it is in none");
    return b;
  }

  /** The result of what was thrown: a kernel's error; a call that nothing can end; all else goes on its way. */
  errorResult(e: unknown): Result {
    if (e instanceof KernelError) return { ret: -1, errno: e.code };
    if (e instanceof Error && e.name === "WouldBlockForever") throw new Mismatch("the call returns", e.message);
    throw e;
  }

  /** The signal that ended a task, 0 if none did. */
  killedBy(task: Task): number {
    return task.exitCode & 0x7f;
  }

  /** How a task ended that did not come back from a call. */
  fate(task: Task): string {
    if (task.program !== null) return "became another program";
    const signal = this.killedBy(task);
    return signal === 0 ? `exited with ${task.exitCode >> 8}` : `killed by signal ${signal}`;
  }
}

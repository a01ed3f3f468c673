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
  sys(task: Task): SysView;
  call(task: Task): Readonly<Record<string, ((...args: unknown[]) => PendingCall) | undefined>>;
  advance(durationNs: number): void;
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

interface Begun {
  readonly pending: PendingCall;
  readonly convert: (value: unknown) => Result;
}

const JOIN_STEP_NS = 1_000_000;
/** How long a started call may take to end once it is waited for. */
const JOIN_LIMIT_NS = 60_000_000_000;

export class Session {
  /** Saved values. */
  readonly vars: Map<string, unknown> = new Map();
  readonly tasks: Map<string, Task> = new Map();
  /** Whatever a dialect keeps for the time of the case. */
  readonly extra: Map<string, unknown> = new Map();
  private readonly begun: Map<string, Begun> = new Map();

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

  advance(ns: number): void {
    this.kernel.advance(ns);
  }

  /** Makes a call and waits for it, in virtual time. */
  perform(name: string, plan: CallPlan): Result {
    const task = this.task(name);
    const value = plan.invoke(this.kernel.sys(task));
    return value === undefined ? { dies: this.fate(task) } : plan.convert(value);
  }

  /** Starts a call and lets `ns` pass: it must not have returned. */
  begin(name: string, plan: CallPlan, ns: number): void {
    const pending = this.start(name, plan);
    if (ns > 0) this.advance(ns);
    if (pending.done) {
      this.begun.delete(name);
      throw new Mismatch("the call blocks", `it returned: ${describe(pending)}`);
    }
  }

  /** Starts a call; its result is for `join`. */
  start(name: string, plan: CallPlan): PendingCall {
    if (this.begun.has(name)) throw new Mismatch(`task ${name} makes a call`, "its last one has not returned");
    const pending = plan.invoke(this.kernel.call(this.task(name)) as SysView) as PendingCall;
    this.begun.set(name, { pending, convert: plan.convert });
    return pending;
  }

  /** Has the started call of that task not returned? */
  isBlocked(name: string): boolean {
    return !this.begunOf(name).pending.done;
  }

  /** Waits for the started call (at most `limitNs` of virtual time) and takes its result. Mismatch if it does not return. */
  join(name: string, limitNs: number = JOIN_LIMIT_NS): Result {
    const { pending, convert } = this.begunOf(name);
    for (let ns = 0; !pending.done && ns < limitNs; ns += JOIN_STEP_NS) this.advance(JOIN_STEP_NS);
    if (!pending.done) throw new Mismatch("the call returns", `still blocked after ${limitNs / 1e9} s`);
    this.begun.delete(name);
    if (pending.error !== null) return this.errorResult(pending.error);
    const value = pending.value;
    return value === undefined ? { dies: this.fate(this.task(name)) } : convert(value);
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

  /** How a task ended that did not come back from a call. */
  fate(task: Task): string {
    if (task.program !== null) return "became another program";
    const signal = task.exitCode & 0x7f;
    return signal === 0 ? `exited with ${task.exitCode >> 8}` : `killed by signal ${signal}`;
  }
}

function describe(p: PendingCall): string {
  if (p.error !== null) return p.error.message;
  return show(p.value);
}

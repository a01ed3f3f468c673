/**
 * The three views of the system call table, made once at boot: objects whose prototypes have one method per call.
 * A program's view has one reusable `Call`, its own iterator with one reused result: a call in a program allocates nothing.
 */
import { KernelError } from "../abi/errors.js";
import { CALL_NONE, type Task } from "../task/task.js";
import type { Entry } from "./entry.js";
import { TAPE_HANDLER, type Tape } from "./program.js";
import type { SyscallEntry } from "./syscallTable.js";

/** A call of a program, armed by `sys.x(...)`, made when it is `yield*`ed. */
export class ProgramCall implements Iterator<undefined, unknown, void> {
  private armed = false;
  private readonly result: { done: boolean; value: unknown } = { done: false, value: undefined };
  // replaying a tape
  private tape: Tape | null = null;
  private pos = 0;
  private used = 0;
  /** Names of the calls that outer frames of the program are in, the innermost last. */
  private names: string[] = NO_NAMES;
  private handler: { def: string; state: unknown } | null | undefined = undefined;

  constructor(
    private readonly entry: Entry,
    private readonly t: Task,
  ) {}

  [Symbol.iterator](): this {
    return this;
  }

  arm(e: SyscallEntry, a: unknown, b: unknown, c: unknown, d: unknown, f: unknown, g: unknown): this {
    const t = this.t;
    if (this.armed) this.forgotten(`sys.${e.name}()`);
    this.armed = true;
    if (this.tape !== null) {
      this.names[this.names.length - 1] = e.name;
      return this;
    }
    t.call = e;
    const args = t.args;
    args[0] = a;
    args[1] = b;
    args[2] = c;
    args[3] = d;
    args[4] = f;
    args[5] = g;
    return this;
  }

  next(): IteratorResult<undefined, unknown> {
    const r = this.result as IteratorResult<undefined, unknown>;
    if (this.tape !== null) return this.nextOfTape(this.tape);
    if (this.armed) {
      this.armed = false;
      if (!this.entry.programCall(this.t)) {
        r.done = false;
        r.value = undefined;
        return r;
      }
    }
    r.value = this.entry.deliver(this.t);
    r.done = true;
    return r;
  }

  /** The program ended or made another call while one was armed. */
  assertIdle(): void {
    if (this.armed) this.forgotten("the program's end");
  }

  private forgotten(where: string): never {
    this.armed = false;
    throw new TypeError(`sys.${this.t.call?.name}() was called without yield*: nothing was done (seen at ${where})`);
  }

  // --- replay ---

  get replaying(): boolean {
    return this.tape !== null;
  }

  replay(tape: Tape): void {
    this.tape = tape;
    this.pos = 0;
    this.used = 0;
    this.armed = false;
    this.names = [""];
    this.handler = undefined;
    if (tape.calls.length === 0 && this.t.phase === CALL_NONE) this.tape = null; // it has not begun
  }

  /** Where the tape says that a handler began (its definition) or ended (null); undefined: neither. */
  takeHandler(ended: boolean): { def: string; state: unknown } | null | undefined {
    if (ended) {
      const tape = this.tape as Tape;
      if (tape.calls[this.pos] !== TAPE_HANDLER || tape.results[this.pos] !== null) this.diverged("its end");
      this.pos++;
      this.names.pop();
      return null;
    }
    const h = this.handler;
    this.handler = undefined;
    if (h !== undefined) this.names.push("");
    return h;
  }

  private nextOfTape(tape: Tape): IteratorResult<undefined, unknown> {
    const r = this.result as IteratorResult<undefined, unknown>;
    const name = this.names[this.names.length - 1];
    this.armed = false;
    r.done = false;
    r.value = undefined;
    if (this.pos === tape.calls.length) {
      // the call it is in
      this.tape = null;
      return r;
    }
    const call = tape.calls[this.pos];
    const result = tape.results[this.pos];
    const error = tape.errors[this.pos];
    if (call === TAPE_HANDLER) {
      if (result === null) this.diverged(name);
      this.pos++;
      this.handler = result as { def: string; state: unknown };
      return r;
    }
    if (call !== name) this.diverged(name);
    if (++this.used === tape.counts[this.pos]) {
      this.pos++;
      this.used = 0;
    }
    if (error !== 0) throw new KernelError(error, call);
    r.done = true;
    r.value = result;
    return r;
  }

  private diverged(now: string): never {
    const tape = this.tape as Tape;
    throw new TypeError(
      `program '${this.t.program?.name}' is not a function of its results: recorded ${tape.calls[this.pos] ?? "nothing more"}, now ${now}`,
    );
  }
}

/** Before a replay, which brings its own. */
const NO_NAMES: string[] = [];

export interface ProgramView {
  readonly $call: ProgramCall;
}

export interface Views {
  program(t: Task): ProgramView;
  outside(t: Task): object;
  started(t: Task): object;
}

type A = unknown;

/** The views of a kernel; each kind is made when it is first asked for, since a boot should not pay for what nobody uses. */
export function makeViews(entry: Entry): Views {
  const table = [...entry.k.syscalls.byName.values()];
  const calls = entry.driven;
  // declared, not defined: a field definition in a class that exists once per kernel is slow
  const programs = lazy(() => {
    class ProgramSys implements ProgramView {
      declare readonly $call: ProgramCall;
      constructor(t: Task) {
        this.$call = new ProgramCall(entry, t);
      }
    }
    const proto = ProgramSys.prototype as unknown as Methods;
    for (const e of table)
      proto[e.name] = function (this: ProgramSys, a: A, b: A, c: A, d: A, f: A, g: A) {
        return this.$call.arm(e, a, b, c, d, f, g);
      };
    return ProgramSys;
  });
  const driven = (method: "outside" | "start"): (() => new (t: Task) => object) =>
    lazy(() => {
      class DrivenSys {
        declare readonly $task: Task;
        constructor(t: Task) {
          this.$task = t;
        }
      }
      const proto = DrivenSys.prototype as unknown as Methods;
      for (const e of table)
        proto[e.name] = function (this: DrivenSys, ...args: A[]) {
          return calls[method](this.$task, e, args);
        };
      return DrivenSys;
    });
  const outside = driven("outside");
  const started = driven("start");
  return {
    program: (t) => new (programs())(t),
    outside: (t) => new (outside())(t),
    started: (t) => new (started())(t),
  };
}

type Methods = Record<string, unknown>;

function lazy<T>(make: () => T): () => T {
  let made: T | undefined;
  return () => {
    made ??= make();
    return made;
  };
}

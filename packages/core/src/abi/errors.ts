/**
 * errors: how an errno travels. Inside the kernel as a thrown `Errno` (or a negative number, where the function says so),
 * outside - from `kernel.sys(task).x()` and in programs - as a `KernelError` shaped like Node's system errors.
 *
 *     if (inode === null) fail(ENOENT);                       // inside: no allocation, no stack
 *     throw new KernelError(ENOENT, "open", "/x");            // outside: "ENOENT: no such file or directory, open '/x'"
 *
 * The restart codes are Linux's internal answers of a system call that a signal interrupted; signal delivery turns them
 * into a restart or into EINTR, so no caller ever sees one (signal(7), "Interruption of system calls").
 */
import { errnoName, errnoText } from "./errno.js";

/** Restart if the handler has SA_RESTART (or there is none), else EINTR. */
export const ERESTARTSYS = 512;
/** Restart whatever the handler's flags are. */
export const ERESTARTNOINTR = 513;
/** Restart only if no handler runs. */
export const ERESTARTNOHAND = 514;
/** Continue by restart_syscall(2) with what is left, only if no handler runs. */
export const ERESTART_RESTARTBLOCK = 516;

/** One of the restart codes, of either sign. */
export function isRestart(nr: number): boolean {
  const n = nr < 0 ? -nr : nr;
  return n >= ERESTARTSYS && n <= ERESTART_RESTARTBLOCK && n !== 515;
}

/** An errno on its way up inside the kernel: one shared object per number, thrown by `fail`, caught where a call ends. */
export class Errno {
  /** Positive. */
  readonly nr: number;
  constructor(nr: number) {
    this.nr = nr;
  }
  toString(): string {
    return `Errno ${errnoName(this.nr)}`;
  }
}

// Dense and made once, so that throwing allocates nothing; 530 is the last number Linux uses inside.
const singletons: readonly Errno[] = /* @__PURE__ */ Array.from({ length: 531 }, (_, nr) => new Errno(nr));

/** Throws the `Errno` of a number of either sign (`fail(ENOENT)`, `fail(ret)` for a ret < 0). RangeError for no errno at all. */
export function fail(nr: number): never {
  const e = singletons[nr < 0 ? -nr : nr];
  if (e === undefined || nr === 0) throw new RangeError(`fail: ${nr} is no errno; allowed are 1..530 of either sign`);
  throw e;
}

/** The `Errno` object that `fail(nr)` throws; nr in 1..530. */
export function errnoOf(nr: number): Errno {
  return singletons[nr];
}

/** Unwraps a parser's answer: the value, or the `Errno` it returned is thrown (`const n = orFail(kstrtoint(text, 0))`). */
export function orFail<T>(r: T | Errno): T {
  if (r instanceof Errno) throw r;
  return r;
}

/**
 * The error a caller of a system call sees: Node's shape, Linux's number.
 * `code` "ENOENT", `errno` -2 (negative), `syscall` "open", `path` and `dest` where the call has them.
 */
export class KernelError extends Error {
  readonly code: string;
  /** Negative, as in Node's system errors. */
  readonly errno: number;
  readonly syscall: string | undefined;
  readonly path: string | undefined;
  /** The second path of rename, link, symlink... */
  readonly dest: string | undefined;

  /** @param nr the errno, of either sign */
  constructor(nr: number, syscall?: string, path?: string, dest?: string) {
    let message = `${errnoName(nr)}: ${errnoText(nr)}`;
    if (syscall !== undefined) message += `, ${syscall}`;
    if (path !== undefined) message += syscall === undefined ? `, '${path}'` : ` '${path}'`;
    if (dest !== undefined) message += ` -> '${dest}'`;
    super(message);
    this.name = "KernelError";
    this.code = errnoName(nr);
    this.errno = nr < 0 ? nr : -nr;
    this.syscall = syscall;
    this.path = path;
    this.dest = dest;
  }
}

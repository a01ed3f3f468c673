/**
 * The joints where subsystems meet.
 *
 * A hook is tapped with an order number and a label; listeners run in ascending order, ties by label, so the order of
 * tapping is invisible. Four kinds:
 * - `Notify`  every listener is told. Call sites: `if (h.on !== null) h.on(a, b)`.
 * - `Veto`    the first non-zero errno (positive) stops it; listeners that had agreed are undone in reverse. Call sites:
 *             `const e = h.on === null ? 0 : h.on(a, b); if (e !== 0) ...`; `h.undo(a, b)` when a later stage fails.
 * - `Choose`  the first answer that is not undefined wins.
 * Two fixed arguments, or an object that the caller reuses; a hook nobody listens to costs a null check.
 * Some things happen to many pages in a row and have a hook that tells of all of them at once (`pageRun`): a listener that takes part in
 * that one taps the hooks of single pages with `runs`, and while all listeners do, `each` is false and the caller may go by runs.
 *
 * Order bands: 0-99 namespaces and credentials, 100-199 cgroup controllers, 200-299 memory placement, 300-399 writeback,
 * 800-899 security (IMA 850, EVM 860), 900 and up observers.
 */

interface Tap<F> {
  readonly order: number;
  readonly label: string;
  readonly fn: F;
  /** It is also told of runs. */
  readonly runs: boolean;
}

function insert<F>(taps: Tap<F>[], tap: Tap<F>): void {
  if (!Number.isInteger(tap.order) || tap.order < 0)
    throw new RangeError(`hook listener '${tap.label}': order must be an integer >= 0, not ${tap.order}`);
  if (taps.some((t) => t.label === tap.label)) throw new TypeError(`hook listener '${tap.label}' is tapped twice`);
  taps.push(tap);
  taps.sort((a, b) => a.order - b.order || (a.label < b.label ? -1 : 1));
}

function anyAlone<F>(taps: readonly Tap<F>[]): boolean {
  return taps.some((t) => !t.runs);
}

export class Notify<A, B = undefined> {
  /** The listener, a closure that calls all of them, or null. */
  on: ((a: A, b: B) => void) | null = null;
  /** Somebody must be told of each page. */
  each = false;
  private readonly taps: Tap<(a: A, b: B) => void>[] = [];

  tap(order: number, label: string, fn: (a: A, b: B) => void, runs = false): void {
    insert(this.taps, { order, label, fn, runs });
    this.compile();
  }

  untap(label: string): void {
    const i = this.taps.findIndex((t) => t.label === label);
    if (i >= 0) this.taps.splice(i, 1);
    this.compile();
  }

  private compile(): void {
    const f = this.taps.map((t) => t.fn);
    this.each = anyAlone(this.taps);
    if (f.length === 0) this.on = null;
    else if (f.length === 1) this.on = f[0];
    else if (f.length === 2) {
      const [f0, f1] = f;
      this.on = (a, b) => {
        f0(a, b);
        f1(a, b);
      };
    } else {
      this.on = (a, b) => {
        for (let i = 0; i < f.length; i++) f[i](a, b);
      };
    }
  }
}

/** A veto listener's second half: what to take back if a later listener or a later stage refuses. */
export type Undo<A, B> = (a: A, b: B) => void;

export class Veto<A, B = undefined> {
  /** 0, or the positive errno of the first listener that refuses (those before it have been undone). */
  on: ((a: A, b: B) => number) | null = null;
  /** Somebody must be asked about each page. */
  each = false;
  private readonly taps: Tap<{ run: (a: A, b: B) => number; undo: Undo<A, B> | undefined }>[] = [];

  tap(order: number, label: string, run: (a: A, b: B) => number, undo?: Undo<A, B>, runs = false): void {
    insert(this.taps, { order, label, fn: { run, undo }, runs });
    this.each = anyAlone(this.taps);
    const f = this.taps.map((t) => t.fn);
    if (f.length === 1) {
      this.on = f[0].run;
      return;
    }
    this.on = (a, b) => {
      for (let i = 0; i < f.length; i++) {
        const e = f[i].run(a, b);
        if (e !== 0) {
          for (let j = i - 1; j >= 0; j--) f[j].undo?.(a, b);
          return e;
        }
      }
      return 0;
    };
  }

  /** A later stage of the operation failed: all listeners take back what they agreed to, in reverse order. */
  undo(a: A, b: B): void {
    for (let i = this.taps.length - 1; i >= 0; i--) this.taps[i].fn.undo?.(a, b);
  }
}

export class Choose<A, B, R> {
  on: ((a: A, b: B) => R | undefined) | null = null;
  /** Somebody must be asked about each page. */
  each = false;
  private readonly taps: Tap<(a: A, b: B) => R | undefined>[] = [];

  tap(order: number, label: string, fn: (a: A, b: B) => R | undefined, runs = false): void {
    insert(this.taps, { order, label, fn, runs });
    this.each = anyAlone(this.taps);
    const f = this.taps.map((t) => t.fn);
    if (f.length === 1) {
      this.on = f[0];
      return;
    }
    this.on = (a, b) => {
      for (let i = 0; i < f.length; i++) {
        const r = f[i](a, b);
        if (r !== undefined) return r;
      }
      return undefined;
    };
  }
}

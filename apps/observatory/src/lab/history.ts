/**
 * What is kept of a run's past to be drawn at once: a value per gauge and a code per lane for every bin, the digest of every
 * second, and the latest events. Bins are instants at multiples of `binNs`; they are recorded once, in order, and compared
 * with (not overwritten by) replays. Columns keep the extremes of what falls into a pixel, so that no spike is lost.
 */
import type { KernelEvent } from "./scenario.js";

/** Events that are kept; older ones are counted and come back by going there. */
export const EVENTS_KEPT = 1 << 16;

/** An area's numbers: of the samples of one gauge, or of the values of one kind of event. */
export interface AreaRow {
  readonly name: string;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly mean: number;
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

function areaRow(name: string, values: number[]): AreaRow {
  values.sort((a, b) => a - b);
  const n = values.length;
  const sum = values.reduce((a, b) => a + b, 0);
  const rank = (q: number): number =>
    n === 0 ? Number.NaN : values[Math.min(n - 1, Math.max(0, Math.ceil(q * n) - 1))];
  return {
    name,
    count: n,
    sum,
    min: rank(0),
    mean: n === 0 ? Number.NaN : sum / n,
    p50: rank(0.5),
    p99: rank(0.99),
    max: rank(1),
  };
}

/** Series for a window: two instants per pixel column where there are more bins than columns. */
export interface Columns {
  /** Seconds. */
  readonly x: Float64Array;
  readonly y: readonly Float64Array[];
}

export class History {
  /** Number of the first bin, and of the one after the last. */
  start = -1;
  end = -1;
  private cap = 256;
  private values: Float64Array[];
  readonly laneNames: string[] = [];
  private lanes: Uint8Array[] = [];
  readonly digests: Map<number, string> = new Map();
  events: KernelEvent[] = [];
  /** Events that are no longer kept. */
  folded = 0;

  constructor(
    readonly binNs: number,
    private readonly gauges: number,
  ) {
    this.values = Array.from({ length: gauges }, () => new Float64Array(this.cap));
  }

  /** The next bin's values. Skipped bins (time that passed inside a call) are not a number. */
  push(bin: number, read: (gauge: number) => number, names: readonly string[], codes: Uint8Array): void {
    if (this.start < 0) this.start = this.end = bin;
    while (this.end <= bin) {
      const i = this.end - this.start;
      if (i >= this.cap) this.grow();
      const last = this.end === bin;
      for (let g = 0; g < this.gauges; g++) this.values[g][i] = last ? read(g) : Number.NaN;
      for (let l = 0; l < names.length; l++) {
        if (l >= this.lanes.length) {
          this.lanes.push(new Uint8Array(this.cap));
          this.laneNames.push(names[l]);
        }
        this.lanes[l][i] = last ? codes[l] : 0;
      }
      this.end++;
    }
  }

  private grow(): void {
    this.cap *= 2;
    this.values = this.values.map((a) => copied(a, new Float64Array(this.cap)));
    this.lanes = this.lanes.map((a) => copied(a, new Uint8Array(this.cap)));
  }

  event(e: KernelEvent): void {
    this.events.push(e);
    if (this.events.length > EVENTS_KEPT) {
      this.folded += EVENTS_KEPT / 4;
      this.events = this.events.slice(EVENTS_KEPT / 4);
    }
  }

  /** What was before an instant, for a branch that leaves there. */
  until(ns: number): History {
    const h = new History(this.binNs, this.gauges);
    h.start = this.start;
    h.end = Math.max(this.start, Math.min(this.end, Math.floor(ns / this.binNs) + 1));
    h.cap = this.cap;
    h.values = this.values.map((a) => a.slice());
    h.lanes = this.lanes.map((a) => a.slice());
    h.laneNames.push(...this.laneNames);
    for (const [s, d] of this.digests) if (s * 1e9 <= ns) h.digests.set(s, d);
    h.events = this.events.filter((e) => e.ns <= ns);
    h.folded = this.folded;
    return h;
  }

  /** First and last instant that is recorded, ns. */
  get span(): readonly [number, number] {
    return [Math.max(0, this.start) * this.binNs, Math.max(0, this.end - 1) * this.binNs];
  }

  private clip(from: number, to: number): [number, number] {
    const a = Math.max(this.start, Math.floor(from / this.binNs));
    const b = Math.min(this.end - 1, Math.ceil(to / this.binNs));
    return [a, b];
  }

  /** All gauges between two instants (ns) for a picture of `width` columns. `rate[g]`: growth per second of a counter. */
  columns(from: number, to: number, width: number, rate: readonly boolean[]): Columns {
    const [a, b] = this.clip(from, to);
    const n = Math.max(0, b - a + 1);
    const at = (g: number, bin: number): number => {
      const v = this.values[g][bin - this.start];
      if (!rate[g]) return v;
      return bin === this.start ? 0 : ((v - this.values[g][bin - 1 - this.start]) * 1e9) / this.binNs;
    };
    const per = Math.ceil(n / width);
    if (per <= 2) {
      const x = Float64Array.from({ length: n }, (_, i) => ((a + i) * this.binNs) / 1e9);
      return { x, y: rate.map((_, g) => Float64Array.from({ length: n }, (__, i) => at(g, a + i))) };
    }
    const cols = Math.ceil(n / per);
    const x = new Float64Array(cols * 2);
    const y = rate.map(() => new Float64Array(cols * 2));
    for (let c = 0; c < cols; c++) {
      const lo = a + c * per;
      const hi = Math.min(b, lo + per - 1);
      x[2 * c] = (lo * this.binNs) / 1e9;
      x[2 * c + 1] = (((lo + hi) / 2) * this.binNs + this.binNs / 2) / 1e9;
      for (let g = 0; g < y.length; g++) extremes(at, g, lo, hi, y[g], 2 * c);
    }
    return { x, y };
  }

  /** Numbers of what lies between two instants (ns): a row for each gauge, and one for each kind of event. */
  area(from: number, to: number, names: readonly string[], rate: readonly boolean[]): AreaRow[] {
    const { y } = this.columns(from, to, this.cap + 1, rate);
    const rows = names.map((name, g) =>
      areaRow(
        name,
        Array.from(y[g]).filter((v) => !Number.isNaN(v)),
      ),
    );
    const kinds = new Map<string, number[]>();
    for (const e of this.events) {
      if (e.ns < from || e.ns > to) continue;
      const of = kinds.get(e.name) ?? [];
      kinds.set(e.name, of);
      of.push(e.value);
    }
    for (const [name, values] of kinds) {
      const row = areaRow(
        `${name} (events)`,
        values.filter((v) => !Number.isNaN(v)),
      );
      rows.push({ ...row, count: values.length });
    }
    return rows;
  }

  /** Lanes between two instants: the commonest code of each column, the higher code of two. */
  laneColumns(from: number, to: number, width: number): Uint8Array[] {
    const count = new Uint32Array(256);
    return this.lanes.map((lane) => {
      const out = new Uint8Array(width);
      for (let c = 0; c < width; c++) {
        const lo = Math.max(this.start, Math.round((from + ((to - from) * c) / width) / this.binNs));
        const hi = Math.min(this.end - 1, Math.round((from + ((to - from) * (c + 1)) / width) / this.binNs));
        if (lo > hi) continue;
        let best = lane[lo - this.start];
        for (let i = lo; i <= hi; i++) {
          const code = lane[i - this.start];
          count[code]++;
          if (count[code] > count[best] || (count[code] === count[best] && code > best)) best = code;
        }
        for (let i = lo; i <= hi; i++) count[lane[i - this.start]] = 0;
        out[c] = best;
      }
      return out;
    });
  }

  /** Counts of events named `name` by column and step of value (the last row: above all steps). Row by row. */
  heat(name: string, steps: readonly number[], from: number, to: number, width: number): Uint32Array {
    const out = new Uint32Array((steps.length + 1) * width);
    for (const e of this.events) {
      if (e.name !== name || e.ns < from || e.ns >= to || Number.isNaN(e.value)) continue;
      let row = steps.findIndex((s) => e.value <= s);
      if (row < 0) row = steps.length;
      out[row * width + Math.floor(((e.ns - from) / (to - from)) * width)]++;
    }
    return out;
  }
}

function copied<T extends Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}

function extremes(
  at: (g: number, bin: number) => number,
  g: number,
  lo: number,
  hi: number,
  out: Float64Array,
  i: number,
): void {
  let min = Number.POSITIVE_INFINITY;
  let max = Number.NEGATIVE_INFINITY;
  let minFirst = true;
  for (let b = lo; b <= hi; b++) {
    const v = at(g, b);
    if (v < min) {
      min = v;
      minFirst = false;
    }
    if (v > max) {
      max = v;
      minFirst = true;
    }
  }
  if (min > max) min = max = Number.NaN;
  out[i] = minFirst ? min : max;
  out[i + 1] = minFirst ? max : min;
}

/**
 * The key moment of a story's result, found in its data and never at a fixed place: where one of its series leaves another of the same
 * axes the furthest behind, or, of a single series, where it changes the most.
 */
import type { Series, StoryResult } from "@kernelkit/core/stories";

export interface Moment {
  /** Where, on the series' axis. */
  readonly x: number;
  readonly of: string;
  /** One sentence, made from the data. */
  readonly says: string;
  readonly unit: string;
}

const digits = (v: number): string => String(Number(v.toPrecision(3)));

/** The value of a series at x: that of the last point not after it. */
export function valueAt(s: Series, x: number): number {
  let lo = 0;
  let hi = s.x.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (s.x[mid] <= x) lo = mid + 1;
    else hi = mid;
  }
  return lo === 0 ? Number.NaN : s.y[lo - 1];
}

function widest(a: Series, b: Series): { x: number; gap: number } {
  let best = { x: Number.NaN, gap: 0 };
  for (const x of a.x) {
    const gap = Math.abs(valueAt(a, x) - valueAt(b, x));
    if (gap > best.gap) best = { x, gap };
  }
  return best;
}

/** Null: its series are single points, or all alike. */
export function keyMoment(r: StoryResult): Moment | null {
  let best: { score: number; moment: Moment } | null = null;
  const offer = (score: number, moment: Moment): void => {
    if (best === null || score > best.score) best = { score, moment };
  };
  for (let i = 0; i < r.series.length; i++) {
    const a = r.series[i];
    if (a.x.length < 2) continue;
    const most = Math.max(...a.y.map((v) => Math.abs(v)).filter(Number.isFinite), Number.MIN_VALUE);
    for (const b of r.series.slice(i + 1)) {
      if (b.of !== a.of || b.unit !== a.unit || b.x.length < 2) continue;
      const { x, gap } = widest(a, b);
      if (gap === 0) continue;
      const scale = Math.max(most, ...b.y.map((v) => Math.abs(v)).filter(Number.isFinite));
      const says = `At ${digits(x)} (${a.of}) they are the furthest apart: ${a.name} ${digits(valueAt(a, x))}, ${b.name} ${digits(valueAt(b, x))} ${a.unit}.`;
      offer(1 + gap / scale, { x, of: a.of, unit: a.unit, says });
    }
    for (let j = 1; j < a.x.length; j++) {
      const step = Math.abs(a.y[j] - a.y[j - 1]);
      if (!(step > 0)) continue;
      const says = `At ${digits(a.x[j])} (${a.of}) ${a.name} changes the most: from ${digits(a.y[j - 1])} to ${digits(a.y[j])} ${a.unit}.`;
      offer(step / most, { x: a.x[j], of: a.of, unit: a.unit, says });
    }
  }
  return (best as { moment: Moment } | null)?.moment ?? null;
}

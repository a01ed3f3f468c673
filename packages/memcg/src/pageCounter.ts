/**
 * Page counters: hierarchical, limited counts of pages, as Linux's `struct page_counter`.
 *
 * A charge counts first and asks afterwards, level by level from the leaf: where the limit refuses, that level counts a failure
 * and everything below is taken back, but watermarks below keep the speculative peak.
 */
import { EBUSY, fail } from "@kernelkit/core";

/** LONG_MAX / 4096 pages: no limit. */
export const PAGE_COUNTER_MAX = 2251799813685247;

export class PageCounter {
  /** Pages. */
  usage = 0;
  max: number = PAGE_COUNTER_MAX;
  high: number = PAGE_COUNTER_MAX;
  low = 0;
  min = 0;
  emin = 0;
  elow = 0;
  watermark = 0;
  /** Peak since the last reset through an open file. */
  localWatermark = 0;
  failcnt = 0;
  minUsage = 0;
  lowUsage = 0;
  childrenMinUsage = 0;
  childrenLowUsage = 0;

  constructor(readonly parent: PageCounter | null) {}
}

function propagate(c: PageCounter): void {
  const p = c.parent;
  if (p === null) return;
  const min = Math.min(c.usage, c.min);
  if (min !== c.minUsage) {
    p.childrenMinUsage += min - c.minUsage;
    c.minUsage = min;
  }
  const low = Math.min(c.usage, c.low);
  if (low !== c.lowUsage) {
    p.childrenLowUsage += low - c.lowUsage;
    c.lowUsage = low;
  }
}

function peak(c: PageCounter): void {
  if (c.usage > c.watermark) c.watermark = c.usage;
  if (c.usage > c.localWatermark) c.localWatermark = c.usage;
}

/** Charge n pages at every level, whatever the limits say. */
export function pageCounterCharge(counter: PageCounter, n: number): void {
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) {
    c.usage += n;
    propagate(c);
    peak(c);
  }
}

/** Charge n pages; null, or the counter nearest to the leaf that refuses (nothing is charged then). */
export function pageCounterTryCharge(counter: PageCounter, n: number): PageCounter | null {
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) {
    c.usage += n;
    if (c.usage > c.max) {
      c.usage -= n;
      c.failcnt++;
      for (let d = counter; d !== c; d = d.parent as PageCounter) cancel(d, n);
      return c;
    }
    propagate(c);
    peak(c);
  }
  return null;
}

function cancel(c: PageCounter, n: number): void {
  c.usage = Math.max(0, c.usage - n);
  propagate(c);
}

/** Give back n pages at every level; never below zero. */
export function pageCounterUncharge(counter: PageCounter, n: number): void {
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) cancel(c, n);
}

/** EBUSY: more is in use; nothing changes. */
export function pageCounterSetMax(c: PageCounter, pages: number): void {
  if (c.usage > pages) fail(EBUSY);
  c.max = pages;
}

export function pageCounterSetMin(counter: PageCounter, pages: number): void {
  counter.min = pages;
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) propagate(c);
}

export function pageCounterSetLow(counter: PageCounter, pages: number): void {
  counter.low = pages;
  for (let c: PageCounter | null = counter; c !== null; c = c.parent) propagate(c);
}

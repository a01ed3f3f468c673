/** Events of a history that fit something, kept up as the history grows, so that a frame looks at new events only. */
import type { History } from "./history.js";
import type { KernelEvent } from "./scenario.js";

export class Matches {
  private history: History | null = null;
  private folded = -1;
  private seen = 0;
  private list: KernelEvent[] = [];

  /** `fits` null: everything fits. */
  constructor(private readonly fits: ((e: KernelEvent) => boolean) | null) {}

  of(h: History): readonly KernelEvent[] {
    if (this.fits === null) return h.events;
    if (h !== this.history || h.folded !== this.folded || h.events.length < this.seen) {
      this.history = h;
      this.folded = h.folded;
      this.seen = 0;
      this.list = [];
    }
    for (; this.seen < h.events.length; this.seen++)
      if (this.fits(h.events[this.seen])) this.list.push(h.events[this.seen]);
    return this.list;
  }
}

/** How many of a list of events happened at an instant or before it. */
export function upTo(events: readonly KernelEvent[], ns: number): number {
  let lo = 0;
  let hi = events.length;
  while (lo < hi) {
    const mid = (lo + hi) >> 1;
    if (events[mid].ns <= ns) lo = mid + 1;
    else hi = mid;
  }
  return lo;
}

/**
 * Whether an event is about an entity: a task by its number (`task:300`), anything else by its name as a word of the text
 * (`irq:24`, `group:/shop/web`, `page:5383`, `log:ct1`).
 */
export function about(of: string): (e: KernelEvent) => boolean {
  const i = of.indexOf(":");
  const id = i < 0 ? of : of.slice(i + 1);
  // a number alone may count anything
  const before = of.startsWith("irq:") ? "irq=" : "(?<![\\w/.])";
  const word = new RegExp(`${before}${id.replace(/[^\w\s]/g, "\\$&")}(?![\\w])`);
  const inText = (e: KernelEvent): boolean => word.test(e.text);
  if (!of.startsWith("task:")) return inText;
  const pid = Number(id);
  const named = new RegExp(`(?:pid=|-)${pid}(?!\\d)`);
  return (e) => e.pid === pid || named.test(e.text);
}

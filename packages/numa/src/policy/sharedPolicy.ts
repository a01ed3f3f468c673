/**
 * The policies of a shared memory object (tmpfs file, memfd, shared anonymous memory): they belong to the object, by page index, and
 * every process that maps it sees them. Kernel document admin-guide/mm/numa_memory_policy, "Shared Policy".
 */
import { type Mempolicy, mpolEqual } from "./mempolicy.js";

interface Range {
  readonly start: number;
  /** First index after it. */
  readonly end: number;
  readonly policy: Mempolicy;
}

export class SharedPolicy {
  /** Ascending, not overlapping. */
  ranges: Range[] = [];

  /** Policy of a page index, null: none. */
  lookup(index: number): Mempolicy | null {
    for (const r of this.ranges) if (index >= r.start && index < r.end) return r.policy;
    return null;
  }

  /** Indices start..end-1 get a policy; null: none any more. */
  set(start: number, end: number, policy: Mempolicy | null): void {
    const next: Range[] = [];
    for (const r of this.ranges) {
      if (r.start < start) next.push({ start: r.start, end: Math.min(r.end, start), policy: r.policy });
      if (r.end > end) next.push({ start: Math.max(r.start, end), end: r.end, policy: r.policy });
    }
    if (policy !== null) next.push({ start, end, policy });
    next.sort((a, b) => a.start - b.start);
    const merged: Range[] = [];
    for (const r of next) {
      const last = merged.at(-1);
      if (last !== undefined && last.end === r.start && mpolEqual(last.policy, r.policy))
        merged[merged.length - 1] = { start: last.start, end: r.end, policy: last.policy };
      else merged.push(r);
    }
    this.ranges = merged;
  }
}

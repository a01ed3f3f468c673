/** Areas of a range of addresses, cut at its ends: for calls that change something of whole areas. */
import { type Mm, mergeAround, splitVma, type Vma, vmaPosition } from "@kernelkit/core";
import type { NumaSystem } from "../state.js";

/** Cut the areas of [start, end) at its ends and give each to `fn`; then merge what fits. */
export function eachVma(sys: NumaSystem, mm: Mm, start: number, end: number, fn: (v: Vma) => void): void {
  const { mm: m } = sys.k;
  for (let i = vmaPosition(mm.vmas, start); i < mm.vmas.length && mm.vmas[i].start < end; i++) {
    let v = mm.vmas[i];
    if (v.start < start) {
      v = splitVma(m, v, start);
      i++;
    }
    if (v.end > end) splitVma(m, v, end);
    fn(v);
  }
  mm.lastVma = null;
  mergeAround(m, mm, start, end);
}

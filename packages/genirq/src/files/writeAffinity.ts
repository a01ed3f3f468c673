/** Writes to smp_affinity, smp_affinity_list and default_smp_affinity: parsing and checks in Linux's order, then the move. */
import { bitmapIntersects, bitmapParse, bitmapParselist, EINVAL, EIO, Errno } from "@kernelkit/core";
import type { Irqs } from "../irqs.js";
import { irqCanSetAffinityUsr, irqSetAffinity } from "../manage/affinity.js";
import { onlineMask } from "../manage/doSetAffinity.js";

/**
 * Move a line for user space. 0, or a negative errno: EIO: it may not be moved (before anything is parsed); EINVAL, EOVERFLOW, ERANGE of
 * the parser; EINVAL: no CPU of the mask is on line; then the chip's.
 */
export function storeAffinity(g: Irqs, irq: number, text: string, list: boolean): number {
  if (!irqCanSetAffinityUsr(g, irq)) return -EIO;
  const mask = (list ? bitmapParselist : bitmapParse)(text, g.nrCpus);
  if (mask instanceof Errno) return -mask.nr;
  if (!bitmapIntersects(mask, onlineMask(g))) return -EINVAL;
  return irqSetAffinity(g, irq, mask);
}

/** The mask of lines that start from now on. 0, or a negative errno (EINVAL: no CPU of it is on line). */
export function storeDefaultAffinity(g: Irqs, text: string): number {
  const mask = bitmapParse(text, g.nrCpus);
  if (mask instanceof Errno) return -mask.nr;
  if (!bitmapIntersects(mask, onlineMask(g))) return -EINVAL;
  g.defaultAffinity.set(mask);
  return 0;
}

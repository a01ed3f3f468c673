/** Which frame a process has at an address: what get_user_pages() and move_pages(2) begin with. */
import { ZERO_PFN } from "./frames.js";
import type { Mm } from "./mm.js";
import type { MmSystem } from "./mmSystem.js";
import { PMD_BYTES, PTE_HUGE, PTE_SPECIAL, pmdSlot, pteSlot } from "./pageTable.js";

/** The frame behind an address (of a huge page: that part of it); 0: nothing or swapped out; ZERO_PFN: the zero page. */
export function followPage(m: MmSystem, mm: Mm, addr: number): number {
  const region = (addr / PMD_BYTES) | 0;
  const slot = pteSlot(m, mm, addr);
  if (slot >= 0) {
    const e = m.pt.val[slot];
    return Math.max(e, 0);
  }
  const pmd = pmdSlot(mm, region);
  if (pmd < 0 || (m.pt.fl[pmd] & PTE_HUGE) === 0) return 0;
  if ((m.pt.fl[pmd] & PTE_SPECIAL) !== 0) return ZERO_PFN;
  return m.pt.val[pmd] + ((addr - region * PMD_BYTES) >> 12);
}

/** Which areas the designs of 2012 look at: what can move and has no policy of its own that keeps it. */
import { VM_ACCESS, VM_HUGETLB, VM_MIXEDMAP, type Vma } from "@kernelkit/core";
import { vmaMigratable } from "../migrate.js";
import type { NumaSystem } from "../state.js";

export function scannable(sys: NumaSystem, v: Vma): boolean {
  if (!vmaMigratable(v) || (v.flags & (VM_HUGETLB | VM_MIXEDMAP)) !== 0 || (v.flags & VM_ACCESS) === 0) return false;
  const p = sys.vmaPolicy(v, v.start);
  return p === null || p.migrateOnFault;
}

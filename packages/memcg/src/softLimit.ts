/**
 * v1's soft limits: where the whole machine is short of memory, groups above theirs give first - the one that is furthest above it
 * before the others. A soft limit never keeps anybody from charging. Kernel document admin-guide/cgroup-v1/memory, "Soft limits".
 */
import type { MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { type ReclaimArgs, SWAP_CLUSTER_MAX, shrinkGroup, startRound } from "./reclaim.js";

/** Groups that are tried if nothing comes of the first. */
const MAX_GROUPS = 3;
/** Walks of one group's subtree. */
const MAX_WALKS = 100;

/** Pages above the soft limit. */
function excess(m: MemCgroup): number {
  return Math.max(0, m.memory.usage - m.softLimit);
}

function largestExcess(s: MemcgSystem, tried: readonly MemCgroup[]): MemCgroup | null {
  let best: MemCgroup | null = null;
  for (const m of s.groups)
    if (m && !m.v2 && excess(m) > 0 && !tried.includes(m) && (best === null || excess(m) > excess(best))) best = m;
  return best;
}

/** Takes from a group and those below it, 32 pages each in turn, until it is below its soft limit: pages freed. */
function shrinkToSoftLimit(s: MemcgSystem, root: MemCgroup, args: ReclaimArgs): number {
  const quarter = excess(root) / 4;
  let total = 0;
  for (let walks = 0; walks < MAX_WALKS; walks++) {
    for (const m of [...root.subtree()]) {
      const round = startRound({ ...args, want: SWAP_CLUSTER_MAX });
      const { begin, end } = s.trace.soft;
      if (begin.on) begin.emit();
      shrinkGroup(s, m, round, 0, 0);
      if (end.on) end.emit(round.freed);
      total += round.freed;
      if (excess(root) === 0) return total;
    }
    if (walks > 0 && (total === 0 || total >= quarter)) break;
  }
  return total;
}

/** Linux's memcg1_soft_limit_reclaim(): pages freed from the group that is furthest above its soft limit. */
export function softLimitReclaim(s: MemcgSystem, args: ReclaimArgs): number {
  const tried: MemCgroup[] = [];
  while (tried.length < MAX_GROUPS) {
    const m = largestExcess(s, tried);
    if (m === null) return 0;
    tried.push(m);
    const freed = shrinkToSoftLimit(s, m, args);
    if (freed > 0) return freed;
  }
  return 0;
}

/** memory.stat of v2 as text. Kernel document admin-guide/cgroup-v2, "memory.stat". */
import type { MemCgroup } from "./memCgroup.js";
import type { MemcgSystem } from "./memcgSystem.js";
import { STAT_NAMES, statValue, V2_STATS } from "./stats.js";

export function statText(s: MemcgSystem, m: MemCgroup): string {
  let out = "";
  for (let i = 0; i < V2_STATS; i++)
    if (!s.era.hidden.includes(STAT_NAMES[i])) out += `${STAT_NAMES[i]} ${statValue(m, i)}\n`;
  return out;
}

/** /proc/sys/vm: settings of memory management. Documentation/admin-guide/sysctl/vm. */
import type { Core } from "../kernel/core.js";
import { dropCaches } from "../mm/dropCaches.js";
import { intSysctl, type NumberSysctl, type SysctlFile } from "../vfs/pseudo/sysctl.js";
import { field, ulongField } from "./kernelSysctl.js";

export function installVmSysctl(k: Core): void {
  const { mm } = k;
  const s = mm.sysctl;
  const writeOnly = (o: NumberSysctl<number>): SysctlFile => {
    const { show: _, ...rest } = intSysctl(o);
    return { ...rest, mode: 0o200 };
  };
  const watermarks = (): void => mm.setMinFreeKbytes(s.minFreeKbytes);
  k.sysctl.registerAll("vm", {
    overcommit_memory: field(s, "overcommitMemory", 0, 2),
    overcommit_ratio: field(s, "overcommitRatio", 0),
    overcommit_kbytes: ulongField(s, "overcommitKbytes"),
    admin_reserve_kbytes: ulongField(s, "adminReserveKbytes"),
    user_reserve_kbytes: ulongField(s, "userReserveKbytes"),
    max_map_count: field(s, "maxMapCount", 0),
    mmap_min_addr: ulongField(s, "mmapMinAddr"),
    min_free_kbytes: intSysctl({ min: 0, get: () => s.minFreeKbytes, set: (_c, v) => mm.setMinFreeKbytes(v) }),
    watermark_scale_factor: intSysctl({
      min: 1,
      max: 3000,
      get: () => s.watermarkScaleFactor,
      set: (_c, v) => {
        s.watermarkScaleFactor = v;
      },
      written: watermarks,
    }),
    lowmem_reserve_ratio: intSysctl({
      count: 5,
      get: () => s.lowmemReserveRatio,
      set: (_c, v, i) => {
        s.lowmemReserveRatio[i] = v < 1 ? 0 : v;
      },
      written: watermarks,
    }),
    drop_caches: writeOnly({ min: 1, max: 4, get: () => 0, set: (_c, v) => dropCaches(mm, v) }),
    compact_memory: writeOnly({ min: 1, max: 1, get: () => 0, set: () => {} }),
    swappiness: field(s, "swappiness", 0, 200),
    "page-cluster": field(s, "pageCluster", 0, 31),
    panic_on_oom: field(s, "panicOnOom", 0, 2),
    oom_kill_allocating_task: field(s, "oomKillAllocatingTask"),
    oom_dump_tasks: field(s, "oomDumpTasks"),
    zone_reclaim_mode: field(s, "zoneReclaimMode", 0),
    stat_interval: field(s, "statInterval"),
    vfs_cache_pressure: field(s, "vfsCachePressure", 0),
    legacy_va_layout: field(s, "legacyVaLayout", 0),
    memfd_noexec: field(s, "memfdNoexec", 0, 2),
    unprivileged_userfaultfd: field(s, "unprivilegedUserfaultfd", 0, 1),
  });
}

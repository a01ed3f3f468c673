/** Settings of memory management under /proc/sys/vm, with 6.18's defaults. Kernel document admin-guide/sysctl/vm. */
export class MmSysctl {
  /** 0 heuristic, 1 always, 2 never more than the limit. */
  overcommitMemory = 0;
  overcommitRatio = 50;
  overcommitKbytes = 0;
  adminReserveKbytes = 8192;
  userReserveKbytes = 131072;
  maxMapCount = 65530;
  mmapMinAddr = 4096;
  /** Set by `k.mm.setMinFreeKbytes`. */
  minFreeKbytes = 0;
  watermarkScaleFactor = 10;
  lowmemReserveRatio: number[] = [256, 256, 32, 0, 0];
  swappiness = 60;
  pageCluster = 3;
  panicOnOom = 0;
  oomKillAllocatingTask = 0;
  oomDumpTasks = 1;
  zoneReclaimMode = 0;
  statInterval = 1;
  vfsCachePressure = 100;
  legacyVaLayout = 0;
  memfdNoexec = 0;
  unprivilegedUserfaultfd = 0;
}

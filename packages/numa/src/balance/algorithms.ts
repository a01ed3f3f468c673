/**
 * The arithmetic of NUMA balancing, without a kernel: scan periods, the two-stage filter, fault averages, load comparisons (6.18), and
 * the page rules of AutoNUMA, balancenuma and sched/numa. Names are those of Linux's functions.
 */

const MAX_SCAN_WINDOW = 2560;
const SLOTS = 10;
const THRESHOLD = 7;

/** Fault counts of a numa_group. */
export interface ScanGroup {
  readonly refs: number;
  readonly shared: number;
  readonly private: number;
}
export interface ScanKnobs {
  readonly scanSizeMb: number;
  readonly periodMinMs: number;
  readonly periodMaxMs: number;
}
export const SCAN_KNOBS: ScanKnobs = { scanSizeMb: 256, periodMinMs: 1000, periodMaxMs: 60000 };

/** Windows of a pass, and the shortest, first and longest scan period in ms of a task with so many resident pages. */
export function taskScanLimits(
  rssPages: number,
  knobs: ScanKnobs = SCAN_KNOBS,
  group: ScanGroup | null = null,
): { windows: number; min: number; start: number; max: number } {
  const pages = knobs.scanSizeMb * 256;
  const windows = Math.ceil((rssPages === 0 ? pages : rssPages) / pages);
  const per = knobs.scanSizeMb < MAX_SCAN_WINDOW ? Math.floor(MAX_SCAN_WINDOW / knobs.scanSizeMb) : 1;
  const min = Math.max(Math.floor(1000 / per), Math.floor(knobs.periodMinMs / windows));
  const max = Math.floor(knobs.periodMaxMs / windows);
  const grown = (ms: number): number =>
    group === null
      ? ms
      : Math.max(ms, Math.floor((ms * group.refs * (group.shared + 1)) / (group.private + group.shared + 1)));
  return { windows, min, start: Math.max(min, grown(min)), max: Math.max(min, grown(max)) };
}

/** The new scan period; `clear`: the locality counters start again. */
export function updateTaskScanPeriod(o: {
  readonly period: number;
  readonly periodMax: number;
  readonly limits: { readonly min: number; readonly max: number };
  readonly remote: number;
  readonly local: number;
  readonly failed: number;
  readonly shared: number;
  readonly private: number;
}): { period: number; clear: boolean } {
  if (o.local + o.shared === 0 || o.failed > 0) return { period: Math.min(o.periodMax, o.period * 2), clear: false };
  const slot = Math.ceil(o.period / SLOTS);
  const ratio = (a: number, b: number): number => (a + b === 0 ? 0 : Math.floor((a * SLOTS) / (a + b)));
  const lr = ratio(o.local, o.remote);
  const ps = ratio(o.private, o.shared);
  const by =
    ps >= THRESHOLD
      ? Math.max(1, ps - THRESHOLD)
      : lr >= THRESHOLD
        ? Math.max(1, lr - THRESHOLD)
        : Math.max(lr, ps) - THRESHOLD;
  return { period: Math.min(Math.max(o.period + by * slot, o.limits.min), o.limits.max), clear: true };
}

/**
 * Does a page that was last used by task `lastPid` (low byte; -1: nobody) on node `lastNid` follow task `pid` from its node to `dst`?
 * The group's faults by CPU and by memory there; `cpuSrc` -1: the task is in no group. `should_numa_migrate_memory()`
 */
export function shouldMigrate(
  pid: number,
  preferred: number,
  scanSeq: number,
  lastPid: number,
  lastNid: number,
  dst: number,
  cpuSrc: number,
  cpuDst: number,
  memSrc: number,
  memDst: number,
): boolean {
  const own = lastPid >= 0 && lastPid === (pid & 255);
  if ((preferred === -1 || scanSeq <= 4) && (lastPid < 0 || own)) return true;
  if (lastPid >= 0 && lastNid !== dst) return false;
  if (own || cpuSrc < 0) return true;
  if (cpuDst > cpuSrc * 3) return true;
  return cpuDst * memSrc * 3 > cpuSrc * memDst * 4;
}

/** `shouldMigrate` with names: `last` null is nobody; faults of a group by node. */
export function shouldNumaMigrateMemory(o: {
  readonly pid: number;
  readonly preferred: number;
  readonly scanSeq: number;
  readonly last: { readonly pid: number; readonly nid: number } | null;
  readonly src: number;
  readonly dst: number;
  readonly group: { readonly cpu: readonly number[]; readonly mem: readonly number[] } | null;
}): boolean {
  const { last, group: g, src, dst } = o;
  const [cpuSrc, cpuDst, memSrc, memDst] =
    g === null ? [-1, 0, 0, 0] : [g.cpu[src], g.cpu[dst], g.mem[src], g.mem[dst]];
  const lastPid = last === null ? -1 : last.pid & 255;
  return shouldMigrate(o.pid, o.preferred, o.scanSeq, lastPid, last?.nid ?? -1, dst, cpuSrc, cpuDst, memSrc, memDst);
}

/** One window of memory faults [node][shared, private] enters the averages. */
export function taskNumaPlacement(
  faults: readonly (readonly number[])[],
  buffer: readonly (readonly number[])[],
): { faults: number[][]; preferred: number; total: number } {
  let preferred = -1;
  let most = 0;
  let total = 0;
  const next = faults.map((row, nid) => {
    const r = row.map((f, i) => f + buffer[nid][i] - Math.floor(f / 2));
    const sum = r.reduce((a, b) => a + b, 0);
    total += sum;
    if (sum > most) {
      most = sum;
      preferred = nid;
    }
    return r;
  });
  return { faults: next, preferred, total };
}

/** Would the loads be further apart than they are? */
export function loadTooImbalanced(o: {
  readonly srcLoad: number;
  readonly dstLoad: number;
  readonly origSrcLoad: number;
  readonly origDstLoad: number;
  readonly srcCapacity: number;
  readonly dstCapacity: number;
}): boolean {
  const gap = (src: number, dst: number): number => Math.abs(dst * o.srcCapacity - src * o.dstCapacity);
  return gap(o.srcLoad, o.dstLoad) > gap(o.origSrcLoad, o.origDstLoad);
}

/** A small imbalance is none while few tasks run. */
export function adjustNumaImbalance(imbalance: number, running: number, imbNumaNr: number): number {
  return running <= imbNumaNr && imbalance <= 2 ? 0 : imbalance;
}

// --- AutoNUMA, balancenuma (2012) ---

export interface HintedPage {
  nid: number;
  last_nid: number;
  migrate_nid: number;
}

/** AutoNUMA: a hint fault of a task on `thisNid`. Queues the page, cancels, or (`lazy`) moves it at once. */
export function numaHintingFault(p: HintedPage, thisNid: number, lazy = false): HintedPage {
  const queue = (p.last_nid < 0 || p.last_nid === thisNid) && p.nid !== thisNid;
  p.last_nid = thisNid;
  p.migrate_nid = queue && !lazy ? thisNid : -1;
  if (queue && lazy) p.nid = thisNid;
  return p;
}

/** balancenuma: where the page goes, -1: it stays. Two faults in a row from one node are needed. */
export function mpolMisplaced(p: HintedPage, thisNid: number): number {
  const again = p.last_nid === thisNid;
  p.last_nid = thisNid;
  if (!again || p.nid === thisNid) return -1;
  p.nid = thisNid;
  return thisNid;
}

// --- sched/numa (2012) ---

export interface NodeLoad {
  readonly cpuLoad: number;
  readonly remoteCpuLoad: number;
  readonly remoteMemLoad: number;
}

/** Home node of a new process: the idlest without foreign memory load, unless this one is within 10 %. */
export function findIdlestNode(thisNode: number, nodes: readonly NodeLoad[]): number {
  const load = (n: NodeLoad): number => n.cpuLoad + n.remoteCpuLoad;
  let best = -1;
  nodes.forEach((n, i) => {
    if (n.remoteMemLoad === 0 && (best < 0 || load(n) < load(nodes[best]))) best = i;
  });
  if (best < 0) return thisNode;
  const here = nodes[thisNode];
  return here.remoteMemLoad === 0 && load(here) * 100 < load(nodes[best]) * 110 ? thisNode : best;
}

/** May the NUMA balancer move the process? Not before it has run for more than a second. */
export function processCanMigrate(runtimeNs: number, cpusAllowed: boolean, memsAllowed: boolean): boolean {
  return runtimeNs > 1e9 && cpusAllowed && memsAllowed;
}

// --- what each design costs in memory ---

/** Bytes per page of each design: AutoNUMA as first posted, outside struct page (alpha14), packed, final; and its rivals. */
export const PAGE_METADATA: Readonly<Record<string, number>> = {
  autonuma: 24,
  "autonuma-external": 32,
  "autonuma-packed": 12,
  "autonuma-lazy": 8,
  "autonuma-v33": 2,
  "sched-numa": 0,
  schednuma: 0,
  balancenuma: 4,
  modern: 0,
  none: 0,
};

/** Bytes of a task. RangeError: unknown design. */
export function taskMetadata(strategy: string, nodes: number, faulted: boolean): number {
  if (PAGE_METADATA[strategy] === undefined) throw new RangeError(`there is no strategy '${strategy}'`);
  if (strategy.startsWith("autonuma")) return 10 + 8 * nodes;
  return strategy === "modern" && faulted ? 2 * 4 * 8 * nodes : 0;
}

/** Bytes of an address space. */
export function mmMetadata(strategy: string, nodes: number): number {
  if (PAGE_METADATA[strategy] === undefined) throw new RangeError(`there is no strategy '${strategy}'`);
  return strategy.startsWith("autonuma") ? 32 + 8 * nodes : 0;
}

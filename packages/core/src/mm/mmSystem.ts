/**
 * The memory of a kernel: `k.mm`. State that everything in this folder works on, counters, and what other parts and packages call.
 * How things are done is in the files beside it: pageAlloc.ts, fault.ts, mmap.ts, filemap.ts, fork.ts, rmap.ts ...
 */
import type { Core } from "../kernel/core.js";
import type { Ctx } from "../kernel/ctx.js";
import { Slots } from "../kernel/slots.js";
import type { Task } from "../task/task.js";
import { type AddressSpace, type PageData, TAG_DIRTY } from "./addressSpace.js";
import { markSeeds, seedZone } from "./buddy.js";
import { dropCaches } from "./dropCaches.js";
import { Fault } from "./fault.js";
import { dropMapping } from "./filemap.js";
import { dupMm, exitMm, newMm } from "./fork.js";
import {
  type ColumnOf,
  type ColumnType,
  Frames,
  PG_ACTIVE,
  PG_ANON,
  PG_DIRTY,
  PG_HEAD,
  PG_LRU,
  PG_ORDER_SHIFT,
  PG_RESERVED,
  PG_SWAPBACKED,
  PG_UNEVICTABLE,
  PG_UPTODATE,
  PG_ZEROPAGE,
  RESERVED_PFNS,
  ZERO_PFN,
} from "./frames.js";
import { AllocRequest } from "./gfp.js";
import type { Mm } from "./mm.js";
import { PageRun } from "./pageRun.js";
import { PageTables } from "./pageTable.js";
import { type AnonVma, anonPrepare } from "./rmap.js";
import { setupExec } from "./setupExec.js";
import { MmSysctl } from "./sysctl.js";
import { THP_ENABLED, ThpSettings } from "./thp.js";
import type { Vma, VmaSlot } from "./vma.js";
import { mergeableAnon } from "./vmaMerge.js";
import {
  NR_FREE_PAGES,
  NR_FREE_PAGES_BLOCKS,
  NR_LRU_BASE,
  NR_SHMEM,
  NR_STATS,
  NR_ZONE_LRU_BASE,
  NUMA_HIT,
  NUMA_LOCAL,
  NUMA_MISS,
  NUMA_OTHER,
  PGALLOC_BASE,
  PGFREE,
  VMSTAT_SLOTS,
} from "./vmstat.js";
import {
  defaultMinFreeKbytes,
  fallbackOrders,
  freeInBlocks,
  layOutZones,
  setupWatermarks,
  totalReserve,
  type Zone,
  zonelist,
} from "./zone.js";

/** Block of frames whose zone is looked up at once. */
const BLOCK_SHIFT = 10;
const MIXED_BLOCK = 0xffff;

/** Change of a page's counter, as hook `pageState` is given it: slot of NR_..., and pages (may be negative). */
export function stateSlot(change: number): number {
  return change & 0xff;
}
export function statePages(change: number): number {
  return change >> 8;
}

export class MmSystem {
  static readonly transient: readonly string[] = [
    "providers",
    "meminfo",
    "zonelists",
    "fallback",
    "zoneOfBlock",
    "vmaSlots",
    "mmSlots",
    "mappingSlots",
    "reqs",
    "depth",
    "localNid",
    "scratch",
    "scratchVma",
    "unmapEntry",
    "migrateTo",
    "shrinkers",
    "fault",
    "pageRun",
  ];

  /** The frames; null until somebody works on one (`frames`): a machine that touches no page costs no memory for any. */
  private memmap: Frames | null = null;
  readonly zones: Zone[];
  readonly pt: PageTables = new PageTables();
  /** Counters: a row of NR_STATS per node; see vmstat.ts. */
  readonly stats: Float64Array;
  /** What frames belong to, by the number in their owner column. */
  readonly owners: (AddressSpace | AnonVma | null)[] = [null];
  private readonly freeOwners: number[] = [];
  /** Bytes of anonymous pages that were stored to, by pfn. */
  readonly pageData: Map<number, PageData> = new Map();
  readonly thp: ThpSettings = new ThpSettings();
  readonly sysctl: MmSysctl = new MmSysctl();
  /** The huge zero page: first frame (0: none), references (one is the shrinker's). */
  readonly hugeZero: { pfn: number; refs: number } = { pfn: 0, refs: 0 };
  /** vm_committed_as, pages. */
  committed = 0;
  private lastSerial = 0;
  /** Number of the last unnamed shared memory object. */
  shmemIno = 1024;

  // not state
  readonly nodes: number;
  readonly nodePages: readonly number[];
  /** Fallback order of node ids, for each node. */
  readonly fallback: number[][];
  readonly zonelists: Zone[][];
  private readonly zoneOfBlock: Uint16Array;
  private readonly providers: Map<number, () => number> = new Map();
  /** Values of /proc/meminfo lines that are no page counters, in kB: Buffers, Zswap, Zswapped, VmallocUsed, Percpu. */
  readonly meminfo: Map<string, () => number> = new Map();
  readonly vmaSlots: VmaSlot[] = [];
  readonly mmSlots: Slots<Mm> = new Slots<Mm>();
  /** Fields of page caches: `mapping.slots` is null until a package puts something there. */
  readonly mappingSlots: Slots<AddressSpace> = new Slots<AddressSpace>();
  /** Requests in use, one per nesting of allocations. */
  private readonly reqs: AllocRequest[] = [new AllocRequest()];
  depth = 0;
  /** Node of the CPU that allocates. */
  localNid = 0;
  /** Where walks count. */
  scratch = 0;
  scratchVma: Vma | null = null;
  unmapEntry = 0;
  migrateTo = 0;
  /** Caches that can be freed on demand, by name; they give the number of objects freed. */
  readonly shrinkers: Map<string, () => number> = new Map();
  /** The fault that is being handled. */
  readonly fault: Fault = new Fault();
  readonly pageRun: PageRun;

  constructor(readonly k: Core) {
    const { machine } = k.options;
    this.nodes = machine.nodes;
    this.pageRun = new PageRun(machine.nodes);
    this.nodePages = machine.nodeMemoryBytes.map((b) => b / 4096);
    const total = this.nodePages.reduce((a, b) => a + b, 0);
    this.zones = layOutZones(this.nodePages);
    this.fallback = fallbackOrders(this.nodePages, machine.distances);
    this.zonelists = this.fallback.map((order) => zonelist(this.zones, order));
    this.stats = new Float64Array(NR_STATS * machine.nodes);
    this.zoneOfBlock = new Uint16Array((total >> BLOCK_SHIFT) + 1).fill(MIXED_BLOCK);
    for (const z of this.zones) {
      const first = Math.ceil(z.start / 1024);
      this.zoneOfBlock.fill(z.no, first, Math.max(first, Math.floor(z.end / 1024)));
      seedZone(z, Math.max(z.start, RESERVED_PFNS), z.end);
    }
    k.state.lazily(() => this.frames);
    const thp = k.cmdline.get("transparent_hugepage");
    if (thp !== undefined && THP_ENABLED.includes(thp)) this.thp.enabled = thp;
    this.setMinFreeKbytes(defaultMinFreeKbytes(this.zones, this.thp.enabled !== "never"));
    this.provide("nr_free_pages_blocks", () => this.zones.reduce((a, z) => a + freeInBlocks(z), 0));
    this.provide("nr_memmap_boot_pages", () => Math.ceil((total * this.frames.bytesPerPage) / 4096));
    this.provide("nr_kernel_stack", () => this.kernelStacks() * 16);
  }

  private kernelStacks(): number {
    return this.k.tasks.nrThreads;
  }

  // --- columns ---

  /** All frames of the machine. */
  get frames(): Frames {
    return this.memmap ?? this.makeFrames();
  }
  private makeFrames(): Frames {
    const f = new Frames(this.nodePages.reduce((a, b) => a + b, 0));
    for (const z of this.zones) markSeeds(f, z, Math.max(z.start, RESERVED_PFNS), z.end);
    f.flags[0] = PG_RESERVED;
    f.flags[ZERO_PFN] = PG_RESERVED | PG_ZEROPAGE | PG_UPTODATE;
    this.memmap = f;
    return f;
  }
  /** Per-page state by name: core's fields and packages'. */
  get columns(): Frames["columns"] {
    return this.frames.columns;
  }
  /** A per-page field of a package, all zero. Any time; cheap until written. */
  addColumn<T extends ColumnType>(name: string, type: T): ColumnOf<T> {
    return this.frames.add(name, type);
  }
  /** What a page costs: bytes of all columns. */
  get bytesPerPage(): number {
    return this.frames.bytesPerPage;
  }
  /** Pages of the machine: what the allocator manages, and the kernel's own. */
  get totalram(): number {
    return this.zones.reduce((a, z) => a + z.managed, RESERVED_PFNS);
  }

  /** What sysinfo(2) tells, in bytes. */
  sysinfo(): {
    totalram: number;
    freeram: number;
    sharedram: number;
    bufferram: number;
    totalswap: number;
    freeswap: number;
  } {
    const { swap } = this.k.contracts;
    const pages = (n: number): number => n * 4096;
    return {
      totalram: pages(this.totalram),
      freeram: pages(this.read(NR_FREE_PAGES)),
      sharedram: pages(this.read(NR_SHMEM)),
      bufferram: 0,
      totalswap: pages(swap?.totalPages() ?? 0),
      freeswap: pages(swap?.freePages() ?? 0),
    };
  }

  // --- zones ---

  zoneOf(pfn: number): Zone {
    const no = this.zoneOfBlock[pfn >> BLOCK_SHIFT];
    if (no !== MIXED_BLOCK) return this.zones[no];
    return this.zones.find((z) => pfn >= z.start && pfn < z.end) as Zone;
  }
  nodeOf(pfn: number): number {
    return this.nodes === 1 ? 0 : this.zoneOf(pfn).nid;
  }
  /** Node of the CPU whose work is being done. */
  numaNodeId(): number {
    return this.nodes === 1 ? 0 : this.k.options.machine.cpuNode[this.k.currentCpu];
  }
  setMinFreeKbytes(kb: number): void {
    this.sysctl.minFreeKbytes = kb;
    setupWatermarks(this.zones, kb, this.sysctl.watermarkScaleFactor, this.sysctl.lowmemReserveRatio);
  }
  /** totalreserve_pages */
  get totalReserve(): number {
    return totalReserve(this.zones);
  }

  // --- counters ---

  /** Slot of a /proc/vmstat name. TypeError if 6.18 has no such counter. */
  stat(name: string): number {
    const slot = VMSTAT_SLOTS.get(name);
    if (slot === undefined) throw new TypeError(`there is no memory counter '${name}'`);
    return slot;
  }
  /** A computed value. TypeError: unknown name. */
  provide(name: string, fn: () => number): void {
    this.providers.set(this.stat(name), fn);
  }
  count(slot: number, n: number, nid = 0): void {
    this.stats[nid * NR_STATS + slot] += n;
  }
  /** Value of a counter over the whole machine. */
  read(slot: number): number {
    const p = this.providers.get(slot);
    if (p !== undefined) return p();
    let n = 0;
    for (let nid = 0; nid < this.nodes; nid++) n += this.readNode(slot, nid);
    return n;
  }
  /** Value for one node. */
  readNode(slot: number, nid: number): number {
    let n = slot < NUMA_HIT ? 0 : this.stats[nid * NR_STATS + slot];
    if (slot === NUMA_HIT) n -= this.stats[nid * NR_STATS + NUMA_MISS];
    else if (slot === NUMA_LOCAL) n -= this.stats[nid * NR_STATS + NUMA_OTHER];
    for (const z of this.zones) if (z.nid === nid) n += zoneShare(z, slot);
    return n;
  }
  /** A node counter of the page's node and of who pays for it (hook pageState) changes by n pages. */
  modPage(pfn: number, slot: number, n: number): void {
    this.stats[(this.nodes === 1 ? 0 : this.zoneOf(pfn).nid * NR_STATS) + slot] += n;
    const { pageState } = this.k.hooks;
    if (pageState.on !== null) pageState.on(pfn, (n << 8) | slot);
  }
  /** A zone counter (slots 1..10) of the page's zone changes. */
  modZone(pfn: number, slot: number, n: number): void {
    this.zoneOf(pfn).stat[slot] += n;
  }

  // --- requests ---

  /** A request for a page, all fields set to defaults: nearest node, charged to nobody. */
  request(c: Ctx | null, gfp: number, kind: number): AllocRequest {
    let r = this.reqs[this.depth];
    if (r === undefined) {
      r = new AllocRequest();
      this.reqs.push(r);
    }
    const nid = this.nodes === 1 ? 0 : this.numaNodeId();
    this.localNid = nid;
    r.c = c;
    r.task = c !== null ? c.task : this.k.current;
    r.mm = null;
    r.vma = null;
    r.addr = 0;
    r.mapping = null;
    r.index = 0;
    r.kind = kind;
    r.order = 0;
    r.gfp = gfp;
    r.nid = nid;
    r.nodemask = null;
    r.interleave = false;
    r.run = 1;
    r.spread = false;
    return r;
  }

  // --- owners ---

  newOwner<T extends AddressSpace | AnonVma>(make: (id: number) => T): T {
    const id = this.freeOwners.pop() ?? this.owners.length;
    const o = make(id);
    this.owners[id] = o;
    return o;
  }
  dropOwner(id: number): void {
    this.owners[id] = null;
    this.freeOwners.push(id);
  }
  /** The number of a mapping; given when it gets its first page. */
  ownMapping(mapping: AddressSpace): number {
    if (mapping.id === 0) {
      this.newOwner((id) => {
        mapping.id = id;
        return mapping;
      });
    }
    return mapping.id;
  }
  /** The page cache a file page is in, null for others. */
  mappingOf(pfn: number): AddressSpace | null {
    const head = this.frames.head(pfn);
    if ((this.frames.flags[head] & PG_ANON) !== 0) return null;
    return this.owners[this.frames.owner[head]] as AddressSpace | null;
  }
  /** Its index there. */
  indexOf(pfn: number): number {
    const low = this.frames.index[pfn] >>> 0;
    const mapping = this.mappingOf(pfn);
    if (mapping?.big) for (let i = low; i < 2 ** 52; i += 2 ** 32) if (mapping.lookup(i) === pfn) return i;
    return low;
  }

  // --- pages ---

  /** A fresh frame (or huge page) becomes private memory of an owner; `index` is the low 32 bits, as a signed number. */
  newAnonPage(pfn: number, owner: number, index: number): void {
    const f = this.frames;
    f.flags[pfn] |= PG_ANON | PG_SWAPBACKED | PG_UPTODATE;
    f.owner[pfn] = owner;
    f.index[pfn] = index;
  }
  /** The owner of new private pages of an area. */
  anonPrepare(v: Vma): AnonVma {
    return v.anonVma ?? anonPrepare(this, v, mergeableAnon(this, v));
  }
  /** A cached page is dirty now (unless it was): its file system counts it. True if it was clean. */
  setPageDirty(pfn: number): boolean {
    const f = this.frames;
    if ((f.flags[pfn] & PG_DIRTY) !== 0) return false;
    const mapping = this.mappingOf(pfn);
    if (mapping === null) return false;
    const { dirtyFolio } = mapping.aOps;
    if (dirtyFolio !== undefined) return dirtyFolio(this.k, mapping, this.indexOf(pfn), pfn);
    f.flags[pfn] |= PG_DIRTY;
    return true;
  }
  /** A cached page becomes clean: flag and tag. */
  clearPageDirty(pfn: number): void {
    this.frames.flags[pfn] &= ~PG_DIRTY;
    this.mappingOf(pfn)?.clearTag(this.indexOf(pfn), TAG_DIRTY);
  }

  // --- LRU membership ---

  /** List a page belongs on: 0 inactive anon, 1 active anon, 2 inactive file, 3 active file, 4 unevictable. */
  lruOf(pfn: number): number {
    const fl = this.frames.flags[pfn];
    if ((fl & PG_UNEVICTABLE) !== 0) return 4;
    return ((fl & PG_SWAPBACKED) !== 0 ? 0 : 2) + ((fl & PG_ACTIVE) !== 0 ? 1 : 0);
  }
  /** Put a page on the list its flags say. */
  lruAdd(pfn: number): void {
    this.frames.flags[pfn] |= PG_LRU;
    this.lruCount(pfn, 1);
    const { lruAdd } = this.k.hooks;
    if (lruAdd.on !== null) lruAdd.on(pfn, this.lruOf(pfn));
  }
  /** Take it off; its flags must still be those it was put on with. */
  lruDel(pfn: number): void {
    const { lruDel } = this.k.hooks;
    if (lruDel.on !== null) lruDel.on(pfn, this.lruOf(pfn));
    this.frames.flags[pfn] &= ~PG_LRU;
    this.lruCount(pfn, -1);
  }
  /** Set and clear flags that decide the list (ACTIVE, SWAPBACKED, UNEVICTABLE) of a page that may be on one. */
  lruMove(pfn: number, set: number, clear: number): void {
    const { flags } = this.frames;
    const on = (flags[pfn] & PG_LRU) !== 0;
    if (on) this.lruDel(pfn);
    flags[pfn] = (flags[pfn] & ~clear) | set;
    if (on) this.lruAdd(pfn);
  }
  private lruCount(pfn: number, sign: number): void {
    const { flags } = this.frames;
    const fl = flags[pfn];
    const n = (fl & PG_HEAD) !== 0 ? sign << (fl >>> PG_ORDER_SHIFT) : sign;
    const lru = this.lruOf(pfn);
    this.zoneOf(pfn).stat[NR_ZONE_LRU_BASE + lru] += n;
  }

  // --- address spaces of processes ---

  /** A field that packages keep per area, with its rules. */
  addVmaSlot(slot: VmaSlot): number {
    if (this.vmaSlots.some((s) => s.name === slot.name)) throw new TypeError(`area slot '${slot.name}' is taken`);
    this.vmaSlots.push(slot);
    return this.vmaSlots.length - 1;
  }
  nextSerial(): number {
    return ++this.lastSerial;
  }
  /** An empty address space for exec; not yet the task's. */
  newMm(t: Task): Mm {
    return newMm(this, t);
  }
  /** Lay out the image of a program in a new address space: text, heap, stack. */
  setupExec(mm: Mm, t: Task): void {
    setupExec(this, mm, t);
  }
  /** A copy for the child of a fork. fail(ENOMEM). */
  dupMm(parent: Task, child: Task): Mm {
    return dupMm(this, parent, child);
  }
  shareMm(mm: Mm): Mm {
    mm.refs++;
    return mm;
  }
  /** The task has no address space any more. */
  exitMm(t: Task): void {
    exitMm(this, t);
  }
  /** vm.drop_caches: bit 0 clean page cache, bit 1 slab. */
  dropCaches(mode: number): void {
    dropCaches(this, mode);
  }
  /** All cached pages of an inode that goes away. */
  dropMapping(mapping: AddressSpace): void {
    dropMapping(this, mapping);
  }
}

/** What a zone contributes to a counter of its node. */
function zoneShare(z: Zone, slot: number): number {
  if (slot === NR_FREE_PAGES) return z.free;
  if (slot === NR_FREE_PAGES_BLOCKS) return freeInBlocks(z);
  if (slot < NUMA_HIT) return z.stat[slot];
  if (slot === NUMA_HIT || slot === NUMA_LOCAL) return z.pgalloc - z.allocExtra;
  if (slot >= NR_LRU_BASE && slot < NR_LRU_BASE + 5) return z.stat[NR_ZONE_LRU_BASE + slot - NR_LRU_BASE];
  if (slot === PGALLOC_BASE + z.type) return z.pgalloc;
  return slot === PGFREE ? z.pgfree : 0;
}

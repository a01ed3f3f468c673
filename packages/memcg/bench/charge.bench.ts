/**
 * What accounting costs: a fault with its charge at one level and at sixteen, the LRU lists under a Zipf trace, a scan of a million pages,
 * and memory per page and per group. Linux's fault is from C, in the group this runs in; the caches of npm find objects by a key, which
 * a page frame does not need: its number is its place.
 */
import { createKernel, PG_LRU, PG_UPTODATE, PG_WRITEBACK, type Task } from "@kernelkit/core";
import { type Benchmark, bytesPerObject, type Peer, peers, randomly } from "../../../tooling/bench/src/index.js";
import { memcg } from "../src/index.js";
import { LruLists, lruEnds } from "../src/lruList.js";
import { PageCounter, pageCounterTryCharge, pageCounterUncharge } from "../src/pageCounter.js";
import { shrinkInactive } from "../src/shrinkList.js";

const ROOT = "/sys/fs/cgroup";
const PAGES = 2048;
const AT = 0x200000000;
const BYTES = PAGES * 4096;

function boot(memory: string) {
  const kernel = createKernel({ machine: { cpus: 1, memory }, cmdline: "transparent_hugepage=never" })
    .use(memcg())
    .boot();
  const sys = kernel.sys(kernel.init);
  sys.writeFile(`${ROOT}/cgroup.subtree_control`, "+memory");
  return { kernel, sys };
}

/** A kernel with a task in a group so many levels down, all of them limited. */
function nested(depth: number) {
  const { kernel, sys } = boot("256M");
  let path = ROOT;
  for (let i = 0; i < depth; i++) {
    if (i > 0) sys.writeFile(`${path}/cgroup.subtree_control`, "+memory");
    path += "/g";
    sys.mkdir(path, 0o755);
    sys.writeFile(`${path}/memory.max`, "200M");
  }
  const task = kernel.tasks.find(sys.fork()) as Task;
  sys.writeFile(`${path}/cgroup.procs`, String(task.nr));
  kernel.sys(task).mmap(AT, BYTES, 3, 0x32);
  return { kernel, task };
}

/** ns per first write to a page; giving it back is not counted. */
function faults(depth: number): () => number {
  let m: ReturnType<typeof nested> | null = null;
  return () => {
    m ??= nested(depth);
    const sys = m.kernel.sys(m.task);
    let ns = 0;
    for (let i = 0; i < 40; i++) {
      const t0 = performance.now();
      sys.touch(AT, PAGES, true);
      ns += (performance.now() - t0) * 1e6;
      sys.madvise(AT, BYTES, 4);
    }
    return ns / (40 * PAGES);
  };
}

const OBJECTS = 1_000_000;
const CAPACITY = 100_000;
const REQUESTS = 1_000_000;
let trace: Uint32Array | null = null;

/** Requests after Zipf's law with exponent 1; objects are numbered at random, as frames are. */
function zipf(): Uint32Array {
  if (trace !== null) return trace;
  const random = randomly(42);
  const sum = new Float64Array(OBJECTS);
  let total = 0;
  for (let i = 0; i < OBJECTS; i++) {
    total += 1 / (i + 1);
    sum[i] = total;
  }
  const name = Uint32Array.from({ length: OBJECTS }, (_, i) => i + 1);
  for (let i = OBJECTS - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [name[i], name[j]] = [name[j], name[i]];
  }
  trace = Uint32Array.from({ length: REQUESTS }, () => {
    const u = ((random() >>> 0) / 2 ** 32) * total;
    let lo = 0;
    let hi = OBJECTS - 1;
    while (lo < hi) {
      const mid = (lo + hi) >> 1;
      if (sum[mid] < u) lo = mid + 1;
      else hi = mid;
    }
    return name[lo];
  });
  return trace;
}

/** The lists of the package: a page that is used goes to the head, one that is not there pushes the oldest out. */
function ownLists() {
  const requests = zipf();
  const place = new Int32Array(OBJECTS + 1);
  const lists = new LruLists(place);
  const ends = lruEnds(1);
  let size = 0;
  return () => {
    let hits = 0;
    for (let i = 0; i < REQUESTS; i++) {
      const pfn = requests[i];
      if (place[pfn] !== 0) {
        hits++;
        lists.rotate(ends, 0, pfn);
        continue;
      }
      if (size === CAPACITY) lists.del(ends, 0, lists.oldest(ends, 0));
      else size++;
      lists.add(ends, 0, pfn);
    }
    return hits;
  };
}

interface Cache {
  get(key: number): unknown;
  set(key: number, value: number): unknown;
}

/** A library's cache under the same requests. */
function library(make: () => Promise<Cache>): () => Promise<() => number> {
  return async () => {
    const cache = await make();
    const requests = zipf();
    return () => {
      let hits = 0;
      for (let i = 0; i < REQUESTS; i++) {
        if (cache.get(requests[i]) !== undefined) hits++;
        else cache.set(requests[i], 1);
      }
      return hits;
    };
  };
}

/** From the root of the repository, where benchmarks are run. */
const source = "packages/memcg/bench/lru.c";
const inC = `d=$(mktemp -d) && gcc -O2 -o "$d/lru" "$0" && "$d/lru" ${OBJECTS} ${CAPACITY} ${REQUESTS}; s=$?; rm -rf "$d"; exit $s`;

const lruPeers: Peer[] = [
  {
    name: "mnemonist LRUCache",
    target: 1.5,
    per: REQUESTS,
    setup: library(async () => new (await peers.mnemonist()).LRUCache(Uint32Array, Uint8Array, CAPACITY)),
  },
  {
    name: "lru-cache",
    target: 4,
    per: REQUESTS,
    setup: library(async () => new (await peers.lruCache()).LRUCache<number, number>({ max: CAPACITY })),
  },
  { name: "the same LRU in C, gcc -O2", target: 0.9, subprocess: { command: "sh", arguments: ["-c", inC, source] } },
];

const SCAN = 1_000_000;

/** A million pages of files on one list in random order, all being written: each is looked at and goes to the head. */
function scan() {
  const { kernel } = boot("4200M");
  const s = kernel.memcg.system;
  const { flags } = kernel.core.mm.frames;
  const random = randomly(9);
  const order = Uint32Array.from({ length: SCAN }, (_, i) => i + 4096);
  for (let i = SCAN - 1; i > 0; i--) {
    const j = random() % (i + 1);
    [order[i], order[j]] = [order[j], order[i]];
  }
  for (const pfn of order) {
    flags[pfn] = PG_LRU | PG_UPTODATE | PG_WRITEBACK;
    s.lists.add(s.root.lru, 2, pfn);
  }
  s.root.size[2] += SCAN;
  const totals = { scanned: 0, freed: 0, priority: 0 };
  return () => shrinkInactive(s, s.root, 2, SCAN, totals, null);
}

/** Bytes of the columns that the package adds to a page, and of all. */
function bytesPerPage(): { "page, memcg's": number; "page, with core's": number } {
  const { kernel } = boot("64M");
  const { mm } = kernel.core;
  let own = 0;
  for (const [name, column] of mm.columns) if (name.startsWith("memcg")) own += column.BYTES_PER_ELEMENT;
  return { "page, memcg's": own, "page, with core's": mm.bytesPerPage };
}

/** A group, with its directory and the counters of the controllers. */
function bytesPerGroup(): number {
  const { kernel, sys } = boot("64M");
  return bytesPerObject(2000, (n) => {
    for (let i = 0; i < n; i++) sys.mkdir(`${ROOT}/g${i}`, 0o755);
    return kernel;
  });
}

function counters(depth: number): () => () => void {
  return () => {
    let leaf = new PageCounter(null);
    for (let i = 0; i < depth; i++) leaf = new PageCounter(leaf);
    return () => {
      for (let i = 0; i < 1000; i++) {
        pageCounterTryCharge(leaf, 1);
        pageCounterUncharge(leaf, 1);
      }
    };
  };
}

const benchmarks: Benchmark[] = [
  {
    name: "fault + charge, depth 1",
    unit: "fault",
    target: 1e9 / 150,
    timed: faults(1),
    bytesPer: () => ({ ...bytesPerPage(), group: Math.round(bytesPerGroup()) }),
    peers: [{ name: "Linux, first write to a page", native: "fault", target: 10 }],
  },
  {
    name: "fault + charge, depth 16",
    unit: "fault",
    target: 1e9 / 180,
    timed: faults(16),
    peers: [
      { name: "the same at depth 1", timed: faults(1), target: 1 / 1.2 },
      { name: "Linux, first write to a page", native: "fault", target: 10 },
    ],
  },
  { name: "LRU under a Zipf trace, 100 k of 1 M", unit: "request", per: REQUESTS, setup: ownLists, peers: lruPeers },
  { name: "scan of an LRU list, 1 M pages", unit: "page", target: 50e6, per: SCAN, setup: scan },
  { name: "charge + uncharge without stock, depth 1", unit: "charge", per: 1000, setup: counters(1) },
  { name: "charge + uncharge without stock, depth 16", unit: "charge", per: 1000, setup: counters(16) },
];

export default benchmarks;

/**
 * What the page cache side of writeback costs to simulate: dirtying through the mapping and through system calls, a flusher's pass, a round
 * of throttling, finding tagged pages, and an hour of four writers. Linux is the same pwrite(2) from C into tmpfs, which copies 4 KiB
 * and keeps no dirty counts; ours has no contents unless it says so.
 */
import {
  type AddressSpace,
  type CoreSys,
  createKernel,
  O_CREAT,
  O_RDWR,
  type Program,
  program,
  TAG_DIRTY,
  TAG_TOWRITE,
} from "@kernelkit/core";
import { type Benchmark, bytesPerObject } from "../../../tooling/bench/src/index.js";
import { BLOCK_WRITTEN, BlockMap } from "../src/fs/blockMap.js";
import { PauseRound, pauseRound, wbPositionRatio, writeback } from "../src/index.js";

const PAGES = 65_536;
const MANY = 1_048_576;
const PAGE = new Uint8Array(4096).fill(1);
const MIB = new Uint8Array(2 ** 20).fill(1);

function machine(contents: "none" | "full" = "none") {
  const kernel = createKernel({ machine: { memory: "2G" } })
    .use(writeback({ contents }))
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { size: 2 ** 31 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  // nobody is throttled, nothing is written by itself
  sys.writeFile("/proc/sys/vm/dirty_bytes", String(2 ** 30 + 2 ** 29));
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", String(2 ** 30));
  const fd = sys.open("/mnt/f", O_RDWR | O_CREAT, 0o644);
  const mapping = kernel.vfs.fget(kernel.init, fd).inode.mapping as AddressSpace;
  const fill = (): void => {
    for (let i = 0; i < PAGES / 256; i++) sys.pwrite64(fd, MIB, i * 2 ** 20);
  };
  return { kernel, sys, fd, mapping, fill };
}

let shared: ReturnType<typeof machine> | null = null;

/** A machine whose file has all its pages in the cache, clean. */
function warm(): ReturnType<typeof machine> {
  if (shared === null) {
    shared = machine();
    shared.fill();
    shared.sys.fsync(shared.fd);
  }
  return shared;
}

/** ns per page of `f`. */
function perPage(f: () => void): number {
  const t0 = performance.now();
  f();
  return ((performance.now() - t0) * 1e6) / PAGES;
}

const first = (contents: "none" | "full") => () => {
  const { sys, fd } = machine(contents);
  return perPage(() => {
    for (let i = 0; i < PAGES; i++) sys.pwrite64(fd, PAGE, i * 4096);
  });
};

const LINUX_FIRST = { name: "Linux, tmpfs, first write", native: "pwrite-first" };
const LINUX_AGAIN = { name: "Linux, tmpfs, write", native: "pwrite" };

const benchmarks: Benchmark[] = [
  {
    name: "first dirtying, mapping",
    unit: "page",
    target: 3e6,
    timed: () => {
      const { kernel, sys, fd, mapping } = warm();
      sys.fsync(fd);
      const { mm } = kernel;
      const pfns = Int32Array.from({ length: PAGES }, (_, i) => mapping.lookup(i));
      return perPage(() => {
        for (let i = 0; i < PAGES; i++) mm.setPageDirty(pfns[i]);
      });
    },
    // what writeback keeps of a page beside core's frames and tags: its place in the file's map of blocks
    bytesPer: () => ({ page: Math.round((100 * bytesPerObject(1, () => [mapOf(MANY)])) / MANY) / 100 }),
    peers: [{ ...LINUX_FIRST, target: 7 }],
  },
  {
    name: "redirtying, mapping",
    unit: "page",
    target: 10e6,
    per: PAGES,
    setup: () => {
      const { kernel, mapping } = warm();
      const { mm } = kernel;
      const pfns = Int32Array.from({ length: PAGES }, (_, i) => mapping.lookup(i));
      for (const pfn of pfns) mm.setPageDirty(pfn);
      return () => {
        for (let i = 0; i < PAGES; i++) mm.setPageDirty(pfns[i]);
      };
    },
    peers: [{ ...LINUX_AGAIN, target: 3 }],
  },
  { name: "first dirtying, pwrite of a page", unit: "page", target: 1e6, timed: first("none"), peers: [LINUX_FIRST] },
  { name: "the same, contents kept", unit: "page", timed: first("full"), peers: [LINUX_FIRST] },
  {
    name: "redirtying, pwrite of a byte",
    unit: "write",
    target: 1e6,
    timed: () => {
      const { sys, fd } = warm();
      const byte = new Uint8Array(1);
      return perPage(() => {
        for (let i = 0; i < PAGES; i++) sys.pwrite64(fd, byte, i * 4096);
      });
    },
    peers: [LINUX_AGAIN],
  },
  {
    name: "a pass over dirty pages, to the end of their writes",
    unit: "page",
    target: 5e6,
    timed: () => {
      const { kernel, sys, fd, mapping } = warm();
      sys.fsync(fd);
      for (let i = 0; i < PAGES; i++) kernel.mm.setPageDirty(mapping.lookup(i));
      return perPage(() => sys.fsync(fd));
    },
  },
  {
    name: "tag scan of dirty pages",
    unit: "page",
    per: PAGES,
    setup: () => {
      const { kernel, mapping } = warm();
      for (let i = 0; i < PAGES; i++) kernel.mm.setPageDirty(mapping.lookup(i));
      return () => {
        let n = 0;
        for (let i = mapping.nextTagged(TAG_DIRTY, 0); i >= 0; i = mapping.nextTagged(TAG_DIRTY, i + 1)) n++;
        return n + mapping.tagCount(TAG_TOWRITE);
      };
    },
  },
  {
    name: "a round of throttling",
    unit: "round",
    target: 1e6,
    per: 1000,
    setup: () => {
      const round = new PauseRound();
      const c = {
        thresh: 10_240,
        bgThresh: 5120,
        dirtyLimit: 10_240,
        dirty: 0,
        wbThresh: 10_000,
        wbBgThresh: 5000,
        wbDirty: 0,
        avgWriteBandwidth: 1024,
        strictlimit: false,
      };
      return () => {
        let sum = 0;
        for (let i = 0; i < 1000; i++) {
          c.dirty = 7700 + ((i * 37) % 2500);
          c.wbDirty = c.dirty;
          pauseRound(round, wbPositionRatio(c), 2000, 1024, c.wbDirty, 32, 1, 250);
          sum = (sum + round.pause) | 0;
        }
        return sum;
      };
    },
  },
  {
    name: "an hour of four writers at 100 MB/s",
    unit: "hour",
    target: 0.5,
    timed: () => {
      const minutes = 4;
      const { kernel } = fourWriters();
      kernel.run("10s");
      const t0 = performance.now();
      kernel.run(`${60 * minutes}s`);
      return (performance.now() - t0) * 1e6 * (60 / minutes);
    },
  },
];

/** Writes 48 MiB of a file over and over, 1 MiB at a time. */
const writer = program("writer", function* (sys: Program<CoreSys>, s: { n: number }) {
  const fd = yield* sys.open(`/mnt/f${s.n}`, O_RDWR | O_CREAT, 0o644);
  for (let i = 0; ; i++) yield* sys.pwrite64(fd, MIB, (i % 48) * 2 ** 20);
});

/** Four of them on a disk of 100 MB/s, of which 128 MiB may be dirty. */
function fourWriters() {
  const kernel = createKernel({ machine: { memory: "512M", cpus: 4 } })
    .use(writeback({ contents: "none" }))
    .boot();
  const sys = kernel.sys(kernel.init);
  kernel.writeback.addDevice("sda", { writeBps: 1e8, queueDepth: 32 });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  sys.writeFile("/proc/sys/vm/dirty_background_bytes", String(2 ** 26));
  sys.writeFile("/proc/sys/vm/dirty_bytes", String(2 ** 27));
  for (let n = 0; n < 4; n++) kernel.spawn(writer, { n });
  return { kernel };
}

/** The block map of a file with n pages, written one after the other. */
function mapOf(n: number): BlockMap {
  const map = new BlockMap();
  for (let i = 0; i < n; i++) map.set(i, BLOCK_WRITTEN, i);
  return map;
}

export default benchmarks;

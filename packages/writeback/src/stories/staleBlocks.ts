/** FALLOC_FL_NO_HIDE_STALE: what speed preallocation without zeros buys, and whose deleted data it shows. */
import { createKernel, O_CREAT, O_DSYNC, O_RDWR } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import { writeback } from "../writeback.js";

type Knobs = { mib: number; writes: number; mibPerSecond: number; seekMs: number };

const NO_HIDE_STALE = 4;
const SECRET = 0xaa;

/** A database preallocates a file on a disk that another user's deleted file was on, and writes random pages of it, each to be safe. */
function database(noHideStale: "off" | "3.7", k: Knobs) {
  const kernel = createKernel({ machine: { memory: "512M" } })
    .use(writeback({ noHideStale }))
    .boot();
  const sys = kernel.sys(kernel.init);
  const disk = kernel.writeback.addDevice("sda", {
    writeBps: k.mibPerSecond * 2 ** 20,
    seekNs: k.seekMs * 1e6,
    // the disk is a little larger than the files: blocks are used again
    size: (k.mib + 1) * 2 ** 20,
  });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  const pages = k.mib * 256;
  sys.writeFile("/mnt/secret", new Uint8Array(pages * 4096).fill(SECRET));
  sys.sync();
  sys.unlink("/mnt/secret");
  sys.sync();
  const fd = sys.open("/mnt/db", O_RDWR | O_CREAT | O_DSYNC, 0o644);
  sys.fallocate(fd, noHideStale === "3.7" ? NO_HIDE_STALE : 0, 0, pages * 4096);
  sys.fsync(fd);
  let exposed = 0;
  for (let i = 0; i < pages; i++) if (sys.pread64(fd, 1, i * 4096)[0] === SECRET) exposed++;
  const requests = disk.requests;
  const seeks = disk.seeks;
  const start = kernel.now;
  const record = new Uint8Array(4096).fill(1);
  for (let i = 0; i < k.writes; i++) sys.pwrite64(fd, record, ((i * 7919) % pages) * 4096);
  const seconds = (kernel.now - start) / 1e9;
  return { exposed, seconds, requests: disk.requests - requests, seeks: disk.seeks - seeks };
}

export const staleBlocks: Story<Knobs> = {
  id: "no-hide-stale",
  question: "What does preallocation that does not hide old blocks buy, and what does it show?",
  source: "FALLOC_FL_NO_HIDE_STALE",
  claim:
    "synchronous first writes into the file are at least 1.5 times as fast, as no extent has to be marked as written; every preallocated page shows the deleted file's data, where otherwise it reads as zeros",
  assumes: ["a commit of the journal is two blocks and those of the inodes"],
  knobs: {
    mib: { kind: "number", default: 8, min: 1, max: 256, unit: "MiB" },
    writes: { kind: "number", default: 500, min: 1, max: 100_000, unit: "writes" },
    mibPerSecond: { kind: "number", default: 40, min: 1, max: 4096, unit: "MiB/s" },
    seekMs: { kind: "number", default: 4, min: 0, max: 100, unit: "ms" },
  },
  run(given): StoryResult {
    const k = knobsOf<Knobs>(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const design of ["off", "3.7"] as const) {
      const r = database(design, k);
      rows.push([design, r.seconds, k.writes / r.seconds, r.requests, r.seeks, r.exposed]);
      for (const [name, v] of Object.entries(r)) numbers[`${design}.${name}`] = v;
    }
    numbers.speedup = numbers["off.seconds"] / numbers["3.7.seconds"];
    const columns = [
      "noHideStale",
      "seconds",
      "writes per second",
      "requests",
      "seeks",
      "pages that show the deleted file",
    ];
    return { series: [], table: { columns, rows }, numbers };
  },
};

/** A power cut at a random instant, many times: which version of each page is on the disk, and is it ever torn. */
import { createKernel, O_CREAT, O_RDWR, type PageData, Rng } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import { byteAt } from "../device/contents.js";
import type { StablePages } from "../options.js";
import { writeback } from "../writeback.js";

type Knobs = { cuts: number; pages: number; kibPerSecond: number; cacheKib: number; seed: number };

const DESIGNS: readonly StablePages[] = ["modern", "none"];
/** Cuts of one machine: each has a disk of its own. */
const BATCH = 50;

interface Outcome {
  /** Pages that hold version 1 (safe before), 2 (being written), 3 (written while that was under way), or parts of several. */
  first: number;
  second: number;
  third: number;
  torn: number;
  /** Pages of files that fsync had promised and the disk does not have. */
  lost: number;
}

/** The version of a page by its bytes: 0 if it has several. */
function version(d: PageData): number {
  const v = byteAt(d, 0);
  for (let i = 1; i < 4096; i++) if (byteAt(d, i) !== v) return 0;
  return v;
}

function cut(design: StablePages, k: Knobs, rng: Rng, out: Outcome, n: number): void {
  const kernel = createKernel({ machine: { memory: "64M" } })
    .use(writeback({ stablePages: design }))
    .boot();
  const sys = kernel.sys(kernel.init);
  const writeBps = k.kibPerSecond * 1024;
  // the journal's commit takes some time too
  const spanNs = ((k.pages + 8) * 4096 * 1e9) / writeBps;
  for (let i = 0; i < n; i++) {
    const name = `d${i}`;
    kernel.writeback.addDevice(name, {
      writeBps,
      writeCacheBytes: k.cacheKib * 1024,
      stableWrites: true,
      size: 2 ** 20,
    });
    sys.mkdir(`/mnt/${name}`, 0o755);
    sys.mount(`/dev/${name}`, `/mnt/${name}`, "ext4", 0);
    const fd = sys.open(`/mnt/${name}/f`, O_RDWR | O_CREAT, 0o644);
    sys.pwrite64(fd, new Uint8Array(k.pages * 4096).fill(1), 0);
    sys.fsync(fd);
    sys.pwrite64(fd, new Uint8Array(k.pages * 4096).fill(2), 0);
    sys.sync_file_range(fd, 0, 0, 2);
    // somebody goes on writing while that is on its way, if the design lets him
    const cutAt = kernel.now + Math.floor(rng.float() * spanNs);
    if (design === "none") {
      kernel.run(Math.floor(rng.float() * (cutAt - kernel.now)));
      sys.pwrite64(fd, new Uint8Array(k.pages * 4096).fill(3), 0);
    }
    if (cutAt > kernel.now) kernel.run(cutAt - kernel.now);
    kernel.writeback.powerLoss(name);
    const file = kernel.writeback.recover(name).get(Number(sys.fstat(fd).ino));
    for (let p = 0; p < k.pages; p++) {
      const v = file === undefined || file.size !== k.pages * 4096 ? -1 : version(file.read(p));
      if (v === 1) out.first++;
      else if (v === 2) out.second++;
      else if (v === 3) out.third++;
      else if (v === 0) out.torn++;
      if (v < 0) out.lost++;
    }
  }
}

export const powerCut: Story<Knobs> = {
  id: "power-cut",
  question: "Which version of a page is on the disk after a power cut, and is a page ever torn?",
  source: "Optimizing stable pages",
  claim:
    "what fsync has promised is never lost; a rewritten page is the old or the new version, torn at most where the cut met it (one page per cut); without stable pages versions mix in other pages too",
  assumes: [
    "a disk writes sectors of 512 bytes as a whole",
    "requests are carried out one after the other at an even rate; what a write cache holds is lost",
  ],
  knobs: {
    cuts: { kind: "number", default: 1000, min: 1, max: 100_000, unit: "cuts" },
    pages: { kind: "number", default: 8, min: 1, max: 64, unit: "pages" },
    kibPerSecond: { kind: "number", default: 256, min: 4, max: 65536, unit: "KiB/s" },
    cacheKib: { kind: "number", default: 0, min: 0, max: 1024, unit: "KiB" },
    seed: { kind: "number", default: 1, min: 0, max: 2 ** 31, unit: "" },
  },
  run(given): StoryResult {
    const k = knobsOf<Knobs>(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const design of DESIGNS) {
      const rng = new Rng(k.seed).fork(design);
      const out: Outcome = { first: 0, second: 0, third: 0, torn: 0, lost: 0 };
      for (let done = 0; done < k.cuts; done += BATCH) cut(design, k, rng, out, Math.min(BATCH, k.cuts - done));
      rows.push([design, out.first, out.second, out.third, out.torn, out.lost]);
      for (const [name, v] of Object.entries(out)) numbers[`${design}.${name}`] = v;
    }
    const columns = ["design", "version 1", "version 2", "version 3", "torn", "lost after fsync"];
    return { series: [], table: { columns, rows }, numbers };
  },
};

/** Who waits when a log is rewritten while it is on its way to a slow disk: one run per design of stable pages. */
import { createKernel, O_CREAT, O_RDWR } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import type { StablePages } from "../options.js";
import { writeback } from "../writeback.js";

const DESIGNS: readonly StablePages[] = ["always", "bdi-flag", "pg-stable", "modern", "none"];

type Knobs = { mib: number; mibPerSecond: number; checksums: string };

/** Write a file, start its writeback, rewrite every page: seconds in all, the longest write, and what the device saw. */
function rewrite(design: StablePages, k: Knobs): { total: number; longest: number; errors: number } {
  const kernel = createKernel({ machine: { memory: "512M" } })
    .use(writeback({ stablePages: design }))
    .boot();
  const sys = kernel.sys(kernel.init);
  const disk = kernel.writeback.addDevice("sda", {
    writeBps: k.mibPerSecond * 2 ** 20,
    integrity: k.checksums === "yes" ? "crc" : "none",
  });
  sys.mount("/dev/sda", "/mnt", "ext4", 0);
  const fd = sys.open("/mnt/log", O_RDWR | O_CREAT, 0o644);
  const pages = k.mib * 256;
  sys.pwrite64(fd, new Uint8Array(pages * 4096).fill(1), 0);
  sys.sync_file_range(fd, 0, 0, 2);
  const start = kernel.now;
  const page = new Uint8Array(4096).fill(2);
  let longest = 0;
  for (let i = 0; i < pages; i++) {
    const before = kernel.now;
    sys.pwrite64(fd, page, i * 4096);
    longest = Math.max(longest, kernel.now - before);
  }
  const total = kernel.now - start;
  kernel.run("20s");
  return { total: total / 1e9, longest: longest / 1e9, errors: disk.checksumErrors };
}

export const stalls: Story<Knobs> = {
  id: "stable-page-stalls",
  question:
    "What does a database log pay for stable pages on a slow disk, and what does a checksumming disk see without?",
  source: "Optimizing stable pages",
  claim:
    "with stable pages the rewrite takes as long as the disk (1.5 to 4.3 s); without at most 0.1 s, and with checksums every page changed in flight is an error",
  assumes: ["the disk carries out requests one after the other at an even rate"],
  knobs: {
    mib: { kind: "number", default: 16, min: 1, max: 64, unit: "MiB" },
    mibPerSecond: { kind: "number", default: 4, min: 1, max: 1024, unit: "MiB/s" },
    checksums: { kind: "choice", default: "yes", choices: ["yes", "no"] },
  },
  run(given): StoryResult {
    const k = knobsOf<Knobs>(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const design of DESIGNS) {
      const r = rewrite(design, k);
      rows.push([design, r.total, r.longest, r.errors]);
      numbers[`${design}.total`] = r.total;
      numbers[`${design}.longest`] = r.longest;
      numbers[`${design}.errors`] = r.errors;
    }
    return {
      series: [],
      table: { columns: ["design", "seconds", "longest write, s", "checksum errors"], rows },
      numbers,
    };
  },
};

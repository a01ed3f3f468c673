/** What breaks when pages change on their way to a device: checksums, extents, mirrors, parity - by design of stable pages. */
import { createKernel, O_CREAT, O_RDWR } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import type { DeviceModel } from "../device/model.js";
import type { StablePages } from "../options.js";
import { writeback } from "../writeback.js";

type Knobs = { pages: number; kibPerSecond: number; changeAfterMs: number };

/** A design, and what a mirror makes of it. */
const DESIGNS: readonly (readonly [StablePages, "none" | "optional" | "required"])[] = [
  ["none", "none"],
  ["none", "optional"],
  ["always", "none"],
  ["bdi-flag", "required"],
  ["pg-stable", "required"],
  ["modern", "required"],
  ["user-settable", "required"],
];

/** Each page is changed once while it is written. What the devices have afterwards. */
function change(stablePages: StablePages, stable: "none" | "optional" | "required", k: Knobs) {
  const kernel = createKernel({ machine: { memory: "256M" } })
    .use(writeback({ stablePages }))
    .boot();
  const sys = kernel.sys(kernel.init);
  const api = kernel.writeback;
  const writeBps = k.kibPerSecond * 1024;
  const leg = (name: string, times: number): string => {
    api.addDevice(name, { writeBps: writeBps * times });
    return name;
  };
  const needs = stable === "required";
  const models: Record<string, DeviceModel> = {
    crc: { writeBps, integrity: "crc" },
    mirror: { raid1: [leg("m0", 2), leg("m1", 1)], stable, stableWrites: needs },
    parity: { raid5: [leg("p0", 1), leg("p1", 1), leg("p2", 1)], stable, stableWrites: needs },
    squeezed: { writeBps },
  };
  const files = Object.entries(models).map(([name, model]) => {
    api.addDevice(name, model);
    sys.mkdir(`/mnt/${name}`, 0o755);
    sys.mount(`/dev/${name}`, `/mnt/${name}`, name === "squeezed" ? "compressfs" : "ext4", 0);
    const bdi = `/sys/class/bdi/${api.device(name).bdi.name}/stable_pages_required`;
    if (stablePages === "user-settable") sys.writeFile(bdi, "0");
    return sys.open(`/mnt/${name}/f`, O_RDWR | O_CREAT, 0o644);
  });
  const old = (i: number): Uint8Array => new Uint8Array(4096).fill(7 * i + 1);
  const fresh = (i: number): Uint8Array => new Uint8Array(4096).fill(13 * i + 2);
  let waitedNs = 0;
  for (const fd of files) {
    for (let i = 0; i < k.pages; i++) sys.pwrite64(fd, old(i), i * 4096);
    sys.sync_file_range(fd, 0, 0, 2);
    kernel.run(k.changeAfterMs * 1e6);
    const before = kernel.now;
    for (let i = 0; i < k.pages; i++) sys.pwrite64(fd, fresh(i), i * 4096);
    waitedNs += kernel.now - before;
    // the first version arrives; the second stays in memory
    kernel.run(Math.ceil((k.pages * 4096 * 1e9) / writeBps) + 1e9);
  }
  return {
    checksums: api.device("crc").checksumErrors,
    mirror: api.mismatches("mirror"),
    parity: api.mismatches("parity"),
    squeezed: api.device("squeezed").undecodable,
    copied: api.device("mirror").pagesCopied,
    waited: waitedNs / 1e9,
  };
}

export const corruption: Story<Knobs> = {
  id: "stable-page-corruption",
  question: "What is on a disk when pages are changed while they are being written, and which design prevents it?",
  source: "Optimizing stable pages",
  claim:
    "without stable pages each page that its device has not read yet when it changes is a checksum error, a wrong parity and an extent that cannot be decoded, and each that only one half of a mirror has read a pair that differs; with stable pages, or with copies, there is none - and a flag that the administrator may clear protects nobody",
  assumes: [
    "a device reads a page while it writes it, 1 ms ahead of the medium",
    "one half of the mirror is twice as fast as the other",
  ],
  knobs: {
    pages: { kind: "number", default: 64, min: 1, max: 1024, unit: "pages" },
    kibPerSecond: { kind: "number", default: 256, min: 4, max: 65536, unit: "KiB/s" },
    changeAfterMs: { kind: "number", default: 200, min: 0, max: 1000, unit: "ms" },
  },
  run(given): StoryResult {
    const k = knobsOf<Knobs>(this.knobs, given);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    for (const [design, md] of DESIGNS) {
      const r = change(design, md, k);
      rows.push([design, md, r.checksums, r.mirror, r.parity, r.squeezed, r.copied, r.waited]);
      for (const [name, v] of Object.entries(r)) numbers[`${design}.${md}.${name}`] = v;
    }
    const columns = [
      "design",
      "array's need",
      "checksum errors",
      "halves that differ",
      "stripes with wrong parity",
      "pages that cannot be decoded",
      "pages copied by the mirror",
      "seconds waited by the writer",
    ];
    return { series: [], table: { columns, rows }, numbers };
  },
};

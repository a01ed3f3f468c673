/** The story "200 MiB of nothing": memory that is read and never written, with and without the huge zero page; then written; then freed. */
import type { Mm } from "@kernelkit/core";
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { MIB, Rig } from "./rig.js";

type Knobs = { readonly mib: number; readonly written: number };

const knobs: Story<Knobs>["knobs"] = {
  mib: { kind: "number", default: 200, min: 2, max: 400, unit: "MiB read" },
  written: { kind: "number", default: 10, min: 1, max: 100, unit: "% of the 2 MiB blocks written to, one page each" },
};

const AT = 0x200000000;
const BLOCK = 2 * MIB;

interface Rival {
  readonly name: string;
  readonly thp: string;
  readonly useZeroPage: boolean;
  readonly design: "huge" | "split" | "virtual";
}

const RIVALS: readonly Rival[] = [
  { name: "THP always, no zero page", thp: "always", useZeroPage: false, design: "huge" },
  { name: "THP never", thp: "never", useZeroPage: true, design: "huge" },
  { name: "huge zero page, copied whole", thp: "always", useZeroPage: true, design: "huge" },
  { name: "huge zero page, split at a write", thp: "always", useZeroPage: true, design: "split" },
  { name: "table of small zero pages (virtual)", thp: "always", useZeroPage: true, design: "virtual" },
];

function live(r: Rival, o: Knobs) {
  const rig = new Rig({ memory: "1G", thp: r.thp });
  const { mm } = rig.kernel.core;
  mm.thp.hugeZero = r.design;
  rig.sys.writeFile("/sys/kernel/mm/transparent_hugepage/use_zero_page", r.useZeroPage ? "1" : "0");
  rig.group("/g");
  const t = rig.task("/g");
  const view = rig.kernel.sys(t);
  const blocks = Math.floor(o.mib / 2);
  const rss = (): number => ((t.mm as Mm).rssPages * 4096) / MIB;
  view.mmap(AT, blocks * BLOCK, 3, 0x32);
  view.touch(AT, blocks * 512, false);
  const read = rss();
  const tables = (t.mm as Mm).pgtablesBytes / 1024;
  const charged = rig.number("/g/memory.current") / MIB;
  const writes = Math.ceil((blocks * o.written) / 100);
  for (let i = 0; i < writes; i++) view.touch(AT + i * BLOCK, 1, true);
  const written = rss();
  const held = mm.hugeZero.pfn !== 0 ? 2 : 0;
  view.exit_group(0);
  rig.kernel.run("1ms");
  const after = mm.hugeZero.pfn !== 0 ? 2 : 0;
  rig.sys.writeFile("/proc/sys/vm/drop_caches", "2");
  const shrunk = mm.hugeZero.pfn !== 0 ? 2 : 0;
  return { read, charged, written, tables, held, after, shrunk, allocated: mm.read(mm.stat("thp_zero_page_alloc")) };
}

const round = (n: number): number => Math.round(n * 100) / 100;

export const hugeZeroPage: Story<Knobs> = {
  id: "huge-zero-page",
  question: "What does memory cost that a program reads before it has written anything?",
  source: "Linux 3.8, huge zero page",
  claim:
    "200 MiB read with huge pages: 200 MiB resident without the huge zero page, less than 1 MiB with it, and one page of 2 MiB for the whole " +
    "machine; a first write costs 2 MiB where it is copied whole, 4 KiB where it is split; the shrinker takes the page after its last user",
  assumes: ["each process image here starts with nothing resident: Linux's has some 400 KiB more"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const all = RIVALS.map((r) => ({ r, v: live(r, o) }));
    const numbers: Record<string, number> = {};
    for (const { r, v } of all) {
      numbers[`read ${r.name}`] = v.read;
      numbers[`written ${r.name}`] = v.written;
      numbers[`charged ${r.name}`] = v.charged;
      numbers[`tables ${r.name}`] = v.tables;
      numbers[`zero pages ${r.name}`] = v.allocated;
      numbers[`held ${r.name}`] = v.after;
      numbers[`shrunk ${r.name}`] = v.shrunk;
    }
    return {
      series: all.map(({ r, v }) => ({
        name: r.name,
        unit: "MiB",
        of: "read, written",
        x: [0, 1],
        y: [round(v.read), round(v.written)],
      })),
      table: {
        columns: [
          "design",
          "resident after reading",
          "page tables KiB",
          "after writing",
          "zero page after exit",
          "after the shrinker",
        ],
        rows: all.map(({ r, v }) => [r.name, round(v.read), v.tables, round(v.written), v.after, v.shrunk]),
      },
      numbers,
    };
  },
};

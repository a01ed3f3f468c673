/**
 * The story "One log, many readers": a log is written all the time and read by many. Every read beside the writer makes an entry that
 * says nothing new.
 */
import { O_APPEND, O_RDONLY, O_WRONLY } from "@kernelkit/core";
import { knobsOf, type Series, type Story } from "@kernelkit/core/stories";
import { utf8 } from "../bytes.js";
import { Rig } from "./rig.js";

type Knobs = { readonly readers: number; readonly rotations: number };

const designs = ["every", "limited"] as const;

function run(violations: (typeof designs)[number], o: Knobs): { x: number[]; y: number[]; entries: number } {
  const rig = new Rig({ cmdline: "ima_policy=tcb", integrity: { violations } });
  const x: number[] = [];
  const y: number[] = [];
  for (let r = 0; r < o.rotations; r++) {
    const path = `/mnt/log.${r}`;
    rig.write(path, `log ${r}\n`);
    const fd = rig.sys.open(path, O_WRONLY | O_APPEND);
    for (let i = 0; i < o.readers; i++) {
      rig.sys.write(fd, utf8("a line\n"));
      rig.open(path, O_RDONLY);
      x.push(x.length + 1);
      y.push(rig.api.state.list.violations);
    }
    rig.sys.close(fd);
  }
  return { x, y, entries: rig.api.state.list.violations };
}

export const violationCost: Story<Knobs> = {
  id: "violation-cost",
  question: "What does a log that is always being written cost the measurement list?",
  source: "Linux 6.15 (ima: limit the number of open-writers and ToMToU violations)",
  claim: "before 6.15 every read beside the writer is an entry; since then one per open writer",
  assumes: [],
  knobs: {
    readers: { kind: "number", default: 50, min: 1, max: 10_000, unit: "reads per writer" },
    rotations: { kind: "number", default: 3, min: 1, max: 100, unit: "writers" },
  },
  run(given) {
    const o = knobsOf(this.knobs, given);
    const all = designs.map((d) => ({ name: d, ...run(d, o) }));
    const series: Series[] = all.map(({ name, x, y }) => ({ name, unit: "entries", of: "reads", x, y }));
    return {
      series,
      table: { columns: ["violations", "entries"], rows: all.map((a) => [a.name, a.entries]) },
      numbers: Object.fromEntries(all.map((a) => [a.name, a.entries])),
    };
  },
};

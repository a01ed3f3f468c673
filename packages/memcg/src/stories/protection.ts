/** The story "Fifty for three": how memory.min of a parent is shared by its children when a neighbour wants everything. */
import { knobsOf, type Series, type Story } from "@kernelkit/core/stories";
import { MIB, Rig } from "./rig.js";

type Knobs = { readonly parent: number; readonly first: number; readonly second: number; readonly recursive: string };

const knobs: Story<Knobs>["knobs"] = {
  parent: { kind: "number", default: 50, min: 0, max: 100, unit: "MiB memory.min of the parent" },
  first: { kind: "number", default: 75, min: 0, max: 200, unit: "MiB memory.min of the first child" },
  second: { kind: "number", default: 25, min: 0, max: 200, unit: "MiB memory.min of the second" },
  recursive: { kind: "choice", default: "no", choices: ["no", "yes"] },
};

const EACH = 50;
const STEPS = 16;
const AT = 0x200000000;

export const protection: Story<Knobs> = {
  id: "memory-min",
  question: "Three children with 50 MiB of cache each, their parent protects 50: who keeps what?",
  source: "kernel document admin-guide/cgroup-v2, memory.min",
  claim: "the parent keeps about 50 MiB; the children share it by what they use of what they ask: about 29, 21 and 0",
  assumes: ["reclaim takes 32 pages at a time; which page goes first within a group is by age alone"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rig = new Rig({
      memory: "1G",
      options: { cgroup2Options: o.recursive === "yes" ? "memory_recursiveprot" : "" },
    });
    const { kernel, sys } = rig;
    kernel.vfs.addDisk({ name: "vda", type: "ext4" });
    sys.mkdir("/d", 0o755);
    sys.mount("/dev/vda", "/d", "ext4", 0, "");
    rig.group("/a", { "cgroup.subtree_control": "+memory", "memory.max": "200M" });
    rig.group("/a/p", { "cgroup.subtree_control": "+memory" });
    rig.group("/a/other");
    const mins = [o.first, o.second, 0];
    mins.forEach((min, i) => {
      rig.group(`/a/p/${i}`);
      const view = kernel.sys(rig.task(`/a/p/${i}`));
      view.writeFile(`/d/${i}`, new Uint8Array(EACH * MIB));
      sys.writeFile(`${rig.root}/a/p/${i}/memory.min`, `${min}M`);
    });
    sys.writeFile(`${rig.root}/a/p/memory.min`, `${o.parent}M`);
    const hog = kernel.sys(rig.task("/a/other"));
    const want = 148 * MIB;
    hog.mmap(AT, want, 3, 0x32);
    const x: number[] = [];
    const y: number[][] = [[], [], []];
    for (let i = 1; i <= STEPS; i++) {
      hog.touch(AT, Math.floor((want / 4096 / STEPS) * i), true);
      x.push(Math.round((want / MIB / STEPS) * i));
      for (let g = 0; g < 3; g++) y[g].push(Math.round((rig.number(`/a/p/${g}/memory.current`) / MIB) * 10) / 10);
    }
    const kept = y.map((s) => s[s.length - 1]);
    const parent = rig.number("/a/p/memory.current") / MIB;
    const series: Series[] = y.map((s, i) => ({
      name: `child ${i}, min ${mins[i]}M`,
      unit: "MiB",
      of: "neighbour, MiB",
      x,
      y: s,
    }));
    return {
      series,
      table: { columns: ["child", "memory.min", "keeps MiB"], rows: kept.map((n, i) => [i, mins[i], n]) },
      numbers: { parent, first: kept[0], second: kept[1], third: kept[2] },
    };
  },
};

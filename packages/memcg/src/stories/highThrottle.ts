/** The story "Above the line": what memory.high does to a task that goes on allocating, by how far it is above. */
import { knobsOf, type Story } from "@kernelkit/core/stories";
import { calculateHighDelay } from "../highDelay.js";
import { MIB, Rig } from "./rig.js";

type Knobs = { readonly high: number; readonly above: number };

const knobs: Story<Knobs>["knobs"] = {
  high: { kind: "number", default: 30, min: 1, max: 200, unit: "MiB memory.high" },
  above: { kind: "number", default: 8, min: 1, max: 40, unit: "MiB allocated beyond it" },
};

const AT = 0x200000000;
const HZ = 1000;
const BATCH = 64;

export const highThrottle: Story<Knobs> = {
  id: "memory-high",
  question: "How hard does memory.high brake a task whose memory cannot be reclaimed?",
  source: "kernel document admin-guide/cgroup-v2, memory.high",
  claim:
    "nothing below the line; above it the delay of a batch of 64 pages grows with the square of the overage, up to two seconds",
  assumes: ["no swap: what the task has written cannot go", "a page fault costs the time that core's cost table says"],
  knobs,
  run(given) {
    const o = knobsOf(knobs, given);
    const rig = new Rig({ memory: "512M" });
    rig.group("/g", { "memory.high": `${o.high}M`, "memory.swap.max": "0" });
    const t = rig.task("/g");
    const view = rig.kernel.sys(t);
    view.mmap(AT, (o.high + o.above + 1) * MIB, 3, 0x32);
    const x: number[] = [];
    const y: number[] = [];
    let below = 0;
    const mib = (from: number): number => {
      const start = rig.kernel.now;
      view.touch(AT + from * MIB, 256, true);
      return (rig.kernel.now - start) / 1e6;
    };
    for (let i = 0; i < o.high - 1; i++) below += mib(i);
    for (let i = o.high - 1; i < o.high + o.above; i++) {
      x.push(i + 1 - o.high);
      y.push(Math.round(mib(i) * 10) / 10);
    }
    const highPages = o.high * 256;
    const model = x.map((n) => calculateHighDelay(highPages + n * 256, highPages, BATCH, HZ));
    return {
      series: [
        { name: "a MiB takes", unit: "ms", of: "MiB above", x, y },
        { name: "delay of 64 pages", unit: "ms", of: "MiB above", x, y: model },
      ],
      table: {
        columns: ["MiB above memory.high", "ms for the next MiB", "ms for 64 pages"],
        rows: x.map((n, i) => [n, y[i], model[i]]),
      },
      numbers: { below: below / Math.max(1, o.high - 1), first: y[1] ?? 0, last: y[y.length - 1] },
    };
  },
};

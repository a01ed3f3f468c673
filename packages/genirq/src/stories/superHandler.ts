/** superHandler: the one big handler of before 2006 and a flow per line, on the same arrivals. */
import { createMachine } from "@kernelkit/core";
import { knobsOf, type Story, type StoryResult } from "@kernelkit/core/stories";
import { IRQ_HANDLED, IRQ_NONE, IRQ_PER_CPU, IRQD_IRQ_DISABLED, IRQD_IRQ_MASKED } from "../abi.js";
import { type IrqChip, irqChip } from "../chip/irqChip.js";
import type { FlowHandler, IrqData } from "../desc.js";
import {
  handleEdgeIrq,
  handleFasteoiIrq,
  handleLevelIrq,
  handlePercpuIrq,
  handleSimpleIrq,
} from "../flow/flowHandlers.js";
import { genirq } from "../genirq.js";
import type { Irqs } from "../irqs.js";

type Knobs = { arrivals: number; overlapPercent: number };
type Kind = "simple" | "percpu" | "level" | "edge" | "fasteoi";

const FLOWS: Readonly<Record<Kind, FlowHandler>> = {
  simple: handleSimpleIrq,
  percpu: handlePercpuIrq,
  level: handleLevelIrq,
  edge: handleEdgeIrq,
  fasteoi: handleFasteoiIrq,
};

/** Columns and arrays of state that a flow looks at; counters are the same for both. */
const STATE = [
  "state",
  "settings",
  "depth",
  "threadsOneshot",
  "irqsUnhandled",
  "threadsHandledLast",
  "action",
] as const;

interface Counts {
  reads: number;
  writes: number;
  chip: number;
  runs: number;
  idleRuns: number;
  arrivals: number;
  lost: number;
}

/** Count what is read and written of the lines' state from now on: each read is there to decide something. */
function watch(g: Irqs, n: Counts): void {
  for (const name of STATE) {
    const column = g[name] as unknown as Record<string, unknown>;
    const proxy = new Proxy(column, {
      get(target, key) {
        if (typeof key === "string" && /^\d+$/.test(key)) n.reads++;
        const v = Reflect.get(target, key, target) as unknown;
        return typeof v === "function" ? (v as () => unknown).bind(target) : v;
      },
      set(target, key, value) {
        n.writes++;
        return Reflect.set(target, key, value, target);
      },
    });
    Object.defineProperty(g, name, { value: proxy, writable: true, enumerable: true, configurable: true });
  }
}

/** What the controller must do for each kind, for the flow and - in ack and end - for the one big handler. */
function chipFor(kind: Kind, n: Counts): IrqChip {
  const op = (): void => {
    n.chip++;
  };
  const open = (d: IrqData): void => {
    // the chip itself has to look whether the line is disabled
    if ((d.g.state[d.irq] & IRQD_IRQ_DISABLED) === 0) n.chip++;
  };
  switch (kind) {
    case "level":
      return irqChip("level", { irqMask: op, irqUnmask: op, irqMaskAck: op, irqAck: op, irqEnd: open });
    case "fasteoi":
      return irqChip("fasteoi", { irqMask: op, irqUnmask: op, irqEoi: op, irqAck() {}, irqEnd: op });
    case "edge":
      return irqChip("edge", { irqMask: op, irqUnmask: op, irqAck: op, irqEnd() {} });
    case "percpu":
      return irqChip("percpu", { irqAck: op, irqEoi: op, irqEnd: op });
    default:
      return irqChip("simple", { irqAck() {}, irqEnd() {} });
  }
}

/** The same arrivals for every run: which of them meet a running handler. */
function overlaps(arrivals: number, percent: number): boolean[] {
  let x = 12345;
  return Array.from({ length: arrivals }, () => {
    x = (Math.imul(x, 1103515245) + 12345) >>> 0;
    return (x >>> 16) % 100 < percent;
  });
}

function play(kind: Kind, entry: "flow" | "__do_IRQ", trace: readonly boolean[]): Counts {
  const kernel = createMachine({ machine: { cpus: 1 } })
    .use(genirq({ entry }))
    .boot();
  const a = kernel.genirq;
  const n: Counts = { reads: 0, writes: 0, chip: 0, runs: 0, idleRuns: 0, arrivals: 0, lost: 0 };
  const irq = a.irqAllocDesc();
  a.irqSetChipAndHandlerName(irq, chipFor(kind, n), FLOWS[kind], null);
  if (kind === "percpu") a.irqModifyStatus(irq, 0, IRQ_PER_CPU);
  // a device that counts events; its handler takes all that are there, and may be interrupted by one more after that
  let waiting = 0;
  let again = false;
  a.requestIrq(
    irq,
    () => {
      n.runs++;
      if (waiting === 0) n.idleRuns++;
      const took = waiting;
      waiting = 0;
      if (again) {
        again = false;
        waiting++;
        n.arrivals++;
        a.irqs.handle(irq);
      }
      return took > 0 ? IRQ_HANDLED : IRQ_NONE;
    },
    0,
    kind,
  );
  watch(a.irqs, n);
  n.chip = 0;
  const { irq: context } = kernel.core;
  for (const overlapped of trace) {
    again = overlapped;
    waiting++;
    n.arrivals++;
    context.enter(0);
    a.genericHandleIrq(irq);
    // a level is still there until the device is satisfied, and interrupts anew when the line is open
    while (kind === "level" && waiting > 0 && (a.irqs.state[irq] & IRQD_IRQ_MASKED) === 0) a.genericHandleIrq(irq);
    context.exit(0);
    // fasteoi controllers of level lines do the same; of edges the event is gone
    n.lost += waiting;
    waiting = 0;
  }
  return n;
}

export const superHandler: Story<Knobs> = {
  id: "superHandler",
  question:
    "Do flows of their own make the paths of interrupts shorter than the one routine that ran every kind before 2006?",
  source: "LWN 2006-05",
  claim:
    "per arrival the simple and per-CPU flows look at less state than __do_IRQ does for them, level needs one chip call more (mask+ack and unmask are two either way with a combined operation), edge about the same; no design loses edges",
  assumes: [
    "State is counted where the flows of this package read and write it, not in Linux's machine code.",
    "With the one routine a chip's ack and end do what the hardware needs, as in 2.6.16.",
  ],
  knobs: {
    arrivals: { kind: "number", default: 2000, min: 10, max: 100_000, unit: "arrivals" },
    overlapPercent: { kind: "number", default: 10, min: 0, max: 100, unit: "%" },
  },
  run(given): StoryResult {
    const { arrivals, overlapPercent } = knobsOf(superHandler.knobs, given);
    const trace = overlaps(arrivals, overlapPercent);
    const rows: (string | number)[][] = [];
    const numbers: Record<string, number> = {};
    const kinds = Object.keys(FLOWS) as Kind[];
    for (const kind of kinds) {
      for (const entry of ["flow", "__do_IRQ"] as const) {
        const n = play(kind, entry, trace);
        const per = (v: number): number => Math.round((v / n.arrivals) * 100) / 100;
        rows.push([kind, entry, per(n.reads), per(n.writes), per(n.chip), n.runs, n.lost, n.idleRuns]);
        numbers[`${kind}.${entry}.state`] = per(n.reads + n.writes);
        numbers[`${kind}.${entry}.chip`] = per(n.chip);
        numbers[`${kind}.${entry}.lost`] = n.lost;
        numbers[`${kind}.${entry}.idleRuns`] = n.idleRuns;
      }
    }
    const x = kinds.map((_, i) => i);
    return {
      series: (["flow", "__do_IRQ"] as const).map((entry) => ({
        name: entry,
        unit: "state words per arrival",
        of: `kind (${kinds.join(", ")})`,
        x,
        y: kinds.map((kind) => numbers[`${kind}.${entry}.state`]),
      })),
      table: {
        columns: [
          "kind",
          "entry",
          "state reads",
          "state writes",
          "chip calls",
          "handler runs",
          "lost",
          "runs for nothing",
        ],
        rows,
      },
      numbers,
    };
  },
};

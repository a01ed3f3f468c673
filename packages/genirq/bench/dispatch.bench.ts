/**
 * What an interrupt costs: a flow with its chip calls and the handler, beside event emitters that call the same handlers. The lines (and
 * events) have eight different handlers, so that no engine inlines them; they are called in a random order with repeats, the same for all.
 *
 * Not the same work: an emitter finds its listeners and calls them; a flow also masks, acknowledges, counts, looks for spurious ones and
 * keeps the line's state. The level flow makes four calls (mask, ack, handler, unmask) where an emitter with one listener makes one; the
 * row with four listeners is the same number of calls.
 */
import { EventEmitter } from "node:events";
import { createMachine } from "@kernelkit/core";
import { type Benchmark, type Peer, peers, randomly } from "../../../tooling/bench/src/index.js";
import {
  type FlowHandler,
  genericHandleIrq,
  genirq,
  handleEdgeIrq,
  handleFasteoiIrq,
  handleLevelIrq,
  handlePercpuIrq,
  handleSimpleIrq,
  IRQ_HANDLED,
  IRQ_NONE,
  type IrqHandler,
  type Irqs,
  irqChip,
} from "../src/index.js";

const OPERATIONS = 4096;
const KINDS = 8;

const cell = new Int32Array(1);
/** Eight functions of eight sources. */
const handlers: IrqHandler[] = Array.from(
  { length: KINDS },
  (_, i) =>
    new Function("cell", `return (irq, dev) => { cell[0] = (cell[0] + ${i + 1}) | 0; return 1; }`)(cell) as IrqHandler,
);

const order = ((): Uint8Array => {
  const random = randomly(5);
  return Uint8Array.from({ length: OPERATIONS }, () => random() % KINDS);
})();

const registers = new Int32Array(4);
const chip = irqChip("bench", {
  irqMask(d) {
    registers[0] |= 1 << (d.irq & 7);
  },
  irqUnmask(d) {
    registers[0] &= ~(1 << (d.irq & 7));
  },
  irqAck(d) {
    registers[1] = d.irq;
  },
  irqEoi(d) {
    registers[2] = d.irq;
  },
  irqEnd(d) {
    registers[3] = d.irq;
  },
});

function machine(flow: FlowHandler, entry: "flow" | "__do_IRQ" = "flow"): { g: Irqs; lines: number[] } {
  const kernel = createMachine({ machine: { cpus: 2 } })
    .use(genirq({ entry }))
    .boot();
  const a = kernel.genirq;
  const lines = handlers.map((h, i) => {
    const irq = a.irqAllocDesc();
    a.irqSetChipAndHandlerName(irq, chip, flow, null);
    a.requestIrq(irq, h, 0, `dev${i}`);
    return irq;
  });
  kernel.core.irq.enter(0);
  return { g: a.irqs, lines };
}

const flowRun = (flow: FlowHandler, entry?: "flow" | "__do_IRQ") => () => {
  const { g, lines } = machine(flow, entry);
  return () => {
    for (let i = 0; i < OPERATIONS; i++) genericHandleIrq(g, lines[order[i]]);
  };
};

const names = handlers.map((_, i) => `irq${i}`);

/** The emitters, with `n` listeners per event. */
function emitters(n: number, targets: Readonly<Record<string, number>>): Peer[] {
  const add = (on: (name: string, h: IrqHandler) => void): void => {
    for (let e = 0; e < KINDS; e++) for (let i = 0; i < n; i++) on(names[e], handlers[(e + i) % KINDS]);
  };
  const target = (name: string) => (targets[name] === undefined ? {} : { target: targets[name] });
  const of = n === 1 ? "" : `, ${n} listeners`;
  return [
    {
      name: `node EventEmitter${of}`,
      ...target("node"),
      per: OPERATIONS,
      setup: () => {
        const e = new EventEmitter();
        add((name, h) => e.on(name, h));
        return () => {
          for (let i = 0; i < OPERATIONS; i++) e.emit(names[order[i]], i, null);
        };
      },
    },
    {
      name: `eventemitter3${of}`,
      ...target("eventemitter3"),
      per: OPERATIONS,
      setup: async () => {
        const { default: EventEmitter3 } = await peers.eventemitter3();
        const e = new EventEmitter3();
        add((name, h) => e.on(name, h));
        return () => {
          for (let i = 0; i < OPERATIONS; i++) e.emit(names[order[i]], i, null);
        };
      },
    },
    {
      name: `nanoevents${of}`,
      per: OPERATIONS,
      setup: async () => {
        const { createNanoEvents } = await peers.nanoevents();
        const e = createNanoEvents<Record<string, (irq: number, dev: unknown) => void>>();
        add((name, h) => e.on(name, h));
        return () => {
          for (let i = 0; i < OPERATIONS; i++) e.emit(names[order[i]], i, null);
        };
      },
    },
    {
      name: `mitt${of}`,
      per: OPERATIONS,
      setup: async () => {
        const { default: mitt } = await peers.mitt();
        const e = mitt<Record<string, number>>();
        add((name, h) => e.on(name, h as unknown as (n: number) => void));
        return () => {
          for (let i = 0; i < OPERATIONS; i++) e.emit(names[order[i]], i);
        };
      },
    },
  ];
}

const superHandler = (name: string, flow: FlowHandler): Peer => ({
  name: `__do_IRQ on a ${name} line`,
  per: OPERATIONS,
  setup: flowRun(flow, "__do_IRQ"),
});

const benchmarks: Benchmark[] = [
  {
    name: "simple flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: flowRun(handleSimpleIrq),
    bytesPer: () => ({
      "line, 2 CPUs": machine(handleSimpleIrq).g.bytesPerLine,
    }),
    peers: [...emitters(1, { eventemitter3: 1 }), superHandler("simple", handleSimpleIrq)],
  },
  {
    name: "level flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: flowRun(handleLevelIrq),
    peers: [...emitters(1, { eventemitter3: 0.5, node: 1 }), ...emitters(4, {}), superHandler("level", handleLevelIrq)],
  },
  {
    name: "edge flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: flowRun(handleEdgeIrq),
    peers: [superHandler("edge", handleEdgeIrq)],
  },
  {
    name: "fasteoi flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: flowRun(handleFasteoiIrq),
    peers: [superHandler("fasteoi", handleFasteoiIrq)],
  },
  {
    name: "per-CPU flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: flowRun(handlePercpuIrq),
    peers: [superHandler("per-CPU", handlePercpuIrq)],
  },
  {
    name: "level flow, 64-bit counters",
    unit: "interrupt",
    per: OPERATIONS,
    setup: () => {
      const { g, lines } = machine(handleLevelIrq);
      g.setCounterBits(64);
      return () => {
        for (let i = 0; i < OPERATIONS; i++) genericHandleIrq(g, lines[order[i]]);
      };
    },
    peers: [{ name: "32-bit counters", per: OPERATIONS, setup: flowRun(handleLevelIrq) }],
  },
  {
    name: "raise: hard interrupt context and back, level flow",
    unit: "interrupt",
    per: OPERATIONS,
    setup: () => {
      const kernel = createMachine({ machine: { cpus: 2 } })
        .use(genirq())
        .boot();
      const irq = kernel.genirq.irqAllocDesc();
      kernel.genirq.irqSetChipAndHandlerName(irq, chip, handleLevelIrq, null);
      kernel.genirq.requestIrq(irq, () => IRQ_HANDLED, 0, "dev");
      return () => {
        for (let i = 0; i < OPERATIONS; i++) kernel.genirq.raise(irq, i & 1);
      };
    },
  },
  {
    name: "a storm of 100,000 unhandled interrupts, until the line is disabled",
    unit: "storm",
    target: 100,
    setup: () => {
      const kernel = createMachine({ machine: { cpus: 1 } })
        .use(genirq())
        .boot();
      const a = kernel.genirq;
      return () => {
        const irq = a.irqAllocDesc();
        a.irqSetChipAndHandlerName(irq, chip, handleLevelIrq, null);
        a.requestIrq(irq, () => IRQ_NONE, 0, "dev");
        for (let i = 0; i < 100_000; i++) genericHandleIrq(a.irqs, irq);
        a.freeIrq(irq);
        a.irqFreeDescs(irq, 1);
      };
    },
  },
];

export default benchmarks;

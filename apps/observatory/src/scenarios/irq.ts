/** Interrupts: a level line shared by two devices, an edge line; chip calls one by one; a device that gets stuck. */
import { bitmapAlloc } from "@kernelkit/core";
import {
  genirq,
  handleEdgeIrq,
  handleLevelIrq,
  IRQ_HANDLED,
  IRQ_NONE,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_INPROGRESS,
  IRQD_IRQ_MASKED,
  IRQF_SHARED,
  IRQS_PENDING,
  IRQS_SPURIOUS_DISABLED,
  irqChip,
} from "@kernelkit/genirq";
import type { AssembledKernel } from "kernelkit/kernel";
import type { Emit, Scenario } from "../lab/scenario.js";
import { BASE, num, some, Wiring, write } from "./common.js";

export interface IrqPicture {
  readonly cpus: number;
  readonly lines: readonly {
    irq: number;
    flow: string;
    devices: readonly string[];
    counts: readonly number[];
    unhandled: number;
    disabled: boolean;
    spurious: boolean;
    masked: boolean;
    pending: boolean;
    inProgress: boolean;
    depth: number;
    affinity: readonly number[];
  }[];
  readonly stuck: boolean;
  readonly perSecond: number;
}

/** The devices: what their drivers would know. Plain state. */
interface Devices {
  level: number;
  edge: number;
  /** Events not yet seen by a handler: of the network card, the disk. */
  nic: number;
  disk: number;
  stuck: boolean;
  perSecond: number;
  cpu: number;
  served: number;
}
const devices = (k: AssembledKernel): Devices => k.core.state.rootNamed("observatory.devices") as Devices;

interface Wires {
  emit: Emit | null;
  tick: number;
  storm: number;
  gate: number;
}

/** A driver closes its line for so long, so often, ns. */
const CLOSED_NS = 60e6;
const GATE_EVERY_NS = 700e6;
const wiring = new Wiring<Wires>();

const off = (k: AssembledKernel, irq: number): boolean => (k.genirq.irqs.state[irq] & IRQD_IRQ_DISABLED) !== 0;
const gaveUp = (k: AssembledKernel, irq: number): boolean => (k.genirq.irqs.state[irq] & IRQS_SPURIOUS_DISABLED) !== 0;
/** The wire of the level line is up: the chip is told, unless the line is closed. */
function pull(k: AssembledKernel): void {
  const { level } = devices(k);
  if (!off(k, level)) k.genirq.raise(level, targetCpu(k, level));
}
const targetCpu = (k: AssembledKernel, irq: number): number => {
  const mask = k.genirq.irqs.desc[irq]?.affinity;
  for (let c = 0; mask !== undefined && c < k.cpus.nr; c++) if (((mask[c >> 5] >>> (c & 31)) & 1) === 1) return c;
  return 0;
};

export const irqScenario: Scenario<IrqPicture> = {
  id: "irq",
  name: "Interrupts",
  question: "What did the chip, the flow and the handlers do, in which order, on which CPU?",
  sees: "A network card, a disk and a sound card share a level line; a timer has an edge line. The list of calls shows each arrival as it is: the flow masks or acknowledges at the chip, runs each handler, and opens the line again. Now and then a driver closes its line for a while (disable_irq): what comes meanwhile waits, an edge as one pending bit. The sound card is loose and interrupts for nothing; let it get stuck, and the line storms until the kernel gives it up.",
  howTrue:
    "Order of chip calls, state bits, counters and the 99,900 of 100,000 rule are Linux's and checked against recorded cases. An interrupt takes no time by itself here; when the drivers close their lines is the scenario's choice.",
  binNs: 10e6,
  settings: {
    cpus: { kind: "number", default: 2, min: 1, max: 16, unit: "CPUs" },
    entry: { kind: "choice", default: "flow", choices: ["flow", "__do_IRQ"] },
    rate: { kind: "number", default: 40, min: 1, max: 2000, unit: "1/s" },
  },
  controls: [
    {
      name: "rate",
      what: "How often each device has something to say.",
      linux: "VALUE events a second at the devices",
      knob: { kind: "number", default: 40, min: 1, max: 2000, unit: "1/s" },
      apply(k, v) {
        devices(k).perSecond = Math.round(num(v));
      },
    },
    {
      name: "raise the level line",
      what: "One event of the network card, now.",
      linux: "the wire goes up",
      knob: { kind: "button" },
      apply(k) {
        const d = devices(k);
        d.nic++;
        pull(k);
      },
    },
    {
      name: "a device gets stuck",
      what: "The third device holds the level line and its handler denies it: 20,000 interrupts a second.",
      linux: "a broken device",
      knob: { kind: "button" },
      apply(k) {
        const d = devices(k);
        if (d.stuck) return;
        d.stuck = true;
        k.core.events.at(k.now, 0, wiring.get(k).storm, null);
      },
    },
    {
      name: "affinity",
      what: "The CPUs that may handle the level line, as a mask.",
      linux: "echo VALUE > /proc/irq/24/smp_affinity",
      knob: { kind: "choice", default: "1", choices: ["1", "2", "3", "f0"] },
      apply: (k, v) => write(k, `/proc/irq/${devices(k).level}/smp_affinity`, String(v)),
    },
  ],
  gauges: [
    {
      name: "level line",
      unit: "1/s",
      group: "interrupts",
      rate: true,
      what: "Interrupts of the shared line, all CPUs.",
      linux: "the line's row in /proc/interrupts",
      read: (k) => k.genirq.irqs.total[devices(k).level],
    },
    {
      name: "edge line",
      unit: "1/s",
      group: "interrupts",
      rate: true,
      what: "Interrupts of the timer's line, all CPUs.",
      linux: "the line's row in /proc/interrupts",
      read: (k) => k.genirq.irqs.total[devices(k).edge],
    },
    {
      name: "unhandled",
      unit: "in the window",
      group: "nobody's",
      what: "Interrupts of the level line that no handler took, in the window of 100,000.",
      linux: "/proc/irq/24/spurious",
      read: (k) => k.genirq.irqs.irqsUnhandled[devices(k).level],
    },
    {
      name: "waiting",
      unit: "events",
      group: "waiting events",
      what: "Events of the innocent devices that no handler has seen yet.",
      linux: "latency of their requests",
      read: (k) => devices(k).nic + devices(k).disk,
    },
  ],
  lanes: {
    title: "Lines",
    what: "The state of each line at each sample.",
    max: 2,
    states: [
      { name: "open", what: "the line is unmasked and quiet", tone: "empty" },
      { name: "masked", what: "the chip holds it back", tone: "waiting" },
      { name: "pending", what: "an arrival waits", tone: "interrupt" },
      { name: "closed", what: "its driver has closed it (disable_irq)", tone: "flight" },
      { name: "storm", what: "open, and a stuck device interrupts without end", tone: "busy" },
      { name: "given up", what: "nobody cared: the kernel has disabled it", tone: "bad" },
    ],
    names: (k) => [`IRQ ${devices(k).level} level`, `IRQ ${devices(k).edge} edge`],
    read(k, out) {
      const d = devices(k);
      for (const [i, irq] of [d.level, d.edge].entries()) {
        const st = k.genirq.irqs.state[irq];
        out[i] = gaveUp(k, irq)
          ? 5
          : (st & IRQS_PENDING) !== 0
            ? 2
            : off(k, irq)
              ? 3
              : (st & IRQD_IRQ_MASKED) !== 0
                ? 1
                : d.stuck && i === 0
                  ? 4
                  : 0;
      }
    },
  },
  heat: {
    title: "Events found by their handler",
    what: "How many events of its device a handler found when it was asked: more than one had to wait.",
    event: "seen",
    unit: "events at once",
    steps: [1, 2, 4, 8, 16, 64],
  },
  traces: ["irq:irq_handler_entry", "irq:irq_handler_exit"],
  files: [
    "/proc/interrupts",
    "/proc/irq/24/spurious",
    "/proc/irq/24/smp_affinity",
    "/sys/kernel/irq/24/actions",
    "/proc/stat",
  ],
  programs: [],
  packages: { ...BASE, genirq },
  options: (s) => ({
    machine: { cpus: num(s["cpus"]), memory: "256M" },
    genirq: { entry: s["entry"] as "flow" },
  }),
  statics(k) {
    const { core, genirq: g } = k;
    const { events, state } = core;
    state.root("observatory.devices", {
      level: 0,
      edge: 0,
      nic: 0,
      disk: 0,
      stuck: false,
      perSecond: 40,
      cpu: 0,
      served: 0,
    } satisfies Devices);
    const w: Wires = { emit: null, tick: 0, storm: 0, gate: 0 };
    wiring.set(k, w);
    const say = (op: string) => (d: { irq: number }) => {
      w.emit?.({ name: `chip:${op}`, text: `irq=${d.irq}: the flow tells the chip to ${op.replaceAll("_", " ")}` });
    };
    const ops = { irqMask: say("mask"), irqUnmask: say("unmask"), irqAck: say("ack"), irqMaskAck: say("mask_ack") };
    state.static("observatory.pic", irqChip("PIC", { ...ops, irqEnd: say("end") }));
    state.static("observatory.msi", irqChip("MSI", ops));
    const handler = (name: "nic" | "disk") => () => {
      const d = devices(k);
      if (d[name] === 0) return IRQ_NONE;
      w.emit?.({ name: "seen", text: `${name}: ${some(d[name], "event")} at once`, value: d[name] });
      d.served += d[name];
      d[name] = 0;
      return IRQ_HANDLED;
    };
    state.static("observatory.nic", handler("nic"));
    state.static("observatory.disk", handler("disk"));
    state.static("observatory.deny", () => IRQ_NONE);
    state.static("observatory.timer", () => IRQ_HANDLED);
    w.tick = events.define("observatory.device", (what) => {
      const d = devices(k);
      if (what === "timer") g.raise(d.edge, d.cpu++ % core.cpus.nr);
      else {
        // a loose sound card pulls the wire and has nothing to say
        if (what !== "sound") d[what as "nic" | "disk"]++;
        if (!d.stuck) pull(k);
      }
      // not quite regular, as devices are, and the same in every run
      const jitter = 0.5 + core.rng.below(1000) / 1000;
      // the loose card is quiet for long, then comes several times in a row
      const rare = what !== "sound" ? 1 : core.rng.below(6) === 0 ? 24 : 0.15;
      events.at(core.now + Math.round((1e9 / d.perSecond) * jitter * rare), 0, w.tick, what);
    });
    w.gate = events.define("observatory.gate", (irq) => {
      const line = irq as number;
      const closed = off(k, line);
      if (closed && gaveUp(k, line)) return;
      if (closed) {
        g.enableIrq(line);
        w.emit?.({ name: "open", text: `irq=${line}: the driver opens its line again` });
        // a level wire that is still up interrupts at once
        const d = devices(k);
        if (line === d.level && d.nic + d.disk > 0 && !d.stuck) pull(k);
      } else if (!devices(k).stuck) {
        g.disableIrqNosync(line);
        w.emit?.({ name: "close", text: `irq=${line}: the driver closes its line` });
      }
      events.at(core.now + (closed ? GATE_EVERY_NS - CLOSED_NS : CLOSED_NS), 0, w.gate, line);
    });
    w.storm = events.define("observatory.storm", () => {
      const d = devices(k);
      if (!d.stuck || off(k, d.level)) return;
      g.raise(d.level, targetCpu(k, d.level));
      events.at(core.now + 50_000, 0, w.storm, null);
    });
  },
  watch(k, emit) {
    wiring.get(k).emit = emit;
  },
  setup(k, s) {
    const d = devices(k);
    d.perSecond = num(s["rate"]);
    const { genirq: g, core } = k;
    const named = <T>(name: string): T => core.state.staticNamed(`observatory.${name}`) as T;
    d.level = g.irqAllocDesc();
    g.irqSetChipAndHandlerName(d.level, named("pic"), handleLevelIrq, "level");
    g.requestIrq(d.level, named("nic"), IRQF_SHARED, "eth0", "eth0");
    g.requestIrq(d.level, named("disk"), IRQF_SHARED, "sata", "sata");
    g.requestIrq(d.level, named("deny"), IRQF_SHARED, "sound", "sound");
    d.edge = g.irqAllocDesc();
    g.irqSetChipAndHandlerName(d.edge, named("msi"), handleEdgeIrq, "edge");
    g.requestIrq(d.edge, named("timer"), 0, "rtc", "rtc");
    const w = wiring.get(k);
    for (const [i, what] of ["nic", "disk", "timer", "sound"].entries())
      core.events.at(core.now + (i + 1) * 3e6, 0, w.tick, what);
    core.events.at(core.now + 300e6, 0, w.gate, d.level);
    core.events.at(core.now + 550e6, 0, w.gate, d.edge);
  },
  picture(k) {
    const d = devices(k);
    const { irqs } = k.genirq;
    return {
      cpus: k.cpus.nr,
      stuck: d.stuck,
      perSecond: d.perSecond,
      lines: [d.level, d.edge].map((irq) => {
        const names: string[] = [];
        for (let a = irqs.action[irq]; a !== null; a = a.next) names.push(a.name);
        const st = irqs.state[irq];
        const mask = irqs.desc[irq]?.affinity ?? bitmapAlloc(k.cpus.nr);
        return {
          irq,
          flow: irqs.desc[irq]?.name ?? "",
          devices: names,
          counts: Array.from({ length: k.cpus.nr }, (_, c) => irqs.kstat[irq * irqs.nrCpus + c]),
          unhandled: irqs.irqsUnhandled[irq],
          disabled: (st & IRQD_IRQ_DISABLED) !== 0,
          spurious: (st & IRQS_SPURIOUS_DISABLED) !== 0,
          masked: (st & IRQD_IRQ_MASKED) !== 0,
          pending: (st & IRQS_PENDING) !== 0,
          inProgress: (st & IRQD_IRQ_INPROGRESS) !== 0,
          depth: irqs.depth[irq],
          affinity: Array.from({ length: k.cpus.nr }, (_, c) => c).filter(
            (c) => ((mask[c >> 5] >>> (c & 31)) & 1) === 1,
          ),
        };
      }),
    };
  },
  table: (p) => ({
    columns: ["line", "flow", "devices", ...Array.from({ length: p.cpus }, (_, c) => `CPU${c}`), "unhandled", "state"],
    rows: p.lines.map((l) => [
      l.irq,
      l.flow,
      l.devices.join(", "),
      ...l.counts,
      l.unhandled,
      l.spurious ? "disabled: nobody cared" : l.disabled ? "disabled" : l.masked ? "masked" : "open",
    ]),
  }),
  takeaway(p) {
    const [level, edge] = p.lines;
    const sum = (a: readonly number[]): number => a.reduce((x, y) => x + y, 0);
    const verdict = level.spurious
      ? "nobody cared, and the kernel has given the line up; the other devices are polled"
      : p.stuck
        ? `${level.unhandled} were not handled in this window of 100,000`
        : "every one was somebody's";
    return `The level line ${level.irq} has interrupted ${sum(level.counts)} times: ${verdict}. The edge line ${edge.irq} has interrupted ${sum(edge.counts)} times on ${some(p.cpus, "CPU")}.`;
  },
};

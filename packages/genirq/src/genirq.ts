/**
 * The package as a feature of a kernel:
 *
 *     const kernel = createKernel({ machine: { cpus: 4 } }).use(genirq()).boot();
 *     const irq = kernel.genirq.irqAllocDesc();
 *     kernel.genirq.irqSetChipAndHandlerName(irq, chip, handleLevelIrq, "level");
 *     kernel.genirq.requestIrq(irq, handler, IRQF_SHARED, "eth0", device);
 *     kernel.genirq.raise(irq, 0);
 *
 * Works on `createMachine` too, without the files. Boot parameters: noirqdebug, irqfixup, irqpoll, threadirqs, irqaffinity=,
 * isolcpus=managed_irq,... (Documentation/admin-guide/kernel-parameters).
 */
import {
  bitmapParselist,
  bitmapSet,
  type Core,
  coreInstance,
  type Feature,
  HI_SOFTIRQ,
  type SysBase,
  TASKLET_SOFTIRQ,
} from "@kernelkit/core";
import { bindApi, type GenirqApi } from "./api.js";
import { IrqChipGeneric } from "./chip/genericChip.js";
import { dummyIrqChip, noIrqChip } from "./chip/irqChip.js";
import { IrqAction, type IrqAffinityNotify, IrqData, IrqDesc } from "./desc.js";
import { IrqDomain } from "./domain/irqDomain.js";
import { IrqSim } from "./domain/irqSim.js";
import { installIrqFiles } from "./files/lineFiles.js";
import { presetHandler } from "./files/preset.js";
import { archRows } from "./files/procInterrupts.js";
import { FLOWS, handleBadIrq } from "./flow/badIrq.js";
import { badChainedIrq } from "./flow/chained.js";
import { type IrqCalls, Irqs } from "./irqs.js";
import { irqAffinityOnlineCpu, irqMigrateAllOffThisCpu, notifyAffinity } from "./manage/affinity.js";
import { defaultPrimaryHandler, forcedSecondaryHandler, IRQ_THREAD, nestedPrimaryHandler } from "./manage/irqThread.js";
import { resendTask } from "./manage/resend.js";
import { IrqWork, runIrqWork } from "./softirq/irqWork.js";
import { KSOFTIRQD, Ksoftirqd, wakeKsoftirqd } from "./softirq/ksoftirqd.js";
import { Tasklet, taskletAction } from "./softirq/tasklet.js";
import { noteInterrupt, POLL_TIMER, pollSpuriousIrqs } from "./spurious.js";
import { doIrq } from "./superHandler.js";
import { defineIrqTrace } from "./trace.js";

export interface GenirqOptions {
  /** Who runs the lines: a flow per line ("flow", Linux since 2.6.17), or the one routine before it ("__do_IRQ"). */
  readonly entry?: "flow" | "__do_IRQ";
  /** Width of the interrupt counters: 32, as Linux has them, or 64 (exact to 2^53). */
  readonly counterBits?: 32 | 64;
  /** Which sharers agree on the trigger: by Linux's rule, or all with the first ("strict"). */
  readonly triggerAgreement?: "linux" | "strict";
  /** Size of the table of lines, 1 .. 2^20; grows when more are asked for. Default: as an x86 machine of that many CPUs. */
  readonly nrIrqs?: number;
  /** The lowest number given to a line that did not ask for one, 1 .. nrIrqs. Default 24. */
  readonly dynirqBase?: number;
}

/** No system calls: what user space has are files. */
export type GenirqSys = SysBase;

const CALLS: IrqCalls = { badFlow: handleBadIrq, doIrq, noteInterrupt, resendTask };

const CHOICES: Readonly<Record<string, readonly unknown[]>> = {
  entry: ["flow", "__do_IRQ"],
  counterBits: [32, 64],
  triggerAgreement: ["linux", "strict"],
};

function check(o: GenirqOptions): void {
  for (const [name, value] of Object.entries(o)) {
    const allowed = CHOICES[name];
    if (value === undefined) continue;
    if (allowed !== undefined) {
      if (!allowed.includes(value))
        throw new RangeError(
          `genirq: ${name} must be ${allowed.map((a) => JSON.stringify(a)).join(" or ")}, not ${String(value)}`,
        );
    } else if (name === "nrIrqs" || name === "dynirqBase") {
      if (!Number.isInteger(value) || value < 1 || value > 1 << 20)
        throw new RangeError(`genirq: ${name} must be an integer from 1 to ${1 << 20}, not ${String(value)}`);
    } else
      throw new TypeError(
        `genirq: there is no option ${name}; allowed are ${[...Object.keys(CHOICES), "nrIrqs", "dynirqBase"].join(", ")}`,
      );
  }
}

export function genirq(o: GenirqOptions = {}): Feature<"genirq", GenirqApi, GenirqSys> {
  check(o);
  return {
    name: "genirq",
    core: coreInstance,
    install(k: Core) {
      // As x86: 24 pins of the first IO-APIC and 16 of each, legacy lines, and 8 vectors per CPU.
      const nrIrqs = o.nrIrqs ?? 408 + 8 * k.cpus.nr;
      const g = new Irqs(k, defineIrqTrace(k), CALLS, nrIrqs, o.dynirqBase ?? 24);
      g.superHandler = o.entry === "__do_IRQ";
      g.strictTriggers = o.triggerAgreement === "strict";
      if (o.counterBits === 64) g.setCounterBits(64);
      g.archRows.push(...archRows(k.cpus.nr));
      registerState(k, g);
      bootParameters(k, g);
      g.pollFn = k.timers.define(POLL_TIMER, () => pollSpuriousIrqs(g));
      g.workEvent = k.events.define("genirq.irqWork", (w) => runIrqWork(w as IrqWork));
      g.notifyWork = k.workqueue.define("genirq.affinityNotify", (_c, n) => notifyAffinity(g, n as IrqAffinityNotify));
      k.irq.openSoftirq(TASKLET_SOFTIRQ, (cpu) => taskletAction(g, cpu, false));
      k.irq.openSoftirq(HI_SOFTIRQ, (cpu) => taskletAction(g, cpu, true));
      const deferred = (cpu: number): void => wakeKsoftirqd(g, cpu);
      k.state.static("genirq.deferred", deferred);
      k.irq.deferred = deferred;
      k.hooks.cpuDead.tap(50, "genirq", (cpu) => irqMigrateAllOffThisCpu(g, cpu));
      k.hooks.cpuOnline.tap(50, "genirq", (cpu) => irqAffinityOnlineCpu(g, cpu));
      installIrqFiles(g);
      return { api: bindApi(g) };
    },
  };
}

function registerState(k: Core, g: Irqs): void {
  const { state } = k;
  state.class(Irqs, IrqData, IrqDesc, IrqAction, IrqDomain, IrqChipGeneric, IrqSim, Tasklet, IrqWork, Ksoftirqd);
  state.root("genirq", g);
  for (const [name, flow] of FLOWS) state.static(`genirq.${name}`, flow);
  for (const f of [defaultPrimaryHandler, nestedPrimaryHandler, forcedSecondaryHandler, badChainedIrq, presetHandler])
    g.adopt("handler", f);
  g.adopt("tasklet", resendTask);
  state.static("genirq.chip.none", noIrqChip);
  state.static("genirq.chip.dummy", dummyIrqChip);
  state.static(`kthread.${IRQ_THREAD.name}`, IRQ_THREAD);
  state.static(`kthread.${KSOFTIRQD.name}`, KSOFTIRQD);
}

function bootParameters(k: Core, g: Irqs): void {
  const { cmdline } = k;
  g.noirqdebug = cmdline.has("noirqdebug");
  if (g.noirqdebug) k.log(6, "IRQ lockup detection disabled");
  if (cmdline.has("irqfixup")) {
    g.irqfixup = 1;
    k.log(4, "Misrouted IRQ fixup support enabled.");
    k.log(4, "This may impact system performance.");
  }
  if (cmdline.has("irqpoll")) {
    g.irqfixup = 2;
    k.log(4, "Misrouted IRQ fixup and polling support enabled");
    k.log(4, "This may significantly impact system performance");
  }
  g.threadirqs = cmdline.has("threadirqs");
  const list = cmdline.get("irqaffinity");
  if (list !== undefined) {
    const mask = bitmapParselist(list, k.cpus.nr);
    if (mask instanceof Uint32Array) {
      // the CPU that boots is always in it
      bitmapSet(mask, 0);
      g.defaultAffinity.set(mask);
    }
  }
  const isolcpus = cmdline.get("isolcpus");
  if (isolcpus === undefined) return;
  const flags = /^((?:[a-z_]+,)*)(.*)$/.exec(isolcpus) as RegExpExecArray;
  if (!flags[1].split(",").includes("managed_irq")) return;
  const mask = bitmapParselist(flags[2], k.cpus.nr);
  if (mask instanceof Uint32Array) g.isolated = mask;
}

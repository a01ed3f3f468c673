/**
 * irq_sim: a controller made of nothing, for tests of drivers. A domain whose lines interrupt when somebody sets their pending state:
 *
 *     const sim = irqDomainCreateSim(g, "sim", 8);
 *     const irq = irqCreateMapping(g, sim, 3);   requestIrq(...);   irqSimFire(g, irq);
 *
 * The interrupt comes by irq_work, in hard interrupt context, and only if the line is enabled. Edge types only.
 */
import { EINVAL } from "@kernelkit/core";
import { IRQ_NOAUTOEN, IRQ_NOREQUEST, IRQ_TYPE_EDGE_BOTH, IRQCHIP_STATE_PENDING, IRQD_TRIGGER_MASK } from "../abi.js";
import { irqChip } from "../chip/irqChip.js";
import type { IrqData } from "../desc.js";
import { irqSetHandler } from "../flow/chained.js";
import { handleSimpleIrq } from "../flow/flowHandlers.js";
import type { Irqs } from "../irqs.js";
import { irqSetIrqchipState } from "../manage/chipState.js";
import { irqModifyStatus } from "../manage/modifyStatus.js";
import { irqSetChip, irqSetChipData } from "../manage/setChip.js";
import { IrqWork, irqWorkQueue } from "../softirq/irqWork.js";
import { type IrqDomain, type IrqDomainOps, irqDomainCreateLinear, irqFindMapping } from "./irqDomain.js";

/** The state of one such controller. */
export class IrqSim {
  readonly pending: Uint8Array;
  readonly enabled: Uint8Array;
  domain: IrqDomain | null = null;
  work: IrqWork | null = null;
  constructor(lines: number) {
    this.pending = new Uint8Array(lines);
    this.enabled = new Uint8Array(lines);
  }
}

const simOf = (d: IrqData): IrqSim => d.chipData as IrqSim;

const SIM_CHIP = /* @__PURE__ */ irqChip("irq_sim", {
  irqMask(d) {
    simOf(d).enabled[d.hwirq] = 0;
  },
  irqUnmask(d) {
    simOf(d).enabled[d.hwirq] = 1;
  },
  irqSetType(d, type) {
    // a line that does not exist has no level
    if ((type & ~IRQ_TYPE_EDGE_BOTH) !== 0) return -EINVAL;
    d.g.state[d.irq] = (d.g.state[d.irq] & ~IRQD_TRIGGER_MASK) | type;
    return 0;
  },
  irqGetIrqchipState(d, which) {
    return which === IRQCHIP_STATE_PENDING ? simOf(d).pending[d.hwirq] === 1 : -EINVAL;
  },
  irqSetIrqchipState(d, which, value) {
    if (which !== IRQCHIP_STATE_PENDING) return -EINVAL;
    const sim = simOf(d);
    if (sim.enabled[d.hwirq] === 0) return 0;
    sim.pending[d.hwirq] = value ? 1 : 0;
    if (value) irqWorkQueue(d.g, sim.work as IrqWork);
    return 0;
  },
});

const SIM_OPS: IrqDomainOps = {
  map(domain, virq) {
    const { g } = domain;
    irqSetChip(g, virq, SIM_CHIP);
    irqSetChipData(g, virq, domain.hostData);
    irqSetHandler(g, virq, handleSimpleIrq);
    irqModifyStatus(g, virq, IRQ_NOREQUEST | IRQ_NOAUTOEN, 0);
    return 0;
  },
};

/** The work: all lines that are pending interrupt. */
function simWork(data: unknown): void {
  const { pending, domain } = data as IrqSim;
  const { g } = domain as IrqDomain;
  for (let i = 0; i < pending.length; i++) {
    if (pending[i] === 0) continue;
    pending[i] = 0;
    const irq = irqFindMapping(g, domain as IrqDomain, i);
    if (irq !== 0) g.handle(irq);
  }
  g.rethrow();
}

/** A domain of `lines` simulated lines. */
export function irqDomainCreateSim(g: Irqs, name: string, lines: number): IrqDomain {
  const sim = new IrqSim(lines);
  sim.domain = irqDomainCreateLinear(g, name, lines, SIM_OPS, sim);
  sim.work = new IrqWork(g, simWork, sim);
  return sim.domain;
}

/** Let a simulated line interrupt: 0, or -EINVAL if it is none. A disabled one does not. */
export function irqSimFire(g: Irqs, irq: number): number {
  return g.has(irq) ? irqSetIrqchipState(g, irq, IRQCHIP_STATE_PENDING, true) : -EINVAL;
}

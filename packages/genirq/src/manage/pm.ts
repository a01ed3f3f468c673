/**
 * Suspend and resume, and lines that may wake the machine. suspend_device_irqs() disables every requested line, except those that
 * must go on (NO_SUSPEND) and those armed to wake; an armed line's interrupt is kept and replayed at resume.
 * Documentation/power/suspend-and-interrupts.rst.
 */
import { EINVAL, ENXIO } from "@kernelkit/core";
import {
  IRQ_NESTED_THREAD,
  IRQCHIP_ENABLE_WAKEUP_ON_SUSPEND,
  IRQCHIP_MASK_ON_SUSPEND,
  IRQCHIP_SKIP_SET_WAKE,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_ENABLED_ON_SUSPEND,
  IRQD_IRQ_MASKED,
  IRQD_WAKEUP_ARMED,
  IRQD_WAKEUP_STATE,
  IRQF_COND_SUSPEND,
  IRQF_EARLY_RESUME,
  IRQF_FORCE_RESUME,
  IRQF_NO_SUSPEND,
  IRQS_SUSPENDED,
} from "../abi.js";
import { busLock, busSyncUnlock, maskIrq } from "../chip/mask.js";
import type { IrqAction, IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { globalLine } from "./line.js";
import { disableDepth, enableDepth } from "./startup.js";

/**
 * Let the line wake the machine from suspend, or no more; nests, only the first on and the last off reach the chip. 0; -EINVAL: no
 * such line; -ENXIO: the chip cannot; else its error, and the depth is as before.
 */
export function irqSetIrqWake(g: Irqs, irq: number, on: boolean): number {
  if (!globalLine(g, irq)) return -EINVAL;
  busLock(g, irq);
  let ret = 0;
  if (on) {
    if (g.wakeDepth[irq]++ === 0) {
      ret = setWakeReal(g, irq, true);
      if (ret !== 0) g.wakeDepth[irq] = 0;
      else g.state[irq] |= IRQD_WAKEUP_STATE;
    }
  } else if (g.wakeDepth[irq] === 0) g.warn("manage.c", "irq_set_irq_wake", `Unbalanced IRQ ${irq} wake disable`);
  else if (--g.wakeDepth[irq] === 0) {
    ret = setWakeReal(g, irq, false);
    if (ret !== 0) g.wakeDepth[irq] = 1;
    else g.state[irq] &= ~IRQD_WAKEUP_STATE;
  }
  busSyncUnlock(g, irq);
  return ret;
}

export function enableIrqWake(g: Irqs, irq: number): number {
  return irqSetIrqWake(g, irq, true);
}
export function disableIrqWake(g: Irqs, irq: number): number {
  return irqSetIrqWake(g, irq, false);
}

function setWakeReal(g: Irqs, irq: number, on: boolean): number {
  const d = g.data[irq] as IrqData;
  if ((d.chip.flags & IRQCHIP_SKIP_SET_WAKE) !== 0) return 0;
  return d.chip.irqSetWake === null ? -ENXIO : d.chip.irqSetWake(d, on);
}

/** A request is added: what it means for suspend. */
export function pmInstallAction(g: Irqs, irq: number, a: IrqAction): void {
  g.nrActions[irq]++;
  if ((a.flags & IRQF_FORCE_RESUME) !== 0) g.forceResumeDepth[irq]++;
  if (g.forceResumeDepth[irq] > 0 && g.forceResumeDepth[irq] !== g.nrActions[irq])
    g.warnOnce("pm.c", "irq_pm_install_action");
  if ((a.flags & IRQF_NO_SUSPEND) !== 0) g.noSuspendDepth[irq]++;
  else if ((a.flags & IRQF_COND_SUSPEND) !== 0) g.condSuspendDepth[irq]++;
  const mixed = g.noSuspendDepth[irq] > 0 && g.noSuspendDepth[irq] + g.condSuspendDepth[irq] !== g.nrActions[irq];
  if (mixed) g.warnOnce("pm.c", "irq_pm_install_action");
}

/** A request is gone. */
export function pmRemoveAction(g: Irqs, irq: number, a: IrqAction): void {
  g.nrActions[irq]--;
  if ((a.flags & IRQF_FORCE_RESUME) !== 0) g.forceResumeDepth[irq]--;
  if ((a.flags & IRQF_NO_SUSPEND) !== 0) g.noSuspendDepth[irq]--;
  else if ((a.flags & IRQF_COND_SUSPEND) !== 0) g.condSuspendDepth[irq]--;
}

/** The line whose interrupt woke the machine from its last suspend, 0: none. */
export function pmWakeupIrq(g: Irqs): number {
  return g.wakeupIrq;
}

/** Before the machine sleeps: lines are disabled or armed, in the order of their numbers. */
export function suspendDeviceIrqs(g: Irqs): void {
  g.wakeupIrq = 0;
  for (let i = 0; i < g.desc.length; i++) {
    if (g.desc[i] === null || (g.settings[i] & IRQ_NESTED_THREAD) !== 0) continue;
    busLock(g, i);
    suspendLine(g, i);
    busSyncUnlock(g, i);
  }
}

function suspendLine(g: Irqs, irq: number): void {
  const a = g.action[irq];
  if (a === null || a === g.chained || g.noSuspendDepth[irq] > 0) return;
  const { flags } = (g.data[irq] as IrqData).chip;
  if ((g.state[irq] & IRQD_WAKEUP_STATE) !== 0) {
    g.state[irq] |= IRQD_WAKEUP_ARMED;
    if ((flags & IRQCHIP_ENABLE_WAKEUP_ON_SUSPEND) !== 0 && (g.state[irq] & IRQD_IRQ_DISABLED) !== 0) {
      enableDepth(g, irq);
      g.state[irq] |= IRQD_IRQ_ENABLED_ON_SUSPEND;
    }
    return;
  }
  g.state[irq] |= IRQS_SUSPENDED;
  disableDepth(g, irq);
  if ((flags & IRQCHIP_MASK_ON_SUSPEND) !== 0) maskIrq(g, irq);
}

function resumeLine(g: Irqs, irq: number): void {
  g.state[irq] &= ~IRQD_WAKEUP_ARMED;
  if ((g.state[irq] & IRQD_IRQ_ENABLED_ON_SUSPEND) !== 0) {
    disableDepth(g, irq);
    g.state[irq] &= ~IRQD_IRQ_ENABLED_ON_SUSPEND;
  }
  if ((g.state[irq] & IRQS_SUSPENDED) === 0) {
    if (g.forceResumeDepth[irq] === 0) return;
    // the chip may have lost it: pretend that it was disabled
    g.depth[irq]++;
    g.state[irq] |= IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED;
  }
  g.state[irq] &= ~IRQS_SUSPENDED;
  enableDepth(g, irq);
}

function resumeLines(g: Irqs, earlyOnly: boolean): void {
  for (let i = 0; i < g.desc.length; i++) {
    if (g.desc[i] === null || (g.settings[i] & IRQ_NESTED_THREAD) !== 0) continue;
    if (earlyOnly && ((g.action[i]?.flags ?? 0) & IRQF_EARLY_RESUME) === 0) continue;
    busLock(g, i);
    resumeLine(g, i);
    busSyncUnlock(g, i);
  }
}

/** The machine is awake, devices not yet: lines of IRQF_EARLY_RESUME come back. */
export function irqPmSyscoreResume(g: Irqs): void {
  resumeLines(g, true);
}

/** All others come back, and those that are still down. */
export function resumeDeviceIrqs(g: Irqs): void {
  resumeLines(g, false);
}

/**
 * Starting, stopping, enabling and disabling a line at its chip (irq_startup, irq_shutdown, irq_enable, irq_disable): the layer
 * below the functions drivers call. Nesting is counted by the callers, except where start-up says that it begins anew.
 */
import { bitmapAlloc, bitmapAnd, bitmapIntersects } from "@kernelkit/core";
import {
  IRQ_DISABLE_UNLAZY,
  IRQ_NOPROBE,
  IRQCHIP_AFFINITY_PRE_STARTUP,
  IRQD_AFFINITY_MANAGED,
  IRQD_AFFINITY_SET,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_MASKED,
  IRQD_IRQ_STARTED,
  IRQD_MANAGED_SHUTDOWN,
  IRQS_SUSPENDED,
} from "../abi.js";
import { maskIrq, unmaskIrq } from "../chip/mask.js";
import type { IrqData, IrqDesc } from "../desc.js";
import { irqDomainActivateIrq, irqDomainDeactivateIrq } from "../domain/activate.js";
import type { Irqs } from "../irqs.js";
import { superEnable } from "../superHandler.js";
import { canSetAffinity, doSetAffinity, onlineMask } from "./doSetAffinity.js";
import { checkIrqResend, clearIrqResend } from "./resend.js";

/** Enable at the chip. A line that was only marked as disabled is unmasked, which does nothing if it never was masked. */
export function irqEnable(g: Irqs, irq: number): void {
  const d = g.data[irq] as IrqData;
  if ((g.state[irq] & IRQD_IRQ_DISABLED) === 0) {
    unmaskIrq(g, irq);
    return;
  }
  g.state[irq] &= ~IRQD_IRQ_DISABLED;
  if (d.chip.irqEnable === null) unmaskIrq(g, irq);
  else {
    d.chip.irqEnable(d);
    g.state[irq] &= ~IRQD_IRQ_MASKED;
  }
}

/** Disable; a chip without irqDisable is left alone until an interrupt comes (lazy), unless `mask`. */
function disable(g: Irqs, irq: number, mask: boolean): void {
  const d = g.data[irq] as IrqData;
  if ((g.state[irq] & IRQD_IRQ_DISABLED) !== 0) {
    if (mask) maskIrq(g, irq);
    return;
  }
  g.state[irq] |= IRQD_IRQ_DISABLED;
  if (d.chip.irqDisable !== null) {
    d.chip.irqDisable(d);
    g.state[irq] |= IRQD_IRQ_MASKED;
  } else if (mask) maskIrq(g, irq);
}

export function irqDisable(g: Irqs, irq: number): void {
  disable(g, irq, (g.settings[irq] & IRQ_DISABLE_UNLAZY) !== 0);
}

function startUp(g: Irqs, irq: number): number {
  const d = g.data[irq] as IrqData;
  let ret = 0;
  if (d.chip.irqStartup !== null) {
    ret = d.chip.irqStartup(d);
    g.state[irq] &= ~(IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED);
  } else irqEnable(g, irq);
  g.state[irq] |= IRQD_IRQ_STARTED;
  return ret;
}

/** Where a line is handled when it starts: what the user set if a CPU of it is on line, else the default. */
export function setupAffinity(g: Irqs, irq: number): number {
  if (!canSetAffinity(g, irq)) return 0;
  const desc = g.desc[irq] as IrqDesc;
  const online = onlineMask(g);
  let set = g.defaultAffinity;
  if ((g.state[irq] & (IRQD_AFFINITY_MANAGED | IRQD_AFFINITY_SET)) !== 0) {
    if (bitmapIntersects(desc.affinity, online)) set = desc.affinity;
    else g.state[irq] &= ~IRQD_AFFINITY_SET;
  }
  const mask = bitmapAlloc(g.nrCpus);
  if (!bitmapAnd(mask, set, online)) mask.set(online);
  return doSetAffinity(g, irq, mask, false);
}

/**
 * Start a line; its depth begins at 0. A managed line none of whose CPUs is on line stays down (depth 1) until one comes, unless
 * `force`. Returns the chip's word.
 */
export function irqStartup(g: Irqs, irq: number, resend: boolean, force: boolean): number {
  g.depth[irq] = 0;
  let ret = 0;
  if ((g.state[irq] & IRQD_IRQ_STARTED) !== 0) irqEnable(g, irq);
  else if ((g.state[irq] & IRQD_AFFINITY_MANAGED) !== 0) {
    const desc = g.desc[irq] as IrqDesc;
    g.state[irq] &= ~IRQD_MANAGED_SHUTDOWN;
    if (!bitmapIntersects(desc.affinity, onlineMask(g))) {
      if (force) g.warnOnce("chip.c", "__irq_startup_managed");
      g.depth[irq] = 1;
      g.state[irq] |= IRQD_MANAGED_SHUTDOWN;
      return 0;
    }
    if (irqDomainActivateIrq(g, irq) !== 0) {
      g.depth[irq] = 1;
      return 0;
    }
    doSetAffinity(g, irq, desc.affinity, false);
    ret = startUp(g, irq);
  } else {
    const pre = ((g.data[irq] as IrqData).chip.flags & IRQCHIP_AFFINITY_PRE_STARTUP) !== 0;
    if (pre) setupAffinity(g, irq);
    ret = startUp(g, irq);
    if (!pre) setupAffinity(g, irq);
  }
  if (resend) checkIrqResend(g, irq, false);
  return ret;
}

/** Activate in the hierarchy (managed lines: at start-up). 0 or a negative errno. */
export function irqActivate(g: Irqs, irq: number): number {
  return (g.state[irq] & IRQD_AFFINITY_MANAGED) === 0 ? irqDomainActivateIrq(g, irq) : 0;
}

export function irqActivateAndStartup(g: Irqs, irq: number, resend: boolean): number {
  if (irqActivate(g, irq) !== 0) {
    g.warnOnce("chip.c", "irq_activate_and_startup");
    return 0;
  }
  return irqStartup(g, irq, resend, true);
}

/** Shut a line down. The depth goes up by one, so that a managed line comes back as disabled as it was. */
export function irqShutdown(g: Irqs, irq: number): void {
  if ((g.state[irq] & IRQD_IRQ_STARTED) === 0) return;
  const d = g.data[irq] as IrqData;
  clearIrqResend(g, irq);
  g.depth[irq]++;
  if (d.chip.irqShutdown !== null) {
    d.chip.irqShutdown(d);
    g.state[irq] |= IRQD_IRQ_DISABLED | IRQD_IRQ_MASKED;
  } else disable(g, irq, true);
  g.state[irq] &= ~IRQD_IRQ_STARTED;
}

export function irqShutdownAndDeactivate(g: Irqs, irq: number): void {
  irqShutdown(g, irq);
  irqDomainDeactivateIrq(g, irq);
}

/** One disable more (__disable_irq). */
export function disableDepth(g: Irqs, irq: number): void {
  if (g.depth[irq]++ === 0) irqDisable(g, irq);
}

/** One enable (__enable_irq): at depth 1 the line starts or is enabled and what it missed is resent. */
export function enableDepth(g: Irqs, irq: number): void {
  if (g.depth[irq] === 0 || (g.depth[irq] === 1 && (g.state[irq] & IRQS_SUSPENDED) !== 0)) {
    g.warn("manage.c", "__enable_irq", `Unbalanced enable for IRQ ${irq}`);
    return;
  }
  if (g.depth[irq] > 1) {
    g.depth[irq]--;
    return;
  }
  g.settings[irq] |= IRQ_NOPROBE;
  if (g.superHandler && (g.state[irq] & IRQD_IRQ_STARTED) !== 0) {
    superEnable(g, irq);
    return;
  }
  // start-up, not enable: a line requested with NO_AUTOEN starts here
  irqStartup(g, irq, true, true);
}

/**
 * Affinity: on which CPUs a line is handled. irq_set_affinity() and its kin, hints for user space, notification of moves, and moves
 * that wait for the next interrupt. Documentation/core-api/irq/irq-affinity.rst.
 */
import { bitmapAlloc, bitmapEmpty, bitmapIntersects, bitmapTest, EBUSY, EINVAL, ENOSPC } from "@kernelkit/core";
import {
  IRQD_AFFINITY_SET,
  IRQD_IRQ_DISABLED,
  IRQD_IRQ_MASKED,
  IRQD_IRQ_STARTED,
  IRQD_MANAGED_SHUTDOWN,
  IRQD_PER_CPU,
  IRQD_SETAFFINITY_PENDING,
  IRQD_SINGLE_TARGET,
  IRQS_SUSPENDED,
} from "../abi.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import type { IrqAffinityNotify, IrqData, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { canMovePcntxt, canSetAffinity, doSetAffinity, onlineMask } from "./doSetAffinity.js";
import { globalLine } from "./line.js";
import { irqShutdownAndDeactivate, irqStartup } from "./startup.js";

function setLocked(g: Irqs, irq: number, mask: Uint32Array, force: boolean): number {
  const d = g.data[irq] as IrqData;
  const desc = g.desc[irq] as IrqDesc;
  if (d.chip.irqSetAffinity === null) return -EINVAL;
  let ret = 0;
  if (canMovePcntxt(g, irq) && (g.state[irq] & IRQD_SETAFFINITY_PENDING) === 0) {
    ret = doSetAffinity(g, irq, mask, force);
    if (ret === -EBUSY && !force) {
      setPending(g, desc, mask);
      ret = 0;
    }
  } else setPending(g, desc, mask);
  if (desc.notify !== null) g.k.workqueue.queue("events", g.notifyWork, desc.notify);
  g.state[irq] |= IRQD_AFFINITY_SET;
  return ret;
}

function setPending(g: Irqs, desc: IrqDesc, mask: Uint32Array): void {
  g.state[desc.irq] |= IRQD_SETAFFINITY_PENDING;
  desc.pending ??= bitmapAlloc(g.nrCpus);
  desc.pending.set(mask);
}

/**
 * Handle the line on these CPUs (words of 32; the chip sees those on line). With a chip that moves only in interrupt context
 * (IRQCHIP_MOVE_DEFERRED) the mask waits for the next interrupt. 0; -EINVAL: no such line, the chip cannot, no CPU on line;
 * else the chip's error.
 */
export function irqSetAffinity(g: Irqs, irq: number, mask: Uint32Array): number {
  return g.has(irq) ? setLocked(g, irq, mask, false) : -EINVAL;
}

/** As `irqSetAffinity`, but the chip gets the mask as it is, on line or not. */
export function irqForceAffinity(g: Irqs, irq: number, mask: Uint32Array): number {
  return g.has(irq) ? setLocked(g, irq, mask, true) : -EINVAL;
}

/** What /proc/irq/N/affinity_hint shows; null: nothing. 0, or -EINVAL. */
export function irqUpdateAffinityHint(g: Irqs, irq: number, mask: Uint32Array | null): number {
  return applyHint(g, irq, mask, false);
}

/** Show the hint and move the line there. */
export function irqSetAffinityAndHint(g: Irqs, irq: number, mask: Uint32Array | null): number {
  return applyHint(g, irq, mask, true);
}

function applyHint(g: Irqs, irq: number, mask: Uint32Array | null, move: boolean): number {
  if (!globalLine(g, irq)) return -EINVAL;
  busLock(g, irq);
  (g.desc[irq] as IrqDesc).hint = mask === null ? null : mask.slice();
  busSyncUnlock(g, irq);
  if (mask !== null && move) setLocked(g, irq, mask, false);
  return 0;
}

/** Be told when the line moves (in process context, once for moves that follow each other closely); null: no more. 0 or -EINVAL. */
export function irqSetAffinityNotifier(g: Irqs, irq: number, notify: IrqAffinityNotify | null): number {
  if (!g.has(irq)) return -EINVAL;
  const desc = g.desc[irq] as IrqDesc;
  const old = desc.notify;
  if (notify !== null) {
    notify.irq = irq;
    g.adopt("notify", notify.notify);
    if (notify.release) g.adopt("notify.release", notify.release);
  }
  desc.notify = notify;
  if (old !== null) {
    g.k.workqueue.cancel("events", g.notifyWork, old);
    old.release?.(old);
  }
  return 0;
}

/** The work behind it. */
export function notifyAffinity(g: Irqs, n: IrqAffinityNotify): void {
  const desc = g.desc[n.irq];
  if (desc === null || desc === undefined) return;
  const waits = (g.state[n.irq] & IRQD_SETAFFINITY_PENDING) !== 0 && desc.pending !== null;
  n.notify(n, (waits ? (desc.pending as Uint32Array) : desc.affinity).slice());
}

/** May user space move the line? Not managed ones. */
export function irqCanSetAffinityUsr(g: Irqs, irq: number): boolean {
  return g.has(irq) && canSetAffinity(g, irq) && !g.isManaged(irq);
}

/**
 * For chips that move in interrupt context: called by their irqAck (or eoi), makes a move that waits. The line is masked meanwhile
 * unless it is, and not moved while it is disabled (irq_move_irq).
 */
export function irqMoveIrq(g: Irqs, d: IrqData): void {
  const { irq } = d;
  const s = g.state[irq];
  if ((s & IRQD_SETAFFINITY_PENDING) === 0 || (s & IRQD_IRQ_DISABLED) !== 0) return;
  const top = g.data[irq] as IrqData;
  const masked = (s & IRQD_IRQ_MASKED) !== 0;
  if (!masked) top.chip.irqMask?.(top);
  moveMasked(g, irq);
  if (!masked) top.chip.irqUnmask?.(top);
}

function moveMasked(g: Irqs, irq: number): void {
  const desc = g.desc[irq] as IrqDesc;
  g.state[irq] &= ~IRQD_SETAFFINITY_PENDING;
  const { pending } = desc;
  if ((g.state[irq] & IRQD_PER_CPU) !== 0) {
    g.warn("migration.c", "irq_move_masked_irq");
    return;
  }
  if (pending === null || bitmapEmpty(pending)) return;
  if (bitmapIntersects(pending, onlineMask(g)) && doSetAffinity(g, irq, pending, false) === -EBUSY) {
    g.state[irq] |= IRQD_SETAFFINITY_PENDING;
    return;
  }
  pending.fill(0);
}

/** A CPU has gone off line (it is out of the mask of CPUs on line): every line that was handled there moves. */
export function irqMigrateAllOffThisCpu(g: Irqs, cpu: number): void {
  for (let i = 0; i < g.desc.length; i++) if (g.desc[i] !== null) migrateOne(g, i, cpu);
}

function migrateOne(g: Irqs, irq: number, cpu: number): void {
  const d = g.data[irq] as IrqData;
  const desc = g.desc[irq] as IrqDesc;
  const { chip } = d;
  if (chip.irqSetAffinity === null) return;
  const s = g.state[irq];
  const online = onlineMask(g);
  const where = bitmapEmpty(desc.effective) ? desc.affinity : desc.effective;
  if ((s & IRQD_PER_CPU) !== 0 || (s & IRQD_IRQ_STARTED) === 0 || !bitmapTest(where, cpu)) {
    dropPending(g, desc, online, false);
    return;
  }
  let target: Uint32Array = dropPending(g, desc, online, true)
    ? (desc.pending as Uint32Array).slice()
    : desc.affinity.slice();
  const mask = !canMovePcntxt(g, irq) && (g.state[irq] & IRQD_IRQ_MASKED) === 0;
  if (mask) chip.irqMask?.(d);
  if (!bitmapIntersects(target, online)) {
    if (g.isManaged(irq)) {
      g.state[irq] |= IRQD_MANAGED_SHUTDOWN;
      irqShutdownAndDeactivate(g, irq);
      return;
    }
    target = online;
  }
  let err = doSetAffinity(g, irq, target, false);
  if (err === -ENOSPC && !g.isManaged(irq) && target !== online) err = doSetAffinity(g, irq, online, false);
  if (err !== 0) g.k.log(4, `IRQ${irq}: set affinity failed(${err}).`);
  if (mask) chip.irqUnmask?.(d);
}

/** A move that waits and has no CPU on line is given up; with `clear` one that has is taken over. True if it is to be used. */
function dropPending(g: Irqs, desc: IrqDesc, online: Uint32Array, clear: boolean): boolean {
  if ((g.state[desc.irq] & IRQD_SETAFFINITY_PENDING) === 0 || desc.pending === null) return false;
  if (!bitmapIntersects(desc.pending, online)) {
    g.state[desc.irq] &= ~IRQD_SETAFFINITY_PENDING;
    return false;
  }
  if (clear) g.state[desc.irq] &= ~IRQD_SETAFFINITY_PENDING;
  return true;
}

/** A CPU is on line again: managed lines that were shut down for want of it start. */
export function irqAffinityOnlineCpu(g: Irqs, cpu: number): void {
  for (let i = 0; i < g.desc.length; i++) {
    const desc = g.desc[i];
    if (desc === null || !g.isManaged(i) || g.action[i] === null) continue;
    if (g.data[i]?.chip.irqSetAffinity == null && (g.state[i] & IRQD_MANAGED_SHUTDOWN) === 0) continue;
    if (!bitmapTest(desc.affinity, cpu) || (g.state[i] & IRQS_SUSPENDED) !== 0) continue;
    if ((g.state[i] & IRQD_MANAGED_SHUTDOWN) !== 0) startManaged(g, i);
    if ((g.state[i] & IRQD_SINGLE_TARGET) === 0) setLocked(g, i, desc.affinity.slice(), false);
  }
}

function startManaged(g: Irqs, irq: number): void {
  g.state[irq] &= ~IRQD_MANAGED_SHUTDOWN;
  // one that its driver had disabled meanwhile stays so
  if (--g.depth[irq] === 0) irqStartup(g, irq, true, false);
}

/**
 * Requesting a line: request_irq() and its kin. All return 0 or a negative errno, and a request that fails leaves the line as it was
 * (but for the trigger a second sharer had brought, which Linux records before it compares). The checks are in Linux's order.
 */
import { EBUSY, EINVAL, ENOSYS, ENOTCONN } from "@kernelkit/core";
import {
  __IRQF_TIMER,
  IRQ_NESTED_THREAD,
  IRQ_NO_BALANCING,
  IRQ_NO_DEBUG,
  IRQ_NOAUTOEN,
  IRQ_NOREQUEST,
  IRQ_NOTCONNECTED,
  IRQ_NOTHREAD,
  IRQ_PER_CPU,
  IRQ_PER_CPU_DEVID,
  IRQC_IS_HARDIRQ,
  IRQC_IS_NESTED,
  IRQCHIP_ONESHOT_SAFE,
  IRQD_DEFAULT_TRIGGER_SET,
  IRQD_IRQ_INPROGRESS,
  IRQD_NO_BALANCING,
  IRQD_PER_CPU,
  IRQD_TRIGGER_MASK,
  IRQF_COND_ONESHOT,
  IRQF_COND_SUSPEND,
  IRQF_NO_AUTOEN,
  IRQF_NO_DEBUG,
  IRQF_NO_SUSPEND,
  IRQF_NOBALANCING,
  IRQF_ONESHOT,
  IRQF_PERCPU,
  IRQF_PROBE_SHARED,
  IRQF_SHARED,
  IRQF_TIMER,
  IRQF_TRIGGER_MASK,
  IRQS_AUTODETECT,
  IRQS_ONESHOT,
  IRQS_SPURIOUS_DISABLED,
  IRQS_WAITING,
  IRQS_WATCHED,
} from "../abi.js";
import { noIrqChip } from "../chip/irqChip.js";
import { busLock, busSyncUnlock } from "../chip/mask.js";
import { IrqAction, type IrqData, type IrqHandler, type IrqThreadFn } from "../desc.js";
import { registerHandlerFiles } from "../files/lineFiles.js";
import type { Irqs } from "../irqs.js";
import { defaultPrimaryHandler, nestedPrimaryHandler, setupForcedThreading, setupIrqThread } from "./irqThread.js";
import { percpuLine } from "./line.js";
import { pmInstallAction } from "./pm.js";
import { setTrigger } from "./setTrigger.js";
import { enableDepth, irqActivate, irqStartup } from "./startup.js";

/**
 * request_irq(2.6+): `handler` runs in hard interrupt context for each interrupt of the line. `flags`: IRQF_ bits; `dev`
 * identifies the request and must be given (not null) with IRQF_SHARED. Errors: see `requestThreadedIrq`.
 */
export function requestIrq(
  g: Irqs,
  irq: number,
  handler: IrqHandler | null,
  flags: number,
  name: string,
  dev: unknown = null,
): number {
  return requestThreadedIrq(g, irq, handler, null, flags, name, dev);
}

/**
 * Request with a thread function, which runs in a kernel thread when `handler` returns IRQ_WAKE_THREAD (no handler: always).
 * In this order: -ENOTCONN; -EINVAL: contradicting flags, no such line, one that cannot be requested, neither handler nor thread
 * function; -ENOSYS: no chip; -EINVAL: nested without thread function; the chip's error; -EBUSY: not shareable, or 64 oneshot
 * sharers; -EINVAL: no handler and not ONESHOT; the error of set_type.
 */
export function requestThreadedIrq(
  g: Irqs,
  irq: number,
  handler: IrqHandler | null,
  threadFn: IrqThreadFn | null,
  flags: number,
  name: string,
  dev: unknown = null,
): number {
  checkFn("requestThreadedIrq", "handler", handler);
  checkFn("requestThreadedIrq", "threadFn", threadFn);
  if (irq === IRQ_NOTCONNECTED) return -ENOTCONN;
  const shared = (flags & IRQF_SHARED) !== 0;
  const hasDev = dev !== null && dev !== undefined;
  if (
    (shared && (!hasDev || (flags & IRQF_NO_AUTOEN) !== 0)) ||
    (!shared && (flags & IRQF_COND_SUSPEND) !== 0) ||
    (flags & (IRQF_NO_SUSPEND | IRQF_COND_SUSPEND)) === (IRQF_NO_SUSPEND | IRQF_COND_SUSPEND)
  )
    return -EINVAL;
  if (!g.has(irq)) return -EINVAL;
  if ((g.settings[irq] & IRQ_NOREQUEST) !== 0) return -EINVAL;
  if ((g.settings[irq] & IRQ_PER_CPU_DEVID) !== 0) {
    g.warn("manage.c", "request_threaded_irq");
    return -EINVAL;
  }
  if (handler === null && threadFn === null) return -EINVAL;
  const a = new IrqAction(g, handler ?? defaultPrimaryHandler, flags, String(name), hasDev ? dev : null, true);
  a.threadFn = threadFn;
  return setupIrq(g, irq, a);
}

/** Request a line that may be nested in a thread or not: IRQC_IS_NESTED (1), IRQC_IS_HARDIRQ (0), or a negative errno. */
export function requestAnyContextIrq(
  g: Irqs,
  irq: number,
  handler: IrqHandler | null,
  flags: number,
  name: string,
  dev: unknown = null,
): number {
  if (irq === IRQ_NOTCONNECTED) return -ENOTCONN;
  if (!g.has(irq)) return -EINVAL;
  if ((g.settings[irq] & IRQ_NESTED_THREAD) !== 0) {
    const ret = requestThreadedIrq(g, irq, null, handler, flags, name, dev);
    return ret === 0 ? IRQC_IS_NESTED : ret;
  }
  const ret = requestIrq(g, irq, handler, flags, name, dev);
  return ret === 0 ? IRQC_IS_HARDIRQ : ret;
}

/**
 * Request a per-CPU device line. `devs` has an entry per CPU. The line is not enabled: each CPU does that for itself with
 * `enablePercpuIrq`. -EINVAL: no devs, no such line, an ordinary one, flags other than 0 and IRQF_TIMER; -EBUSY.
 */
export function requestPercpuIrq(
  g: Irqs,
  irq: number,
  handler: IrqHandler | null,
  name: string,
  devs: readonly unknown[] | null,
  flags: number = 0,
): number {
  checkFn("requestPercpuIrq", "handler", handler);
  if (devs === null || devs === undefined) return -EINVAL;
  if (!percpuLine(g, irq) || (g.settings[irq] & IRQ_NOREQUEST) !== 0 || handler === null) return -EINVAL;
  if (flags !== 0 && flags !== IRQF_TIMER && flags !== __IRQF_TIMER) return -EINVAL;
  if (!Array.isArray(devs) || devs.length < g.nrCpus)
    throw new TypeError(`requestPercpuIrq: devs must be an array of ${g.nrCpus} entries, one per CPU`);
  return setupIrq(g, irq, new IrqAction(g, handler, flags | IRQF_PERCPU | IRQF_NO_SUSPEND, String(name), devs, false));
}

function checkFn(where: string, what: string, fn: unknown): void {
  if (fn !== null && typeof fn !== "function")
    throw new TypeError(`${where}: ${what} must be a function or null, not ${String(fn)}`);
}

/** Put an action on its line (__setup_irq). */
function setupIrq(g: Irqs, irq: number, a: IrqAction): number {
  const d = g.data[irq] as IrqData;
  if (d.chip === noIrqChip) return -ENOSYS;
  a.irq = irq;
  if ((a.flags & IRQF_TRIGGER_MASK) === 0) a.flags |= g.state[irq] & IRQD_TRIGGER_MASK;
  const nested = (g.settings[irq] & IRQ_NESTED_THREAD) !== 0;
  if (nested) {
    if (a.threadFn === null) return -EINVAL;
    a.handler = nestedPrimaryHandler;
  } else if ((g.settings[irq] & IRQ_NOTHREAD) === 0) setupForcedThreading(g, a);
  if ((d.chip.flags & IRQCHIP_ONESHOT_SAFE) !== 0) a.flags &= ~IRQF_ONESHOT;

  busLock(g, irq);
  const ret = installAction(g, irq, a, nested);
  busSyncUnlock(g, irq);
  if (ret === 0) registerHandlerFiles(g, irq, a);
  return ret;
}

function installAction(g: Irqs, irq: number, a: IrqAction, nested: boolean): number {
  const d = g.data[irq] as IrqData;
  const { chip } = d;
  const first = g.action[irq];
  if (first === null && chip.irqRequestResources !== null) {
    const e = chip.irqRequestResources(d);
    if (e !== 0) {
      g.k.log(3, `genirq: Failed to request resources for ${a.name} (irq ${irq}) on irqchip ${chip.name}`);
      return e;
    }
  }
  const fail = (e: number): number => {
    if (g.action[irq] === null) chip.irqReleaseResources?.(d);
    return e;
  };
  let usedLo = 0;
  let usedHi = 0;
  let last: IrqAction | null = null;
  if (first !== null) {
    if (!mayShare(g, irq, first, a)) {
      if ((a.flags & IRQF_PROBE_SHARED) === 0) {
        const hex = (n: number): string => (n >>> 0).toString(16).padStart(8, "0");
        g.k.log(
          3,
          `genirq: Flags mismatch irq ${irq}. ${hex(a.flags)} (${a.name}) vs. ${hex(first.flags)} (${first.name})`,
        );
      }
      return fail(-EBUSY);
    }
    for (let o: IrqAction | null = first; o !== null; o = o.next) {
      usedLo |= o.maskLo;
      usedHi |= o.maskHi;
      last = o;
    }
  }
  if ((a.flags & IRQF_ONESHOT) !== 0) {
    if (~usedLo !== 0) a.maskLo = ~usedLo & -~usedLo;
    else if (~usedHi !== 0) a.maskHi = ~usedHi & -~usedHi;
    else return fail(-EBUSY);
  } else if (a.handler === defaultPrimaryHandler && (chip.flags & IRQCHIP_ONESHOT_SAFE) === 0) {
    g.k.log(3, `genirq: Threaded irq requested with handler=NULL and !ONESHOT for ${a.name} (irq ${irq})`);
    return fail(-EINVAL);
  }
  if (first === null) {
    const type = a.flags & IRQF_TRIGGER_MASK;
    const e = (type === 0 ? 0 : setTrigger(g, irq, type)) || irqActivate(g, irq);
    if (e !== 0) return fail(e);
    startFirst(g, irq, a);
  } else {
    const wants = a.flags & IRQF_TRIGGER_MASK;
    const has = g.state[irq] & IRQD_TRIGGER_MASK;
    if (wants !== 0 && wants !== has) g.k.log(4, `genirq: irq ${irq} uses trigger mode ${has}; requested ${wants}`);
  }

  g.adopt("handler", a.handler);
  g.adopt("thread", a.threadFn);
  if (last === null) g.action[irq] = a;
  else last.next = a;
  if (a.threadFn !== null && !nested) {
    setupIrqThread(g, a, false);
    if (a.secondary !== null) setupIrqThread(g, a.secondary, true);
  }
  pmInstallAction(g, irq, a);
  g.irqCount[irq] = 0;
  g.irqsUnhandled[irq] = 0;
  // a line that was shut off as spurious gets another chance with a new sharer
  if (first !== null && (g.state[irq] & IRQS_SPURIOUS_DISABLED) !== 0) {
    g.state[irq] &= ~IRQS_SPURIOUS_DISABLED;
    enableDepth(g, irq);
  }
  return 0;
}

/** What the first request does to a line, up to its start. */
function startFirst(g: Irqs, irq: number, a: IrqAction): void {
  g.state[irq] &= ~(IRQS_AUTODETECT | IRQS_SPURIOUS_DISABLED | IRQS_ONESHOT | IRQS_WAITING | IRQD_IRQ_INPROGRESS);
  if ((a.flags & IRQF_PERCPU) !== 0) {
    g.state[irq] |= IRQD_PER_CPU;
    g.settings[irq] |= IRQ_PER_CPU;
    if ((a.flags & IRQF_NO_DEBUG) !== 0) g.settings[irq] |= IRQ_NO_DEBUG;
  }
  if (g.noirqdebug) g.settings[irq] |= IRQ_NO_DEBUG;
  // irqpoll looks at handled ones of some lines, too
  if (g.irqfixup > 1) g.state[irq] |= IRQS_WATCHED;
  if ((a.flags & IRQF_ONESHOT) !== 0) g.state[irq] |= IRQS_ONESHOT;
  if ((a.flags & IRQF_NOBALANCING) !== 0) {
    g.settings[irq] |= IRQ_NO_BALANCING;
    g.state[irq] |= IRQD_NO_BALANCING;
  }
  if ((a.flags & IRQF_NO_AUTOEN) === 0 && (g.settings[irq] & IRQ_NOAUTOEN) === 0) {
    irqStartup(g, irq, true, false);
    return;
  }
  if ((a.flags & IRQF_SHARED) !== 0) g.warnOnce("manage.c", "__setup_irq");
  g.depth[irq] = 1;
}

/**
 * May `a` share the line with those before it? Both must say SHARED, agree on PERCPU and ONESHOT, and on the trigger: with the
 * recorded type if that was given by firmware or by an earlier sharer, else the newcomer's own counts and is recorded from then
 * on. `triggerAgreement: "strict"`: with the first request's.
 */
function mayShare(g: Irqs, irq: number, first: IrqAction, a: IrqAction): boolean {
  const wants = a.flags & IRQF_TRIGGER_MASK;
  let type: number;
  if (g.strictTriggers) type = first.flags & IRQF_TRIGGER_MASK;
  else if ((g.state[irq] & IRQD_DEFAULT_TRIGGER_SET) !== 0) type = g.state[irq] & IRQD_TRIGGER_MASK;
  else {
    type = wants;
    g.state[irq] = (g.state[irq] & ~IRQD_TRIGGER_MASK) | type | IRQD_DEFAULT_TRIGGER_SET;
  }
  if ((first.flags & a.flags & IRQF_SHARED) === 0 || type !== wants) return false;
  if ((first.flags & IRQF_ONESHOT) !== 0 && (a.flags & IRQF_COND_ONESHOT) !== 0) a.flags |= IRQF_ONESHOT;
  else if (((first.flags ^ a.flags) & IRQF_ONESHOT) !== 0) return false;
  return ((first.flags ^ a.flags) & IRQF_PERCPU) === 0;
}

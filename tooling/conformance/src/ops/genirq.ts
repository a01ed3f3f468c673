/**
 * What of genirq's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and what the
 * chips, handlers and the log have shown since the last step. The vocabulary is in the README.
 *
 * A case's chips note each call ("irq_mask", "irq_set_type(4)"), with "@B" for lines other than A and "parent:" for the chip of that
 * name; its handlers note themselves and do what they are scripted to.
 */
import type { GenirqApi, IrqDevice, Irqs } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { durationNs } from "../variables.js";
import { domain, domains, flatOps, stackedOps } from "./genirq/domains.js";
import { chip, chips, type FakeChip, fakeChip } from "./genirq/fakeChip.js";
import { devName, primary, scripts, thread } from "./genirq/handlers.js";
import { api, constant, flagsOf, flow, int, line, lines, maskOf, none, note } from "./genirq/names.js";
import { stateFields } from "./genirq/stateFields.js";

export { lineNumber, namedLines, takeCalls } from "./genirq/names.js";

/** Name the line a mapping gave; the result is its number. */
function named(s: Session, name: unknown, virq: number): Result {
  if (virq > 0 && name !== undefined) lines(s).set(String(name), virq);
  return int(virq);
}

/** An operation on one line that returns nothing. */
const onLine =
  (f: (a: GenirqApi, irq: number, ...rest: unknown[]) => unknown) =>
  (s: Session, [l, ...rest]: readonly unknown[]): Result => {
    f(api(s), line(s, l), ...rest);
    return none;
  };

/** An operation on one line that returns an int. */
const intOf =
  (f: (a: GenirqApi, irq: number, ...rest: never[]) => number) =>
  (s: Session, [l, ...rest]: readonly unknown[]): Result =>
    int(f(api(s), line(s, l), ...(rest as never[])));

/** The device a case names. */
const device = (s: Session, name: unknown): IrqDevice =>
  s.state(`device ${String(name)}`, (): IrqDevice => ({ name: String(name) }));

const OPS: KernelOps = {
  fake_chip(s, [name, def]) {
    chips(s).set(String(name), fakeChip(s, String(name), (def ?? {}) as FakeChip));
    return none;
  },
  irq_alloc_desc(s, [name, o]) {
    const managed = (o as { managed?: string } | undefined)?.managed;
    const masks = managed === undefined ? null : [maskOf(s, managed)];
    return named(s, name, api(s).irqAllocDescs(-1, 0, 1, -1, masks));
  },
  irq_free_desc: onLine((a, irq) => a.irqFreeDescs(irq, 1)),
  irq_set_chip_and_handler_name: (s, [l, c, f, name]) =>
    int(
      api(s).irqSetChipAndHandlerName(
        line(s, l),
        c === null ? null : chip(s, c),
        flow(f),
        name === null || name === undefined ? null : String(name),
      ),
    ),
  irq_set_chip: (s, [l, c]) => int(api(s).irqSetChip(line(s, l), c === null ? null : chip(s, c))),
  irq_set_handler: (s, [l, f, name]) =>
    int(api(s).irqSetHandler(line(s, l), flow(f), name === undefined ? null : (name as string | null))),
  script_handler(s, [name, def]) {
    const perform = (op: string, irq: string): void => void OPS[op](s, [irq], {});
    scripts(s).set(String(name), { ...(def as object), runs: 0, perform });
    return none;
  },
  request_irq: (s, [l, h, flags, dev]) =>
    int(api(s).requestIrq(line(s, l), primary(s, h, false), flagsOf(flags), devName(dev), dev ?? null)),
  request_threaded_irq: (s, [l, h, t, flags, dev]) =>
    int(
      api(s).requestThreadedIrq(
        line(s, l),
        primary(s, h, t !== null),
        thread(s, t),
        flagsOf(flags),
        devName(dev),
        dev ?? null,
      ),
    ),
  request_any_context_irq: (s, [l, h, flags, dev]) =>
    int(api(s).requestAnyContextIrq(line(s, l), primary(s, h, false), flagsOf(flags), devName(dev), dev ?? null)),
  request_percpu_irq(s, [l, h, dev]) {
    const { nrCpus } = api(s).irqs;
    // one array per name, so that a free finds it
    const devs =
      dev === null ? null : s.state(`percpu ${String(dev)}`, () => new Array<unknown>(nrCpus).fill(String(dev)));
    return int(api(s).requestPercpuIrq(line(s, l), primary(s, h, false), String(dev), devs));
  },
  free_irq: (s, [l, dev]) => ({ ret: api(s).freeIrq(line(s, l), dev ?? null) }),
  free_percpu_irq: (s, [l, dev]) => ({
    ret: api(s).freePercpuIrq(
      line(s, l),
      s.state(`percpu ${String(dev)}`, () => []),
    ),
  }),
  devm_request_irq: (s, [d, l, h, flags, name, dev]) =>
    int(
      api(s).devmRequestIrq(
        device(s, d),
        line(s, l),
        primary(s, h, false),
        flagsOf(flags),
        name as string | null,
        dev ?? null,
      ),
    ),
  devm_free_irq: (s, [d, l, dev]) => ({ ret: api(s).devmFreeIrq(device(s, d), line(s, l), dev ?? null) }),
  device_unregister(s, [d]) {
    api(s).devmRelease(device(s, d));
    return none;
  },
  share_many(s, [l, n]) {
    const irq = line(s, l);
    const flags = genirq.IRQF_SHARED | genirq.IRQF_ONESHOT;
    let ret = 0;
    let granted = 0;
    for (; granted < Number(n); granted++) {
      ret = api(s).requestThreadedIrq(irq, null, thread(s, `t${granted}`), flags, `d${granted}`, `d${granted}`);
      if (ret !== 0) break;
    }
    for (let i = 0; i < granted; i++) api(s).freeIrq(irq, `d${i}`);
    return { ...int(ret), fields: { granted } };
  },

  generic_handle_irq(s, [l, o]) {
    const { cpu, times, every, quiet, context } = (o ?? {}) as {
      cpu?: number;
      times?: number;
      every?: string;
      quiet?: boolean;
      context?: string;
    };
    const a = api(s);
    const irq = line(s, l);
    const silence = s.state("quiet", () => ({ on: false }));
    const was = silence.on;
    if (quiet) silence.on = true;
    let ret = 0;
    try {
      for (let i = 0; i < (times ?? 1) && ret === 0; i++) {
        if (every !== undefined && i > 0) s.advance(durationNs(every));
        const on = cpu ?? Math.max(0, a.irqs.k.irq.currentCpu);
        ret = context === "task" ? a.genericHandleIrq(irq) : a.raise(irq, on);
      }
    } finally {
      silence.on = was;
    }
    return { ...int(ret), ...(quiet && { quiet }) };
  },
  handle_nested_irq: onLine((a, irq) => a.handleNestedIrq(irq)),
  enable_irq: onLine((a, irq) => a.enableIrq(irq)),
  disable_irq: onLine((a, irq) => a.disableIrq(irq)),
  disable_irq_nosync: onLine((a, irq) => a.disableIrqNosync(irq)),
  disable_hardirq: (s, [l]) => ({ ret: api(s).disableHardirq(line(s, l)) ? 1 : 0 }),
  synchronize_irq: onLine((a, irq) => a.synchronizeIrq(irq)),
  synchronize_hardirq: (s, [l]) => ({ ret: api(s).synchronizeHardirq(line(s, l)) ? 1 : 0 }),
  enable_percpu_irq: onLine((a, irq, type) => a.enablePercpuIrq(irq, Number(type ?? 0))),
  disable_percpu_irq: onLine((a, irq) => a.disablePercpuIrq(irq)),
  irq_percpu_is_enabled: (s, [l]) => ({ ret: api(s).irqPercpuIsEnabled(line(s, l)) ? 1 : 0 }),
  irq_set_percpu_devid: intOf((a, irq) => a.irqSetPercpuDevid(irq)),
  irq_set_nested_thread: (s, [l, on]) => int(api(s).irqSetNestedThread(line(s, l), Boolean(on))),
  irq_set_parent: (s, [l, p]) => int(api(s).irqSetParent(line(s, l), line(s, p))),
  irq_modify_status: (s, [l, clear, set]) => int(api(s).irqModifyStatus(line(s, l), flagsOf(clear), flagsOf(set))),
  irq_set_irq_type: (s, [l, type]) => int(api(s).irqSetIrqType(line(s, l), typeOf(type))),
  set_irq_type: (s, [l, type]) => int(api(s).setIrqType(line(s, l), typeOf(type))),
  irq_set_irq_wake: (s, [l, on]) => int(api(s).irqSetIrqWake(line(s, l), Number(on) !== 0)),
  set_irq_wake: (s, [l, on]) => int(api(s).setIrqWake(line(s, l), Number(on) !== 0)),
  enable_irq_wake: intOf((a, irq) => a.enableIrqWake(irq)),
  disable_irq_wake: intOf((a, irq) => a.disableIrqWake(irq)),
  irq_wake_thread: onLine((a, irq, dev) => a.irqWakeThread(irq, dev)),
  irq_inject_interrupt: intOf((a, irq) => a.irqInjectInterrupt(irq)),
  irq_get_irqchip_state(s, [l, which]) {
    const ret = api(s).irqGetIrqchipState(line(s, l), Number(which));
    return typeof ret === "number" ? int(ret) : { ret: 0, value: ret };
  },
  irq_set_irqchip_state: (s, [l, which, value]) =>
    int(api(s).irqSetIrqchipState(line(s, l), Number(which), Number(value) !== 0)),
  suspend_device_irqs(s) {
    api(s).suspendDeviceIrqs();
    return none;
  },
  resume_device_irqs(s) {
    api(s).resumeDeviceIrqs();
    return none;
  },
  irq_pm_syscore_resume(s) {
    api(s).irqPmSyscoreResume();
    return none;
  },

  irq_set_affinity: (s, [l, list]) => int(api(s).irqSetAffinity(line(s, l), maskOf(s, list))),
  irq_force_affinity: (s, [l, list]) => int(api(s).irqForceAffinity(line(s, l), maskOf(s, list))),
  irq_update_affinity_hint: (s, [l, list]) =>
    int(api(s).irqUpdateAffinityHint(line(s, l), list === null ? null : maskOf(s, list))),
  irq_set_affinity_and_hint: (s, [l, list]) =>
    int(api(s).irqSetAffinityAndHint(line(s, l), list === null ? null : maskOf(s, list))),

  irq_set_chained_handler(s, [p, child]) {
    const parent = line(s, p);
    if (child === null) return int(api(s).irqSetChainedHandler(parent, null));
    const to = line(s, child);
    const demux = (g: Irqs, irq: number): void => {
      genirq.chainedIrqEnter(g, irq);
      note(s, "demux");
      g.handle(to);
      genirq.chainedIrqExit(g, irq);
    };
    return int(api(s).irqSetChainedHandler(parent, demux));
  },

  irq_domain_create_linear(s, [name, size, chipName, xlate]) {
    const ops = flatOps(s, chipName, xlate === "xlate_onecell");
    domains(s).set(String(name), api(s).irqDomainCreateLinear(String(name), Number(size), ops));
    return none;
  },
  irq_domain_create_tree(s, [name, , chipName, xlate]) {
    const ops = flatOps(s, chipName, xlate === "xlate_onecell");
    domains(s).set(String(name), api(s).irqDomainCreateTree(String(name), ops));
    return none;
  },
  irq_domain_create_hierarchy(s, [name, size, chipName, parentName]) {
    const parent = parentName === undefined || parentName === null ? null : domain(s, parentName);
    const ops = stackedOps(s, String(chipName), parent !== null);
    domains(s).set(String(name), api(s).irqDomainCreateHierarchy(parent, Number(size), String(name), ops));
    return none;
  },
  irq_create_mapping: (s, [d, hwirq, name]) => named(s, name, api(s).irqCreateMapping(domain(s, d), Number(hwirq))),
  irq_create_fwspec_mapping: (s, [d, cells, name]) =>
    named(s, name, api(s).irqCreateFwspecMapping(domain(s, d), cells as number[])),
  irq_find_mapping: (s, [d, hwirq]) => ({ ret: api(s).irqFindMapping(domain(s, d), Number(hwirq)) }),
  irq_dispose_mapping: onLine((a, irq) => a.irqDisposeMapping(irq)),
  generic_handle_domain_irq(s, [d, hwirq]) {
    const { irqs } = api(s);
    const { irq } = irqs.k;
    irq.enter(0);
    try {
      return int(api(s).genericHandleDomainIrq(domain(s, d), Number(hwirq)));
    } finally {
      irq.exit(0);
    }
  },
  irq_domain_alloc_irqs(s, [d, hwirq, count, names]) {
    const virq = api(s).irqDomainAllocIrqs(domain(s, d), Number(count), Number(hwirq));
    if (virq > 0)
      ((names ?? []) as string[]).forEach((name, i) => {
        lines(s).set(name, virq + i);
      });
    return int(virq);
  },
  irq_domain_free_irqs: (s, [l, n]) => {
    api(s).irqDomainFreeIrqs(line(s, l), Number(n ?? 1));
    return none;
  },
  irq_domain_remove(s, [d]) {
    api(s).irqDomainRemove(domain(s, d));
    return none;
  },

  irq_state: (s, [l]) => ({ fields: stateFields(api(s).irqs, line(s, l)) }),
  set_kstat(s, [l, o, value]) {
    const { irqs } = api(s);
    const irq = line(s, l);
    const counts = Array.from(irqs.kstat.subarray(irq * irqs.nrCpus, (irq + 1) * irqs.nrCpus));
    counts[(o as { cpu: number }).cpu] = Number(value);
    genirq.presetCounts(irqs, irq, counts);
    return none;
  },
  irq_strategy(s, [key, value]) {
    const { irqs } = api(s);
    if (key === "entry") irqs.superHandler = value === "__do_IRQ";
    else if (key === "counterBits") irqs.setCounterBits(value as 32 | 64);
    else if (key === "triggerAgreement") irqs.strictTriggers = value === "strict";
    else throw new Mismatch("a strategy", String(key));
    return none;
  },
  irq_counter_wrap_days: (_, [o]) => {
    const { hz, bits } = o as { hz: number; bits: number };
    return { value: 2 ** bits / hz / 86400 };
  },
};

function typeOf(type: unknown): number {
  return typeof type === "number" ? type : constant(String(type));
}

export const genirqOps: KernelOps = OPS;

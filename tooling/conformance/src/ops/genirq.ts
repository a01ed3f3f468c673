/**
 * What of genirq's cases only the package can do: the kernel operations (`name: (s, args, step) => result`), and what the
 * chips, handlers and the log have shown since the last step. The vocabulary is in the README.
 *
 * A case's chips note each call ("irq_mask", "irq_set_type(4)"), with "@B" for lines other than A and "parent:" for the chip of that
 * name; its handlers note themselves and do what they are scripted to.
 */
import { bitmapFirst, bitmapOf, bitmapParselist, errnoName, formatList } from "@kernelkit/core";
import type { GenirqApi, IrqChipOps, IrqData, IrqDevice, IrqDomain, IrqDomainOps, Irqs } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";
import type { Step } from "../caseFile.js";
import { Mismatch } from "../outcome.js";
import type { Result } from "../result.js";
import type { Session } from "../session.js";
import type { KernelOps } from "../steps/kernelSteps.js";
import { durationNs } from "../variables.js";

/** Callbacks since the previous step, in order ("irq_mask", "handler:h1", "irq_unmask"); taken and forgotten. */
export function takeCalls(s: Session): string[] {
  return callLog(s).splice(0);
}

/** Where operations note the callbacks of their chips, handlers and domains. */
export const callLog = (s: Session): string[] => s.state("calls", () => []);

/** The number of a line by its name in the case; undefined if there is none of that name. */
export function lineNumber(s: Session, name: string): number | undefined {
  return lines(s).get(name);
}

/** Where operations note the numbers of the lines they make. */
export const lines = (s: Session): Map<string, number> => s.state("lines", () => new Map());

/** All names and numbers, as they are now. */
export const namedLines = (s: Session): Record<string, number> => Object.fromEntries(lines(s));

const api = (s: Session): GenirqApi => s.api<GenirqApi>("genirq");

/** A line by name or number. */
function line(s: Session, arg: unknown): number {
  if (typeof arg === "number") return arg;
  const nr = lines(s).get(String(arg));
  if (nr === undefined) throw new Mismatch(`a line ${String(arg)}`, "no such line");
  return nr;
}

/** A kernel function's int: a negative one is an error. */
function int(ret: number): Result {
  return ret < 0 ? { ret: -1, errno: errnoName(-ret) } : { ret };
}

const none: Result = {};

/** "@B" for lines other than A. */
function suffix(s: Session, irq: number): string {
  for (const [name, nr] of lines(s)) if (nr === irq) return name === "A" ? "" : `@${name}`;
  return "";
}

function note(s: Session, text: string, irq?: number): void {
  if (s.state("quiet", () => ({ on: false })).on) return;
  callLog(s).push(text + (irq === undefined ? "" : suffix(s, irq)));
}

const flagsOf = (names: unknown): number => {
  let bits = 0;
  for (const name of (names ?? []) as string[]) bits |= constant(name);
  return bits;
};

function constant(name: string): number {
  const value = (genirq as unknown as Record<string, unknown>)[name];
  if (typeof value !== "number") throw new Mismatch(`a constant ${name}`, "no such constant");
  return value;
}

function maskOf(s: Session, list: unknown): Uint32Array {
  const mask = bitmapParselist(String(list), api(s).irqs.nrCpus);
  if (!(mask instanceof Uint32Array)) throw new Mismatch("a list of CPUs", String(list));
  return mask;
}

function flow(name: unknown): genirq.FlowHandler | null {
  if (name === null || name === undefined) return null;
  const f = genirq.FLOWS.get(String(name));
  if (f === undefined) throw new Mismatch(`a flow ${String(name)}`, "no such flow");
  return f;
}

// --- chips ---

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

interface FakeChip {
  ops?: string[];
  flags?: string[];
  returns?: Record<string, number>;
  set_type_switches_flow?: boolean;
  updates_effective_affinity?: boolean;
  legacy?: boolean;
}

const PARENT_OPS: Readonly<Record<string, [keyof IrqChipOps, unknown]>> = {
  irq_mask_parent: ["irqMask", genirq.irqChipMaskParent],
  irq_unmask_parent: ["irqUnmask", genirq.irqChipUnmaskParent],
  irq_eoi_parent: ["irqEoi", genirq.irqChipEoiParent],
  irq_ack_parent: ["irqAck", genirq.irqChipAckParent],
  irq_mask_ack_parent: ["irqMaskAck", genirq.irqChipMaskAckParent],
  irq_enable_parent: ["irqEnable", genirq.irqChipEnableParent],
  irq_disable_parent: ["irqDisable", genirq.irqChipDisableParent],
  irq_set_affinity_parent: ["irqSetAffinity", genirq.irqChipSetAffinityParent],
  irq_set_type_parent: ["irqSetType", genirq.irqChipSetTypeParent],
  irq_set_wake_parent: ["irqSetWake", genirq.irqChipSetWakeParent],
  irq_retrigger_hierarchy: ["irqRetrigger", genirq.irqChipRetriggerHierarchy],
};

const INT_OPS = ["irq_startup", "irq_request_resources", "irq_set_wake", "irq_set_irqchip_state"];

function fakeChip(s: Session, name: string, def: FakeChip): genirq.IrqChip {
  const prefix = name === "parent" ? "parent:" : "";
  const returns = def.returns ?? {};
  const says = (d: IrqData, text: string): void => note(s, prefix + text, d.irq);
  const ops: Record<string, unknown> = {};
  for (const op of def.ops ?? []) {
    const parent = PARENT_OPS[op];
    if (parent !== undefined) {
      ops[parent[0]] = parent[1];
      continue;
    }
    const ret = returns[op] ?? 0;
    ops[camel(op)] = ((): unknown => {
      switch (op) {
        case "irq_set_type":
          return (d: IrqData, type: number) => {
            says(d, `irq_set_type(${type})`);
            if (!def.set_type_switches_flow) return ret;
            const level = (type & genirq.IRQ_TYPE_LEVEL_MASK) !== 0;
            d.g.state[d.irq] = (d.g.state[d.irq] & ~genirq.IRQD_TRIGGER_MASK) | type;
            genirq.irqSetHandlerLocked(d, level ? genirq.handleLevelIrq : genirq.handleEdgeIrq);
            return genirq.IRQ_SET_MASK_OK_NOCOPY;
          };
        case "irq_set_affinity":
          return (d: IrqData, mask: Uint32Array) => {
            says(d, `irq_set_affinity(${formatList(mask)})`);
            if (ret >= 0 && def.updates_effective_affinity !== false)
              genirq.irqDataUpdateEffectiveAffinity(d, bitmapOf(d.g.nrCpus, [bitmapFirst(mask)]));
            return ret;
          };
        case "irq_retrigger":
          return (d: IrqData) => {
            says(d, op);
            return returns[op] ?? 1;
          };
        case "irq_set_wake":
          return (d: IrqData, on: boolean) => {
            says(d, `irq_set_wake(${on ? 1 : 0})`);
            return ret;
          };
        case "irq_print_chip":
          return () => `custom-${name}`;
        case "irq_get_irqchip_state":
          return (d: IrqData, which: number) => {
            says(d, `${op}(${which})`);
            return ret < 0 ? ret : false;
          };
        case "irq_set_irqchip_state":
          return (d: IrqData, which: number, value: boolean) => {
            says(d, `${op}(${which},${value ? 1 : 0})`);
            return ret;
          };
        default:
          return (d: IrqData) => {
            says(d, op);
            return INT_OPS.includes(op) || op === "startup" ? ret : undefined;
          };
      }
    })();
  }
  return def.legacy ? genirq.legacyIrqChip(name, ops) : genirq.irqChip(name, ops, flagsOf(def.flags));
}

const chips = (s: Session): Map<string, genirq.IrqChip> => s.state("chips", () => new Map());

function chip(s: Session, name: unknown): genirq.IrqChip {
  const c = chips(s).get(String(name));
  if (c === undefined) throw new Mismatch(`a chip ${String(name)}`, "no such chip");
  return c;
}

// --- handlers ---

interface Script {
  returns?: string | number;
  handled_runs?: [number, number];
  do?: { op: string; irq: string; on: number }[];
  runs: number;
}

const scripts = (s: Session): Map<string, Script> => s.state("scripts", () => new Map());

function runScript(s: Session, name: string, otherwise: number): number {
  const script = scripts(s).get(name);
  if (script === undefined) return otherwise;
  script.runs++;
  for (const action of script.do ?? []) {
    if (action.on !== script.runs) continue;
    const arrival = action.op === "generic_handle_irq";
    if (arrival) note(s, "{");
    genirqOps[action.op](s, [action.irq], {} as Step);
    if (arrival) note(s, "}");
  }
  const [from, to] = script.handled_runs ?? [0, -1];
  if (script.runs >= from && script.runs <= to) return genirq.IRQ_HANDLED;
  const { returns } = script;
  return returns === undefined ? otherwise : typeof returns === "number" ? returns : constant(returns);
}

function primary(s: Session, name: unknown, threaded: boolean): genirq.IrqHandler | null {
  if (name === null || name === undefined) return null;
  const otherwise = threaded ? genirq.IRQ_WAKE_THREAD : genirq.IRQ_HANDLED;
  return (irq) => {
    note(s, `handler:${String(name)}`, irq);
    return runScript(s, String(name), otherwise);
  };
}

function thread(s: Session, name: unknown): genirq.IrqThreadFn | null {
  if (name === null || name === undefined) return null;
  return (irq) => {
    note(s, `thread:${String(name)}`, irq);
    return runScript(s, String(name), genirq.IRQ_HANDLED);
  };
}

/** devname = dev, or that of a request without one. */
const devName = (dev: unknown): string => (dev === null || dev === undefined ? "nodev" : String(dev));

// --- domains ---

const domains = (s: Session): Map<string, IrqDomain> => s.state("domains", () => new Map());

function domain(s: Session, name: unknown): IrqDomain {
  const d = domains(s).get(String(name));
  if (d === undefined) throw new Mismatch(`a domain ${String(name)}`, "no such domain");
  return d;
}

/** hwirq that the test domains refuse, and what the child adds for its parent. */
const REFUSED = 13;
const PARENT_OFFSET = 100;

function flatOps(s: Session, chipName: unknown, onecell: boolean): IrqDomainOps {
  const c = chip(s, chipName);
  return {
    map(d, virq, hwirq) {
      note(s, `map(${hwirq})`);
      if (hwirq === REFUSED) return -22;
      genirq.irqSetChipAndHandlerName(d.g, virq, c, genirq.handleLevelIrq, null);
      return 0;
    },
    unmap() {
      note(s, "unmap");
    },
    xlate: onecell ? genirq.irqDomainXlateOnecell : genirq.irqDomainXlateTwocell,
  };
}

function stackedOps(s: Session, chipName: string, hasParent: boolean): IrqDomainOps {
  const c = chip(s, chipName);
  const hwirqOf = (arg: unknown): number => (Array.isArray(arg) ? Number(arg[0]) : Number(arg));
  return {
    alloc(d, virq, nr, arg) {
      const hwirq = hwirqOf(arg);
      note(s, `alloc:${chipName}(${hwirq},${nr})`);
      if (hasParent) {
        const ret = genirq.irqDomainAllocIrqsParent(d, virq, nr, hwirq + PARENT_OFFSET);
        if (ret < 0) return ret;
      }
      if (hwirq === REFUSED) return -28;
      for (let i = 0; i < nr; i++) {
        genirq.irqDomainSetHwirqAndChip(d, virq + i, hwirq + i, c);
        if (hasParent) genirq.irqSetHandler(d.g, virq + i, genirq.handleFasteoiIrq);
      }
      return 0;
    },
    free(d, virq, nr) {
      note(s, `free:${chipName}(${nr})`);
      genirq.irqDomainFreeIrqsParent(d, virq, nr);
    },
    activate() {
      note(s, `activate:${chipName}`);
      return 0;
    },
    deactivate() {
      note(s, `deactivate:${chipName}`);
    },
    xlate: genirq.irqDomainXlateTwocell,
  };
}

/** Name the line a mapping gave; the result is its number. */
function named(s: Session, name: unknown, virq: number): Result {
  if (virq > 0 && name !== undefined) lines(s).set(String(name), virq);
  return int(virq);
}

function stateFields(g: Irqs, irq: number): Record<string, unknown> {
  const w = g.state[irq];
  const is = (bit: number): boolean => (w & bit) !== 0;
  const names: string[] = [];
  for (let a = g.action[irq]; a !== null; a = a.next) names.push(a.name);
  let kstat = 0;
  for (let c = 0; c < g.nrCpus; c++) kstat += g.kstat[irq * g.nrCpus + c];
  return {
    depth: g.depth[irq],
    wake_depth: g.wakeDepth[irq],
    disabled: is(genirq.IRQD_IRQ_DISABLED),
    masked: is(genirq.IRQD_IRQ_MASKED),
    pending: is(genirq.IRQS_PENDING),
    replay: is(genirq.IRQS_REPLAY),
    oneshot: is(genirq.IRQS_ONESHOT),
    suspended: is(genirq.IRQS_SUSPENDED),
    spurious_disabled: is(genirq.IRQS_SPURIOUS_DISABLED),
    level: is(genirq.IRQD_LEVEL),
    per_cpu: is(genirq.IRQD_PER_CPU),
    no_balancing: is(genirq.IRQD_PER_CPU | genirq.IRQD_NO_BALANCING),
    started: is(genirq.IRQD_IRQ_STARTED),
    activated: is(genirq.IRQD_ACTIVATED),
    wakeup_state: is(genirq.IRQD_WAKEUP_STATE),
    wakeup_armed: is(genirq.IRQD_WAKEUP_ARMED),
    inprogress: is(genirq.IRQD_IRQ_INPROGRESS),
    trigger: w & genirq.IRQD_TRIGGER_MASK,
    irq_count: g.irqCount[irq],
    irqs_unhandled: g.irqsUnhandled[irq],
    threads_handled: g.threadsHandled[irq],
    kstat: g.counterBits === 32 ? kstat >>> 0 : kstat,
    actions: names,
    handler: genirq.flowName(g.flow[irq]),
  };
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
    scripts(s).set(String(name), { ...(def as object), runs: 0 });
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

/**
 * Interrupt domains: how the hardware's line numbers (hwirq) of a controller become Linux's. A linear domain has a table, a tree
 * takes any number; lines are mapped when they are asked for. Firmware's descriptions (cells) are translated by the domain.
 * Documentation/core-api/irq/irq-domain.rst.
 */
import { EINVAL, EPERM } from "@kernelkit/core";
import { IRQ_NOREQUEST, IRQ_TYPE_NONE, IRQ_TYPE_SENSE_MASK } from "../abi.js";
import type { IrqData } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { irqClearStatusFlags, irqSetStatusFlags } from "../manage/modifyStatus.js";
import { irqSetChipAndHandler } from "../manage/setChip.js";
import { checkNotInHandler, waitForThreads } from "../manage/synchronize.js";

/** What a controller's driver says about its lines. A static: registered by its name. */
export interface IrqDomainOps {
  /** A line gets its number: set chip and flow. 0 or a negative errno. */
  map?(d: IrqDomain, virq: number, hwirq: number): number;
  unmap?(d: IrqDomain, virq: number): void;
  /** Cells of a firmware node to line and type; null: not a description of one. */
  xlate?(d: IrqDomain, cells: readonly number[]): { hwirq: number; type: number } | null;
  /** Hierarchies: allocate `nr` lines from `virq`, here and (irqDomainAllocIrqsParent) above. `arg` is as given or the cells. */
  alloc?(d: IrqDomain, virq: number, nr: number, arg: unknown): number;
  free?(d: IrqDomain, virq: number, nr: number): void;
  activate?(d: IrqDomain, data: IrqData, reserve: boolean): number;
  deactivate?(d: IrqDomain, data: IrqData): void;
}

export class IrqDomain {
  /** Line of each hardware line. */
  readonly revmap: Map<number, IrqData> = new Map();
  mapcount = 0;
  parent: IrqDomain | null = null;

  constructor(
    readonly g: Irqs,
    readonly name: string,
    readonly ops: IrqDomainOps,
    /** Hardware lines are below this. */
    readonly hwirqMax: number,
    /** The driver's own; state. */
    readonly hostData: unknown,
  ) {}

  get hierarchy(): boolean {
    return this.ops.alloc !== undefined;
  }
}

/** xlate of one cell: the hardware line. */
export function irqDomainXlateOnecell(_: IrqDomain, cells: readonly number[]): { hwirq: number; type: number } | null {
  return cells.length < 1 ? null : { hwirq: cells[0], type: IRQ_TYPE_NONE };
}

/** xlate of two cells: hardware line and trigger type. */
export function irqDomainXlateTwocell(_: IrqDomain, cells: readonly number[]): { hwirq: number; type: number } | null {
  return cells.length < 2 ? null : { hwirq: cells[0], type: cells[1] & IRQ_TYPE_SENSE_MASK };
}

/** xlate of one or two cells. */
export function irqDomainXlateOnetwocell(
  _: IrqDomain,
  cells: readonly number[],
): { hwirq: number; type: number } | null {
  return cells.length < 1
    ? null
    : { hwirq: cells[0], type: cells.length > 1 ? cells[1] & IRQ_TYPE_SENSE_MASK : IRQ_TYPE_NONE };
}

function create(g: Irqs, name: string, ops: IrqDomainOps, max: number, hostData: unknown): IrqDomain {
  g.adopt("domain", ops);
  const d = new IrqDomain(g, name, ops, max, hostData);
  g.domains.push(d);
  return d;
}

/** A domain of hardware lines 0 .. size-1. */
export function irqDomainCreateLinear(
  g: Irqs,
  name: string,
  size: number,
  ops: IrqDomainOps,
  hostData: unknown = null,
): IrqDomain {
  if (!Number.isInteger(size) || size <= 0)
    throw new RangeError(`irqDomainCreateLinear: size must be an integer > 0, not ${size}`);
  return create(g, name, ops, size, hostData);
}

/** A domain of any hardware lines below 2^32. */
export function irqDomainCreateTree(g: Irqs, name: string, ops: IrqDomainOps, hostData: unknown = null): IrqDomain {
  return create(g, name, ops, 2 ** 32, hostData);
}

/** A domain whose lines are lines of `parent` too (null: the root of a hierarchy). size 0: a tree. `ops` need `alloc`. */
export function irqDomainCreateHierarchy(
  g: Irqs,
  parent: IrqDomain | null,
  size: number,
  name: string,
  ops: IrqDomainOps,
  hostData: unknown = null,
): IrqDomain {
  const d = create(g, name, ops, size === 0 ? 2 ** 32 : size, hostData);
  d.parent = parent;
  return d;
}

/** Remove a domain without mapped lines. */
export function irqDomainRemove(g: Irqs, d: IrqDomain): void {
  if (d.mapcount > 0) g.warn("irqdomain.c", "irq_domain_remove");
  const at = g.domains.indexOf(d);
  if (at >= 0) g.domains.splice(at, 1);
}

/** The line of a hardware line, 0: not mapped. */
export function irqFindMapping(_: Irqs, d: IrqDomain, hwirq: number): number {
  return d.revmap.get(hwirq)?.irq ?? 0;
}

/** Let `virq` stand for `hwirq`. 0 or a negative errno: -EINVAL out of range or taken, else what map() said. */
export function irqDomainAssociate(g: Irqs, d: IrqDomain, virq: number, hwirq: number): number {
  if (!(hwirq >= 0 && hwirq < d.hwirqMax)) {
    g.warn(
      "irqdomain.c",
      "irq_domain_associate",
      `error: hwirq 0x${(hwirq >>> 0).toString(16)} is too large for ${d.name}`,
    );
    return -EINVAL;
  }
  const data = g.data[virq] ?? null;
  if (data === null || data.domain !== null) {
    g.warn(
      "irqdomain.c",
      "irq_domain_associate",
      `error: virq${virq} is ${data === null ? "not allocated" : "already associated"}`,
    );
    return -EINVAL;
  }
  data.hwirq = hwirq;
  data.domain = d;
  const ret = d.ops.map?.(d, virq, hwirq) ?? 0;
  if (ret !== 0) {
    if (ret !== -EPERM)
      g.k.log(6, `irq: ${d.name} didn't like hwirq-0x${hwirq.toString(16)} to VIRQ${virq} mapping (rc=${ret})`);
    data.domain = null;
    data.hwirq = 0;
    return ret;
  }
  d.mapcount++;
  d.revmap.set(hwirq, data);
  irqClearStatusFlags(g, virq, IRQ_NOREQUEST);
  return 0;
}

/** The line cannot be requested any more and has no chip; its threads are waited for. */
export function disassociate(g: Irqs, virq: number): void {
  irqSetStatusFlags(g, virq, IRQ_NOREQUEST);
  irqSetChipAndHandler(g, virq, null, null);
  checkNotInHandler(g, virq, "irq_domain_disassociate");
  waitForThreads(g, virq, "irq_domain_disassociate");
}

export function removeMapping(d: IrqDomain, data: IrqData): void {
  d.revmap.delete(data.hwirq);
  d.mapcount--;
  data.domain = null;
  data.hwirq = 0;
}

/** An interrupt of a hardware line: 0, or -EINVAL if it is not mapped. For flows; errors of handlers are kept for the first caller. */
export function handleDomainIrq(g: Irqs, d: IrqDomain, hwirq: number): number {
  const data = d.revmap.get(hwirq);
  return data === undefined ? -EINVAL : g.handle(data.irq);
}

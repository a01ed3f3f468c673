/** The chips of genirq's cases: each operation they have notes its call. */
import { bitmapFirst, bitmapOf, formatList } from "@kernelkit/core";
import type { IrqChipOps, IrqData } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";
import { Mismatch } from "../../outcome.js";
import type { Session } from "../../session.js";
import { flagsOf, note } from "./names.js";

const camel = (name: string): string => name.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase());

export interface FakeChip {
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

export function fakeChip(s: Session, name: string, def: FakeChip): genirq.IrqChip {
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

export const chips = (s: Session): Map<string, genirq.IrqChip> => s.state("chips", () => new Map());

export function chip(s: Session, name: unknown): genirq.IrqChip {
  const c = chips(s).get(String(name));
  if (c === undefined) throw new Mismatch(`a chip ${String(name)}`, "no such chip");
  return c;
}

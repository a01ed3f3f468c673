/** The interrupt domains of genirq's cases: a flat one, and one stacked on another. */
import type { IrqDomain, IrqDomainOps } from "@kernelkit/genirq";
import * as genirq from "@kernelkit/genirq";
import { Mismatch } from "../../outcome.js";
import type { Session } from "../../session.js";
import { chip } from "./fakeChip.js";
import { note } from "./names.js";

export const domains = (s: Session): Map<string, IrqDomain> => s.state("domains", () => new Map());

export function domain(s: Session, name: unknown): IrqDomain {
  const d = domains(s).get(String(name));
  if (d === undefined) throw new Mismatch(`a domain ${String(name)}`, "no such domain");
  return d;
}

/** hwirq that the test domains refuse, and what the child adds for its parent. */
const REFUSED = 13;
const PARENT_OFFSET = 100;

export function flatOps(s: Session, chipName: unknown, onecell: boolean): IrqDomainOps {
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

export function stackedOps(s: Session, chipName: string, hasParent: boolean): IrqDomainOps {
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

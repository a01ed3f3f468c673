/**
 * Where the files are: /proc/interrupts, /proc/irq/, /sys/kernel/irq/, the `intr` line of /proc/stat. A machine without files (createMachine)
 * has none of this. /proc/irq/N comes with the first request of the line and stays; /sys/kernel/irq/N with the line itself.
 */
import type { FileGroup, Knode, PseudoFile } from "@kernelkit/core";
import type { IrqAction, IrqDesc } from "../desc.js";
import type { Irqs } from "../irqs.js";
import { irqCanSetAffinityUsr } from "../manage/affinity.js";
import {
  actionsText,
  affinityText,
  chipNameText,
  effectiveText,
  hintText,
  hwirqText,
  maskText,
  nameText,
  nodeText,
  perCpuCountText,
  spuriousText,
  typeText,
  wakeupText,
} from "./irqText.js";
import { interruptsText, intrText } from "./procInterrupts.js";
import { storeAffinity, storeDefaultAffinity } from "./writeAffinity.js";

/** The kinds of directories of a kernel. */
export interface IrqFiles {
  readonly proc: FileGroup<IrqDesc>;
  /** Of lines that user space may not move. */
  readonly procFixed: FileGroup<IrqDesc>;
  readonly sysfs: FileGroup<IrqDesc>;
}

type Text = (g: Irqs, irq: number) => string;
const shows = (text: Text): PseudoFile<IrqDesc> => ({ show: (_c, d) => text(d.data.g, d.irq) });

/** Make the general files and the kinds of directories. Nothing on a machine without files. */
export function installIrqFiles(g: Irqs): void {
  const { k } = g;
  if (k.proc === undefined) return;
  k.proc.intr = () => intrText(g);
  k.proc.file("/proc/interrupts", { show: () => interruptsText(g) });
  k.proc.file("/proc/irq/default_smp_affinity", {
    mode: 0o644,
    show: () => maskText(g, g.defaultAffinity, false),
    store: (_c, _o, text) => storeDefaultAffinity(g, text) || text.length,
  });
  const rest = {
    affinity_hint: shows(hintText),
    node: shows(nodeText),
    effective_affinity: shows((x, irq) => effectiveText(x, irq, false)),
    effective_affinity_list: shows((x, irq) => effectiveText(x, irq, true)),
    spurious: shows(spuriousText),
  };
  const affinity = (list: boolean, mode: number): PseudoFile<IrqDesc> => ({
    mode,
    show: (_c, d) => affinityText(d.data.g, d.irq, list),
    store: (_c, d, text) => storeAffinity(d.data.g, d.irq, text, list) || text.length,
  });
  const procGroup = (name: string, mode: number): FileGroup<IrqDesc> =>
    k.proc.group(name, { smp_affinity: affinity(false, mode), smp_affinity_list: affinity(true, mode), ...rest });
  g.files = {
    proc: procGroup("genirq.proc", 0o644),
    procFixed: procGroup("genirq.procFixed", 0o444),
    sysfs: k.sysfs.group("genirq.sysfs", {
      per_cpu_count: shows(perCpuCountText),
      chip_name: shows(chipNameText),
      hwirq: shows(hwirqText),
      type: shows(typeText),
      wakeup: shows(wakeupText),
      name: shows(nameText),
      actions: shows(actionsText),
    }),
  };
}

/** A line is there: its directory in sysfs. */
export function registerDescFiles(g: Irqs, irq: number): void {
  const kinds = g.files;
  if (kinds === null) return;
  const d = g.desc[irq] as IrqDesc;
  d.sysfsDir = g.k.sysfs.dir(`/sys/kernel/irq/${irq}`, { group: kinds.sysfs, owner: d });
}

/** The line goes. */
export function unregisterDescFiles(g: Irqs, irq: number): void {
  const d = g.desc[irq] as IrqDesc;
  if (d.sysfsDir !== null) g.k.sysfs.remove(d.sysfsDir as Knode);
  if (d.procDir !== null) g.k.proc.remove(d.procDir as Knode);
  d.sysfsDir = d.procDir = null;
}

/** A request is there: the line's directory in /proc/irq, and one of the action's name if there is none yet. */
export function registerHandlerFiles(g: Irqs, irq: number, a: IrqAction): void {
  const kinds = g.files;
  if (kinds === null) return;
  const d = g.desc[irq] as IrqDesc;
  const { proc } = g.k;
  if (d.procDir === null) {
    const group = irqCanSetAffinityUsr(g, irq) ? kinds.proc : kinds.procFixed;
    d.procDir = proc.dir(`/proc/irq/${irq}`, { group, owner: d });
  }
  // a name that is a path, or that another action has, gets no directory
  if (a.name === "" || a.name.includes("/") || proc.find(`/proc/irq/${irq}/${a.name}`) !== null) return;
  a.dir = proc.dir(`/proc/irq/${irq}/${a.name}`);
}

/** The request is gone, and its directory. */
export function unregisterHandlerFiles(g: Irqs, a: IrqAction): void {
  if (a.dir === null) return;
  g.k.proc.remove(a.dir as Knode);
  a.dir = null;
}

/** What the package's tests share: a machine, chips that note their calls, handlers that note their runs. */
import { createMachine, type Kernel, type KernelOptions } from "@kernelkit/core";
import { IRQ_HANDLED } from "./abi.js";
import type { GenirqApi } from "./api.js";
import { type IrqChip, type IrqChipOps, irqChip } from "./chip/irqChip.js";
import type { FlowHandler, IrqData, IrqHandler } from "./desc.js";
import { type GenirqOptions, type GenirqSys, genirq } from "./genirq.js";

export interface Rig {
  readonly kernel: Kernel<{ readonly genirq: GenirqApi }, GenirqSys>;
  readonly irq: GenirqApi;
  /** What chips and handlers have done; `take` gives it and forgets it. */
  readonly calls: string[];
  take(): string[];
  log(): string[];
  chip(ops: readonly (keyof IrqChipOps)[], flags?: number, over?: IrqChipOps): IrqChip;
  line(chip: IrqChip, flow: FlowHandler): number;
  handler(name: string, returns?: number): IrqHandler;
}

export function rig(o: GenirqOptions = {}, k: KernelOptions = {}): Rig {
  const kernel = createMachine({ machine: { cpus: 2 }, ...k })
    .use(genirq(o))
    .boot() as unknown as Rig["kernel"];
  const irq = kernel.genirq;
  const calls: string[] = [];
  const lines: string[] = [];
  kernel.core.hooks.log.tap(950, "test", (l) => {
    lines.push(...l.text.split("\n"));
  });
  return {
    kernel,
    irq,
    calls,
    take: () => calls.splice(0),
    log: () => lines.splice(0),
    chip(ops, flags = 0, over = {}) {
      const made: Record<string, unknown> = {};
      for (const op of ops)
        made[op] = (_d: IrqData, ...rest: unknown[]) => {
          const shown = rest.filter((r) => typeof r !== "object");
          calls.push(shown.length === 0 ? op : `${op}(${shown.join(",")})`);
          return op === "irqRetrigger" ? 1 : 0;
        };
      return irqChip("test", { ...made, ...over }, flags);
    },
    line(chip, flow) {
      const n = irq.irqAllocDesc();
      irq.irqSetChipAndHandlerName(n, chip, flow, null);
      return n;
    },
    handler: (name, returns = IRQ_HANDLED) => {
      return () => {
        calls.push(name);
        return returns;
      };
    },
  };
}

/**
 * The assembled kernel: core and every package there is, with Linux 6.18's defaults. `bootKernel()` composes and boots; options of
 * a package go under its name.
 *
 *     const kernel = bootKernel({ machine: { cpus: 4, memory: "8G" }, powerclamp: { driver: "6.3" } });
 *     kernel.printk.dmesg();
 */
import { type Builder, type CoreSys, createKernel, type Kernel, type KernelOptions } from "@kernelkit/core";
import { type GenirqApi, type GenirqOptions, type GenirqSys, genirq } from "@kernelkit/genirq";
import { type IntegrityApi, type IntegrityOptions, type IntegritySys, integrity } from "@kernelkit/integrity";
import { type PowerclampApi, type PowerclampOptions, powerclamp } from "@kernelkit/powerclamp";
import { type PrintkApi, type PrintkOptions, type PrintkSys, printkSyslog } from "@kernelkit/printk-syslog";

/** Options of the machine, and of each package under its name. */
export interface BootOptions extends KernelOptions {
  genirq?: GenirqOptions;
  integrity?: IntegrityOptions;
  powerclamp?: PowerclampOptions;
  printk?: PrintkOptions;
}

/** What the packages add to the kernel. */
export interface AssembledApi {
  readonly genirq: GenirqApi;
  readonly integrity: IntegrityApi;
  readonly powerclamp: PowerclampApi;
  readonly printk: PrintkApi;
}

/** Every system call there is. */
export type AssembledSys = CoreSys & GenirqSys & IntegritySys & PrintkSys;

export type AssembledKernel = Kernel<AssembledApi, AssembledSys>;

/** Everything composed, not yet booted: more packages can be used, or a checkpoint restored. */
export function assemble(options: BootOptions = {}): Builder<AssembledApi, AssembledSys> {
  const { genirq: irq, integrity: ima, powerclamp: clamp, printk, ...machine } = options;
  return createKernel(machine)
    .use(printkSyslog(printk))
    .use(genirq(irq))
    .use(powerclamp(clamp))
    .use(integrity(ima)) as never;
}

/** Compose and boot. TypeError or RangeError for a bad option, naming it. */
export function bootKernel(options: BootOptions = {}): AssembledKernel {
  return assemble(options).boot();
}

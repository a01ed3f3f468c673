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
import { type MemcgApi, type MemcgOptions, memcg } from "@kernelkit/memcg";
import { type NamespacesApi, type NamespacesOptions, type NamespacesSys, namespaces } from "@kernelkit/namespaces";
import { type NumaApi, type NumaOptions, type NumaSys, numa } from "@kernelkit/numa";
import { type PowerclampApi, type PowerclampOptions, powerclamp } from "@kernelkit/powerclamp";
import { type PrintkApi, type PrintkOptions, type PrintkSys, printkSyslog } from "@kernelkit/printk-syslog";
import { type WritebackApi, type WritebackOptions, type WritebackSys, writeback } from "@kernelkit/writeback";

import { cpuController } from "./controllers/cpu.js";
import { ioController, otherControllers } from "./controllers/others.js";
import { lxcfs } from "./layouts/lxcfs.js";

/** Options of the machine, and of each package under its name. */
export interface BootOptions extends KernelOptions {
  genirq?: GenirqOptions;
  integrity?: IntegrityOptions;
  memcg?: MemcgOptions;
  namespaces?: NamespacesOptions;
  numa?: NumaOptions;
  powerclamp?: PowerclampOptions;
  printk?: PrintkOptions;
  writeback?: WritebackOptions;
}

/** What the packages add to the kernel. */
export interface AssembledApi {
  readonly genirq: GenirqApi;
  readonly integrity: IntegrityApi;
  readonly memcg: MemcgApi;
  readonly namespaces: NamespacesApi;
  readonly numa: NumaApi;
  readonly powerclamp: PowerclampApi;
  readonly printk: PrintkApi;
  readonly writeback: WritebackApi;
}

/** Every system call there is. */
export type AssembledSys = CoreSys & GenirqSys & IntegritySys & NamespacesSys & NumaSys & PrintkSys & WritebackSys;

export type AssembledKernel = Kernel<AssembledApi, AssembledSys>;

/** Everything composed, not yet booted: more packages can be used, or a checkpoint restored. */
export function assemble(options: BootOptions = {}): Builder<AssembledApi, AssembledSys> {
  const {
    genirq: o1,
    integrity: o2,
    memcg: o3,
    namespaces: o8,
    numa: o4,
    powerclamp: o5,
    printk: o6,
    writeback: o7,
    ...machine
  } = options;
  return createKernel(machine)
    .use(genirq(o1))
    .use(integrity(o2))
    .use(cpuController())
    .use(ioController())
    .use(memcg(o3))
    .use(otherControllers())
    .use(namespaces(o8))
    .use(numa(o4))
    .use(powerclamp(o5))
    .use(printkSyslog(o6))
    .use(writeback(o7))
    .use(lxcfs()) as unknown as Builder<AssembledApi, AssembledSys>;
}

/** Compose and boot. TypeError or RangeError for a bad option, naming it. */
export function bootKernel(options: BootOptions = {}): AssembledKernel {
  return assemble(options).boot();
}

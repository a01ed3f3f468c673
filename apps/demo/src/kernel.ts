/** The assembled kernel: core and every package there is, with Linux 6.18's defaults. */
import { createKernel, type KernelOptions } from "@kernelkit/core";
import { printkSyslog } from "@kernelkit/printk-syslog";

/** Compose and boot. The result is typed by what is composed. */
export function bootKernel(options: KernelOptions = {}) {
  return createKernel(options).use(printkSyslog()).boot();
}

export type AssembledKernel = ReturnType<typeof bootKernel>;

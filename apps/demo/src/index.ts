/**
 * The assembled kernel as a library: `bootKernel()` composes every package; core's exports are here, each package's under its name.
 *
 *     import { bootKernel, genirq } from "kernelkit";
 *     const kernel = bootKernel({ machine: { cpus: 4, memory: "8G" } });
 *     genirq.parseInterrupts(kernel.sys(kernel.init).readText("/proc/interrupts"));
 */
export * from "@kernelkit/core";
export * as genirq from "@kernelkit/genirq";
export * as integrity from "@kernelkit/integrity";
export * as memcg from "@kernelkit/memcg";
export * as namespaces from "@kernelkit/namespaces";
export * as numa from "@kernelkit/numa";
export * as powerclamp from "@kernelkit/powerclamp";
export * as printkSyslog from "@kernelkit/printk-syslog";
export * as writeback from "@kernelkit/writeback";
export { type ExportedTree, type ExportOptions, exportTree } from "./export/exportTree.js";
export {
  type AssembledApi,
  type AssembledKernel,
  type AssembledSys,
  assemble,
  type BootOptions,
  bootKernel,
} from "./kernel.js";
export { type BuiltLayout, bootLayout, buildLayout, LAYOUTS } from "./layouts/layout.js";
export { effectiveLimits, type HoldingLimits, visibleLimits } from "./layouts/limits.js";
export type { LayoutOptions } from "./layouts/options.js";
export { createShell, type Shell, type ShellOptions, type ShellResult, shellTask } from "./shell/shell.js";
